"""Tensors become buffers: the same answers, no needless copies, every buffer freed once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects import memref
from xdsl.dialects.builtin import ModuleOp, UnknownLoc

from tests.passes.loops.host_programs import random_program
from tests.passes.loops.watch import Misuse, call_on_buffers, parse
from weft.backends.reference import run
from weft.diagnostics import WeftError
from weft.passes.loops import bufferize
from weft.passes.loops.bufferize import Bufferize
from weft.passes.loops.buffers.copies import Copies
from weft.registry import context


def buffers(text: str) -> tuple[ModuleOp, ModuleOp]:
    before = parse(text)
    after = before.clone()
    Bufferize().apply(context(), after)
    after.verify()
    return before, after


def check(text: str, *args: object) -> ModuleOp:
    """Bufferize, run both, compare; the inputs must stay as they are."""
    before, after = buffers(text)
    want = run(before, "main", [a.copy() if isinstance(a, np.ndarray) else a for a in args])
    given_args = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    got, _ = call_on_buffers(before, after, "main", given_args)
    for left, right in zip(got, want, strict=True):
        np.testing.assert_array_equal(left, right)
    for left, right in zip(given_args, args, strict=True):
        np.testing.assert_array_equal(left, right)
    return after


def count(module: ModuleOp, kind: type) -> int:
    return sum(isinstance(op, kind) for op in module.walk())


def check_random(seed: int) -> None:
    before, after = buffers(random_program(seed))
    random = np.random.default_rng(seed)
    arrays = [random.integers(-8, 8, 4).astype(np.float32) for _ in range(4)]
    for p in (False, True):
        for n in (0, 1, 3):
            want = run(before, "main", [*arrays, p, n])
            inputs = [a.copy() for a in arrays]
            got, _ = call_on_buffers(before, after, "main", [*inputs, np.bool_(p), np.int64(n)])
            for left, right in zip(got, want, strict=True):
                np.testing.assert_array_equal(left, right)
            np.testing.assert_array_equal(inputs, arrays)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_random_programs_give_the_same_answers_and_free_every_buffer_once(seed: int) -> None:
    check_random(seed)


@pytest.mark.long
@settings(max_examples=1500, deadline=None)
@given(st.integers(0, 10**9))
def test_many_random_programs_give_the_same_answers(seed: int) -> None:
    check_random(seed)


KERNEL = """
func.func private @k(%x: tensor<4xf32>) -> tensor<4xf32> attributes {ml.kernel} {
  %0 = ml.add %x, %x : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""
X = np.array([1, 2, 3, 4], np.float32)

SWAP = (
    """func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x, %b = %y) -> (tensor<4xf32>, tensor<4xf32>) {
        scf.yield %b, %a : tensor<4xf32>, tensor<4xf32>
      }
      func.return %r#0, %r#1 : tensor<4xf32>, tensor<4xf32>
    }"""
    + KERNEL
)
"""The values of a loop change places."""

OUTER = (
    """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %f = arith.constant 9.0 : f32
      %t = func.call @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
      %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
        %u = tensor.insert %f into %t[%i] : tensor<4xf32>
        %v = func.call @k(%u) : (tensor<4xf32>) -> tensor<4xf32>
        scf.yield %v : tensor<4xf32>
      }
      func.return %r : tensor<4xf32>
    }"""
    + KERNEL
)
"""A loop changes a copy of a tensor from outside, each time anew."""


@pytest.mark.parametrize("program", [SWAP, OUTER])
def test_values_that_change_places_and_tensors_from_outside_a_loop_are_kept(program: str) -> None:
    check(program, *([X, 2 * X] if program is SWAP else [X]))


@pytest.mark.parametrize("guard", ["_is_last", "_stays", "_no_loop_between"])
def test_a_rule_without_its_guard_is_found_by_random_programs(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Copies, guard, lambda *_: True)
    with pytest.raises((AssertionError, Misuse, ValueError)):
        check(SWAP, X, 2 * X)
        check(OUTER, X)
        for seed in range(50):
            check_random(seed)


def test_a_buffer_that_is_never_freed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bufferize, "free_owned", lambda *_: None)
    with pytest.raises(Misuse, match="never freed"):
        for seed in range(20):
            check_random(seed)


