import random

import pytest
from xdsl.dialects import tensor
from xdsl.dialects.builtin import FunctionType, TensorType
from xdsl.rewriter import InsertPoint

from tests.passes.graph.harness import check_random_programs, ops_of, passed, run_passes
from tests.programs import assert_same, random_program
from weft.backends import reference
from weft.passes.rewriting import LocatedBuilder


def with_known_arguments(program):
    """Give `@main` the sizes of the arguments; its body sees them cast to the old types."""
    main = program.module.body.block.first_op
    block = main.body.block
    builder = LocatedBuilder(InsertPoint.at_start(block), main.location)
    for position, array in enumerate(program.args):
        old = block.args[position]
        if old.type.get_shape() != array.shape:
            new = block.insert_arg(TensorType(old.type.element_type, array.shape), position)
            old.replace_all_uses_with(builder.insert(tensor.CastOp(new, old.type)).dest)
            block.erase_arg(old)
    outputs = main.function_type.outputs.data
    main.function_type = FunctionType.from_lists([arg.type for arg in block.args], list(outputs))
    program.module.verify()


def unknown(module):
    return sum(
        not result.type.has_static_shape()
        for op in module.walk()
        if not isinstance(op, tensor.CastOp)
        for result in op.results
        if isinstance(result.type, TensorType)
    )


def test_sizes_of_arguments_reach_every_op():
    """A loop that runs once is a loop for infer-shapes until canonicalize has seen it, hence twice."""
    before = after = 0
    for seed in range(60):
        program = random_program(random.Random(seed), steps=12)
        with_known_arguments(program)
        expected = reference.run(program.module, "main", program.args)
        before += unknown(program.module)
        run_passes(program.module, "canonicalize", "infer-shapes", "canonicalize", "infer-shapes")
        after += unknown(program.module)
        assert_same(reference.run(program.module, "main", program.args), expected)
    assert before > 50
    assert after == 0


def test_infer_shapes_changes_no_result():
    check_random_programs(range(3000, 3060), "infer-shapes", "canonicalize")


@pytest.mark.long
def test_infer_shapes_changes_no_result_of_many_programs():
    check_random_programs(range(30_000, 32_000), "infer-shapes", "canonicalize")


def test_constant_sizes_go_into_the_type():
    module = passed(
        """
        func.func @main(%b: tensor<4xf32>) -> tensor<?x4xf32> {
          %n = arith.constant 8 : index
          %0 = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<4xf32> to tensor<?x4xf32>
          func.return %0 : tensor<?x4xf32>
        }""",
        "infer-shapes",
    )
    assert "to tensor<8x4xf32>" in str(module)


def test_a_negative_constant_size_stays_for_the_run_to_refuse():
    module = passed(
        """
        func.func @main() -> tensor<?xf32> {
          %n = arith.constant -8 : index
          %0 = ml.iota dim = 0, sizes(%n) : tensor<?xf32>
          func.return %0 : tensor<?xf32>
        }""",
        "infer-shapes",
    )
    assert "sizes(" in str(module)


def test_a_loop_that_changes_a_size_keeps_it_unknown():
    text = """
      func.func @main(%x: tensor<4xf32>, %n: index) -> tensor<?xf32> {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %y = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
        %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %y) -> (tensor<?xf32>) {
          %b = OP : BODY
          scf.yield %b : tensor<?xf32>
        }
        func.return %r : tensor<?xf32>
      }"""
    grows = text.replace("OP", "ml.concatenate(%a, %a), dim = 0").replace(
        "BODY", "(tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>"
    )
    keeps = text.replace("OP", "ml.exp %a").replace("BODY", "tensor<?xf32>")
    assert "-> (tensor<?xf32>) {" in str(passed(grows, "infer-shapes")).split("scf.for")[1]
    assert "-> (tensor<4xf32>) {" in str(passed(keeps, "infer-shapes")).split("scf.for")[1]


def test_branches_and_whiles_hand_sizes_over():
    module = passed(
        """
        func.func @main(%x: tensor<4xf32>, %p: i1) -> tensor<?xf32> {
          %y = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
          %r = scf.if %p -> (tensor<?xf32>) {
            %0 = ml.exp %y : tensor<?xf32>
            scf.yield %0 : tensor<?xf32>
          } else {
            scf.yield %y : tensor<?xf32>
          }
          %w = scf.while (%a = %x) : (tensor<4xf32>) -> tensor<?xf32> {
            %b = tensor.cast %a : tensor<4xf32> to tensor<?xf32>
            scf.condition(%p) %b : tensor<?xf32>
          } do {
          ^bb0(%c: tensor<?xf32>):
            %d = tensor.cast %c : tensor<?xf32> to tensor<4xf32>
            scf.yield %d : tensor<4xf32>
          }
          %s = ml.add %r, %w : tensor<?xf32>
          func.return %s : tensor<?xf32>
        }""",
        "infer-shapes",
    )
    assert str(module).split("ml.add")[1].splitlines()[0].endswith(": tensor<4xf32>")


def test_private_functions_take_what_all_callers_pass():
    text = """
      func.func @main(%x: tensor<4xf32>, %y: tensor<YxT>) -> (tensor<?xf32>, tensor<?xf32>) {
        %a = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
        %b = tensor.cast %y : tensor<YxT> to tensor<?xf32>
        %c = func.call @f(%a) : (tensor<?xf32>) -> tensor<?xf32>
        %d = func.call @f(%b) : (tensor<?xf32>) -> tensor<?xf32>
        func.return %c, %d : tensor<?xf32>, tensor<?xf32>
      }
      func.func private @f(%x: tensor<?xf32>) -> tensor<?xf32> {
        %0 = ml.exp %x : tensor<?xf32>
        func.return %0 : tensor<?xf32>
      }""".replace("xT", "xf32")
    agree = str(passed(text.replace("Yx", "4x"), "infer-shapes"))
    assert "func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>" in agree.replace("%x_1", "%x")
    differ = str(passed(text.replace("Yx", "5x"), "infer-shapes"))
    assert "-> tensor<?xf32> {\n    %0 = ml.exp" in differ


def test_a_check_is_not_dropped():
    module = passed(
        """
        func.func @main(%x: tensor<4x3xf32>, %y: tensor<5xf32>) -> tensor<?xf32> {
          %a = ml.reshape %x : tensor<4x3xf32> to tensor<12xf32>
          %b = tensor.cast %a : tensor<12xf32> to tensor<?xf32>
          %c = tensor.cast %y : tensor<5xf32> to tensor<?xf32>
          %d = ml.add %b, %c : tensor<?xf32>
          func.return %d : tensor<?xf32>
        }""",
        "infer-shapes",
    )
    assert ops_of(module).count("tensor.cast") == 2


def test_what_was_tried_and_did_not_fit_uses_nothing():
    module = passed(
        """
        func.func @main(%x: tensor<4xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
          %a = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
          %b = ml.sub %a, %y : tensor<?xf32>
          func.return %b : tensor<?xf32>
        }""",
        "infer-shapes",
    )
    function = next(iter(module.ops))
    assert all(use.operation.parent is not None for arg in function.regions[0].block.args for use in arg.uses)
