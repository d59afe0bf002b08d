"""What is wrong on purpose is caught, blamed on its pass and its rewrite, and shown again by the file it leaves."""

import pytest
from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Block

from tests.driver.check_passes.planted import SUB, afterwards, opt, swap_operands
from weft.dialects import loop, ml
from weft.passes.graph import canonicalize
from weft.passes.loops.expand_math import ExpandMath
from weft.passes.loops.memory import packing
from weft.passes.lower.convert_to_llvm import ConvertToLlvm
from weft.passes.lower.loop_to_llvm import loops
from weft.passes.pipelines import CPU


@pytest.fixture
def caught(tmp_path, monkeypatch, capsys):
    """Check a program: this pass is to be blamed (or one up to `last`), and the file that is written shows the same."""
    monkeypatch.chdir(tmp_path)

    def check(text, pipeline, name, *flags, last=None):
        blame = (
            f"pass '{name}'" + (f", or one from there to '{last}'," if last else "") + " changed the answer of @main: "
        )
        path = tmp_path / "program.mlir"
        path.write_text(text)
        code, said = opt(capsys, "--check-passes", f"--pass-pipeline={pipeline}", *flags, path)
        assert code == 1 and blame in said, said
        again, repeated = opt(capsys, "--run-reproducer", tmp_path / f"check-{name}.mlir")
        assert again == 1 and blame in repeated, repeated
        return said

    return check


def passes(text, tmp_path, capsys, pipeline, *flags):
    """Nothing is found in a program, and nothing is left unchecked."""
    path = tmp_path / "program.mlir"
    path.write_text(text)
    code, said = opt(capsys, "--check-passes", f"--pass-pipeline={pipeline}", *flags, path)
    return (code, said) == (0, "")


CANONICALIZE = "builtin.module(cse,canonicalize)"


def test_a_wrong_rewrite_is_found_among_right_ones(caught, monkeypatch):
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (swap_operands(),))
    text = """
func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.neg %a : tensor<?xf32>
  %1 = ml.neg %0 : tensor<?xf32>
  %2 = ml.sub %1, %b : tensor<?xf32>
  func.return %2 : tensor<?xf32>
}
"""
    said = caught(text, CANONICALIZE, "canonicalize")
    assert "note: by rewrite" in said and "swapped' on 'ml.sub' at " in said and "program.mlir:5:3" in said


def test_a_rewrite_that_is_wrong_for_one_dtype_is_caught_on_that_dtype_alone(caught, monkeypatch, tmp_path, capsys):
    narrow = swap_operands(lambda type_: str(type_.element_type) == "f16")
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (narrow,))
    assert passes(SUB.replace("TYPE", "?xf32"), tmp_path, capsys, CANONICALIZE)
    caught(SUB.replace("TYPE", "?xf16"), CANONICALIZE, "canonicalize")


def test_a_rewrite_that_is_wrong_for_odd_static_sizes_is_caught_on_those_alone(caught, monkeypatch, tmp_path, capsys):
    odd = swap_operands(lambda type_: type_.get_shape()[0] % 2 == 1)
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (odd,))
    assert passes(SUB.replace("TYPE", "6xi8"), tmp_path, capsys, CANONICALIZE)
    caught(SUB.replace("TYPE", "7xi8"), CANONICALIZE, "canonicalize")


def test_vectors_without_a_mask_for_the_last_lanes_are_wrong_for_odd_sizes_only(caught, monkeypatch, tmp_path, capsys):
    right = loops.mask_below
    monkeypatch.setattr(loops, "mask_below", lambda k, count, width: right(k, k.integer(0), width))
    assert passes(SUB.replace("TYPE", "64xf32"), tmp_path, capsys, CPU)
    caught(SUB.replace("TYPE", "?xf32"), CPU, "convert-loop-to-llvm", last="convert-to-llvm")


def drop_stores(module):
    for op in [op for op in module.walk() if isinstance(op, loop.StoreOp)]:
        op.detach()
        op.erase()


@pytest.mark.parametrize("element", ["ui8", "bf16"])
def test_a_dropped_store_is_caught(caught, monkeypatch, element):
    afterwards(monkeypatch, ExpandMath, drop_stores)
    caught(SUB.replace("TYPE", f"4x{element}"), CPU, "expand-math")


def test_a_dropped_store_of_machine_code_is_caught(caught, monkeypatch):
    def drop(module):
        kernel = next(op for op in module.body.block.ops if ".kernel" in op.sym_name.data)
        for op in [op for op in kernel.walk() if "store" in op.name or "store" in str(op.attributes | op.properties)]:
            op.detach()
            op.erase()

    afterwards(monkeypatch, ConvertToLlvm, drop)
    caught(SUB.replace("TYPE", "5xi32"), CPU, "convert-loop-to-llvm", last="convert-to-llvm")


CHAIN = """
func.func @main(%a: tensor<9xf32>, %b: tensor<9x9xf32>) -> tensor<9xf32> {
  %0 = ml.matmul %b, %b : (tensor<9x9xf32>, tensor<9x9xf32>) -> tensor<9x9xf32>
  %1 = ml.transpose %0, perm = [1, 0] : tensor<9x9xf32> to tensor<9x9xf32>
  %2 = ml.matmul %0, %1 : (tensor<9x9xf32>, tensor<9x9xf32>) -> tensor<9x9xf32>
  %3 = ml.matmul %2, %0 : (tensor<9x9xf32>, tensor<9x9xf32>) -> tensor<9x9xf32>
  %4 = ml.reduce add %3, dims = [0] : tensor<9x9xf32> to tensor<9xf32>
  %5 = ml.add %4, %a : tensor<9xf32>
  func.return %5 : tensor<9xf32>
}
"""


def test_two_live_buffers_in_one_place_are_caught(caught, monkeypatch):
    monkeypatch.setattr(packing, "overlap", lambda a, b: False)
    caught(CHAIN, CPU, "plan-memory")


def entry_of(module):
    return next(op for op in module.body.block.ops if op.sym_name.data == "_mlir_ciface_main")


def test_code_that_crashes_is_a_finding_and_not_the_end(caught, monkeypatch):
    def store_to_null(module):
        first = entry_of(module).body.blocks[0].first_op
        null = llvm.ZeroOp(result_types=[llvm.LLVMPointerType()])
        one = llvm.ConstantOp(IntegerAttr(1, i64), i64)
        new = [null, one, llvm.StoreOp(one.result, null.res)]
        for op in new:
            op.location = first.location
        entry_of(module).body.blocks[0].insert_ops_before(new, first)

    afterwards(monkeypatch, ConvertToLlvm, store_to_null)
    assert "it crashes: SIGSEGV" in caught(
        SUB.replace("TYPE", "5xi32"), CPU, "convert-loop-to-llvm", last="convert-to-llvm"
    )


def test_code_that_does_not_end_is_a_finding(caught, monkeypatch):
    def loop_for_ever(module):
        block, spin = entry_of(module).body.blocks[0], Block()
        for op in reversed(list(block.ops)):
            op.detach()
            op.erase(safe_erase=False)
        entry_of(module).body.add_block(spin)
        for place in (block, spin):
            jump = llvm.BrOp(spin)
            jump.location = entry_of(module).location
            place.add_op(jump)

    afterwards(monkeypatch, ConvertToLlvm, loop_for_ever)
    said = caught(
        SUB.replace("TYPE", "5xi32"), CPU, "convert-loop-to-llvm", "--check-timeout=0.3", last="convert-to-llvm"
    )
    assert "it does not end within 0.3 s" in said