def test_a_static_result_is_written_where_the_caller_wants_it() -> None:
    module = check(
        """func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {weft.name = "y"}) {
          %0 = func.call @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
          %1 = func.call @k(%0) : (tensor<4xf32>) -> tensor<4xf32>
          func.return %1 : tensor<4xf32>
        }"""
        + KERNEL,
        X,
    )
    assert count(module, memref.AllocOp) == 1
    assert count(module, memref.CopyOp) == 0
    assert '{weft.name = "y", weft.out = 0 : i64}' in str(module)


def test_a_dynamic_result_is_owned_by_the_caller_and_sized_without_its_data() -> None:
    module = check(
        """func.func @main(%x: tensor<?x3xf32>, %n: index) -> tensor<?x?xf32> {
          %0 = func.call @k(%x, %n) : (tensor<?x3xf32>, index) -> tensor<?x?xf32>
          func.return %0 : tensor<?x?xf32>
        }
        func.func private @k(%x: tensor<?x3xf32>, %n: index) -> tensor<?x?xf32> attributes {ml.kernel} {
          %c2 = arith.constant 2 : index
          %m = arith.muli %n, %c2 : index
          %0 = ml.reshape %x : tensor<?x3xf32> to tensor<?xf32>
          %1 = ml.broadcast_in_dim %0, dims = [1], sizes(%m) : tensor<?xf32> to tensor<?x6xf32>
          %2 = ml.concatenate(%1, %1), dim = 0 : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x?xf32>
          func.return %2 : tensor<?x?xf32>
        }""",
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.int64(2),
    )
    assert "weft.owned" in str(module)


def test_an_insertion_in_a_loop_happens_in_place() -> None:
    module = check(
        """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c4 = arith.constant 4 : index
          %f = arith.constant 2.5 : f32
          %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%t = %x) -> (tensor<4xf32>) {
            %u = tensor.insert %f into %t[%i] : tensor<4xf32>
            scf.yield %u : tensor<4xf32>
          }
          func.return %r : tensor<4xf32>
        }""",
        X,
    )
    assert count(module, memref.CopyOp) == 1  # the argument, which is not ours to write
    assert count(module, memref.AllocOp) == 0


def test_the_argument_itself_and_one_value_twice_are_copied() -> None:
    module = check(
        """func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
          %0 = func.call @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
          func.return %x, %0, %0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
        }"""
        + KERNEL,
        X,
    )
    assert count(module, memref.CopyOp) == 2


def test_unsigned_and_truth_values_are_stored_signless() -> None:
    module = check(
        """func.func @main(%x: tensor<3xui8>, %p: tensor<3xi1>) -> (tensor<3xui8>, tensor<3xi1>, ui8, tensor<2xui16>) {
          %c = ml.constant dense<[250, 3, 4]> : tensor<3xui8>
          %0 = func.call @k(%x, %c) : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
          %i = arith.constant 0 : index
          %1 = tensor.extract %c[%i] : tensor<3xui8>
          %q = ml.constant dense<[40000, 1]> : tensor<2xui16>
          func.return %0, %p, %1, %q : tensor<3xui8>, tensor<3xi1>, ui8, tensor<2xui16>
        }
        func.func private @k(%x: tensor<3xui8>, %y: tensor<3xui8>) -> tensor<3xui8> attributes {ml.kernel} {
          %0 = ml.max %x, %y : tensor<3xui8>
          func.return %0 : tensor<3xui8>
        }""",
        np.array([1, 200, 3], np.uint8),
        np.array([True, False, True]),
    )
    assert "memref<3xui8>" not in str(module)


TENSOR_OPS = {
    "from_elements": """
      %0 = tensor.extract %x[%c1, %c2] : tensor<2x3xf32>
      %r = tensor.from_elements %0, %f, %f, %0 : tensor<2x2xf32>
      func.return %r : tensor<2x2xf32>""",
    "from_elements of rank 0": """
      %r = tensor.from_elements %f : tensor<f32>
      func.return %r : tensor<f32>""",
    "splat of rank 0": """
      %r = tensor.splat %f : tensor<f32>
      func.return %r : tensor<f32>""",
    "splat": """
      %r = tensor.splat %f[%n] : tensor<2x?xf32>
      func.return %r : tensor<2x?xf32>""",
    "a large splat constant": """
      %r = ml.constant dense<0.5> : tensor<40x50xf32>
      func.return %r : tensor<40x50xf32>""",
    "an empty constant": """
      %r = ml.constant dense<> : tensor<0x4xf32>
      func.return %r : tensor<0x4xf32>""",
    "an upstream constant": """
      %r = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi64>
      func.return %r : tensor<2x2xi64>""",
    "concat": """
      %0 = tensor.cast %x : tensor<2x3xf32> to tensor<2x?xf32>
      %r = tensor.concat dim(1) %x, %0, %x : (tensor<2x3xf32>, tensor<2x?xf32>, tensor<2x3xf32>) -> tensor<2x?xf32>
      func.return %r : tensor<2x?xf32>""",
    "concat along the first dimension": """
      %r = tensor.concat dim(0) %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
      func.return %r : tensor<4x3xf32>""",
    "pad": """
      %r = tensor.pad %x low[0, %n] high[%c1, 2] {
      ^bb0(%i: index, %j: index):
        %s = arith.addi %i, %j : index
        %k = arith.index_cast %s : index to i32
        %v = arith.sitofp %k : i32 to f32
        tensor.yield %v : f32
      } : tensor<2x3xf32> to tensor<?x?xf32>
      func.return %r : tensor<?x?xf32>""",
    "collapse and expand": """
      %0 = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
      %r = tensor.expand_shape %0 [[0, 1]] output_shape [3, 2] : tensor<6xf32> into tensor<3x2xf32>
      func.return %r : tensor<3x2xf32>""",
    "reshape": """
      %0 = ml.reshape %x : tensor<2x3xf32> to tensor<3x1x2xf32>
      func.return %0 : tensor<3x1x2xf32>""",
    "reshape by a tensor": """
      %s = arith.constant dense<[3, 2]> : tensor<2xi32>
      %0 = tensor.reshape %x(%s) : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<3x2xf32>
      func.return %0 : tensor<3x2xf32>""",
    "extract_slice": """
      %r = tensor.extract_slice %x[0, %c1] [2, %n] [1, 1] : tensor<2x3xf32> to tensor<2x?xf32>
      func.return %r : tensor<2x?xf32>""",
    "extract_slice that drops a dimension": """
      %r = tensor.extract_slice %x[%c1, 0] [1, 2] [1, 2] : tensor<2x3xf32> to tensor<2xf32>
      func.return %r : tensor<2xf32>""",
    "insert_slice": """
      %0 = tensor.extract_slice %x[1, 0] [1, 2] [1, 2] : tensor<2x3xf32> to tensor<2xf32>
      %r = tensor.insert_slice %0 into %x[0, 1] [1, 2] [1, 1] : tensor<2xf32> into tensor<2x3xf32>
      func.return %r, %x : tensor<2x3xf32>, tensor<2x3xf32>""",
    "elementwise": """
      %0 = arith.addf %x, %x : tensor<2x3xf32>
      %1 = math.sqrt %0 : tensor<2x3xf32>
      func.return %1 : tensor<2x3xf32>""",
    "linalg.generic": """
      %e = tensor.empty() : tensor<3x2xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]} ins(%x : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) {
      ^bb0(%a: f32, %b: f32):
        %v = arith.addf %a, %f : f32
        linalg.yield %v : f32
      } -> tensor<3x2xf32>
      func.return %r : tensor<3x2xf32>""",
    "linalg.matmul": """
      %e = tensor.splat %f : tensor<2x2xf32>
      %w = ml.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
      %0 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
      %1 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x2xf32>) outs(%0 : tensor<2x2xf32>) -> tensor<2x2xf32>
      func.return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>""",
    "execute_region": """
      %r = scf.execute_region -> (tensor<2x3xf32>) {
        %0 = tensor.insert %f into %x[%c1, %c1] : tensor<2x3xf32>
        scf.yield %0 : tensor<2x3xf32>
      }
      func.return %r, %x : tensor<2x3xf32>, tensor<2x3xf32>""",
    "an unknown dimension": """
      %0 = tensor.dim %x, %n : tensor<2x3xf32>
      %1 = tensor.dim %x, %c1 : tensor<2x3xf32>
      func.return %0, %1 : index, index""",
}


@pytest.mark.parametrize("body", TENSOR_OPS.values(), ids=TENSOR_OPS)
def test_tensor_ops_mean_the_same_on_buffers(body: str) -> None:
    types = body.rpartition(":")[2]
    text = f"""func.func @main(%x: tensor<2x3xf32>, %n: index) -> ({types}) {{
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %f = arith.constant 0.25 : f32
      {body}
    }}"""
    for n in (0, 1):
        check(text, np.arange(6, dtype=np.float32).reshape(2, 3), np.int64(n))


def test_equal_constants_are_one_global() -> None:
    module = check(
        """func.func @main() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
          %0 = ml.constant dense<[1.0, 2.0]> : tensor<2xf32>
          %1 = ml.constant dense<[1.0, 2.0]> : tensor<2xf32>
          %2 = ml.constant dense<[2.0, 2.0]> : tensor<2xf32>
          func.return %0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
        }"""
    )
    assert count(module, memref.GlobalOp) == 2


def test_functions_on_memrefs_stay_as_they_are() -> None:
    text = """func.func @main(%x: memref<4xf32>, %i: index) -> f32 {
      %0 = memref.load %x[%i] : memref<4xf32>
      memref.store %0, %x[%i] : memref<4xf32>
      func.return %0 : f32
    }"""
    before, after = buffers(text)
    assert str(before) == str(after)


def test_a_memref_that_becomes_a_tensor_is_copied_and_one_that_takes_a_tensor_is_written() -> None:
    before, after = buffers(
        """func.func @main(%m: memref<4xf32>) {
          %0 = bufferization.to_tensor %m : memref<4xf32> to tensor<4xf32>
          %1 = func.call @k(%0) : (tensor<4xf32>) -> tensor<4xf32>
          bufferization.materialize_in_destination %1 in writable %m : (tensor<4xf32>, memref<4xf32>) -> ()
          func.return
        }"""
        + KERNEL
    )
    memory = X.copy()
    call_on_buffers(before, after, "main", [memory])
    np.testing.assert_array_equal(memory, 2 * X)


def test_every_new_op_has_a_location() -> None:
    module = parse(random_program(11))
    for number, op in enumerate(module.walk()):
        from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr

        op.location = FileLineColLoc(StringAttr("a"), IntAttr(number + 1), IntAttr(1))
    Bufferize().apply(context(), module)
    assert not [op for op in module.walk() if isinstance(op.location, UnknownLoc)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
              %0 = ml.add %x, %x : tensor<4xf32>
              func.return %0 : tensor<4xf32>
            }""",
            "run outline-kernels before bufferize",
        ),
        (
            """func.func @main(%x: tensor<4xf32>, %p: i1) -> tensor<4xf32> {
              cf.cond_br %p, ^a(%x : tensor<4xf32>), ^a(%x : tensor<4xf32>)
            ^a(%y: tensor<4xf32>):
              func.return %y : tensor<4xf32>
            }""",
            "cf.cond_br on tensors has no form on buffers",
        ),
        (
            """func.func @main(%x: tensor<4xf32>, %p: i1, %i: index) -> tensor<4xf32> {
              %f = arith.constant 1.0 : f32
              %0 = tensor.insert %f into %x[%i] : tensor<4xf32>
              cf.cond_br %p, ^a, ^a
            ^a:
              func.return %0 : tensor<4xf32>
            }""",
            "another block than the one that makes it",
        ),
        (
            """func.func @main(%x: tensor<*xf32>) -> tensor<4xf32> {
              %0 = tensor.cast %x : tensor<*xf32> to tensor<4xf32>
              func.return %0 : tensor<4xf32>
            }""",
            "without a known rank",
        ),
    ],
)
def test_what_has_no_form_on_buffers_is_a_clear_error(text: str, message: str) -> None:
    with pytest.raises(WeftError, match=message):
        buffers(text)
