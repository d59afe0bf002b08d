"""Loops that a user wrote become kernels, where they fit, and mean the same."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects import affine, func, scf
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.interpreter import Interpreter
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from tests.passes.loops.watch import parse
from weft.backends.reference import run
from weft.backends.reference.machine import Machine
from weft.backends.reference.values import buffer_of
from weft.diagnostics import WeftError
from weft.dialects.host_marks import COMPUTES, FLAT
from weft.dialects.loop import ReduceOp
from weft.frontends.mlir import parse_module
from weft.passes.loops.raise_to_loop import RaiseToLoop
from weft.passes.loops.raising import reductions
from weft.registry import context


def raised(text: str) -> tuple[ModuleOp, ModuleOp]:
    before = parse(text)
    after = before.clone()
    RaiseToLoop().apply(context(), after)
    after.verify()
    parse(str(after))
    return before, after


def kernels(module: ModuleOp) -> list[func.FuncOp]:
    return [op for op in module.walk() if isinstance(op, func.FuncOp) and "loop.kernel" in op.attributes]


def copies(args: tuple[object, ...]) -> list[object]:
    """Copies of arrays; arrays that share memory share it after, too."""
    made: dict[int, np.ndarray] = {}

    def copy(array: np.ndarray) -> np.ndarray:
        whole = array
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        new = made.setdefault(id(whole), whole.copy())
        start = array.ctypes.data - whole.ctypes.data
        return np.ndarray(array.shape, array.dtype, new, start, array.strides)

    return [copy(arg) if isinstance(arg, np.ndarray) else arg for arg in args]


def compare(before: ModuleOp, after: ModuleOp, *args: object) -> None:
    """Both give the same results, and leave the same in memory, or fail alike."""
    left, right = copies(args), copies(args)
    try:
        want = run(before, "main", left)
    except WeftError:
        with pytest.raises(WeftError):
            run(after, "main", right)
        return
    got = run(after, "main", right)
    for a, b in zip([*got, *right], [*want, *left], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def check(text: str, *args: object, count: int = 1) -> ModuleOp:
    before, after = raised(text)
    assert len(kernels(after)) == count
    compare(before, after, *args)
    return after


def array(*shape: int) -> np.ndarray:
    return np.arange(1, 1 + int(np.prod(shape)), dtype=np.float32).reshape(shape)


MATMUL = """func.func @main(%a: memref<5x7xf32>, %b: memref<7x3xf32>, %c: memref<5x3xf32> {weft.out = 0 : i64}) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 5 {
    affine.for %j = 0 to 3 {
      affine.store %zero, %c[%i, %j] : memref<5x3xf32>
      affine.for %k = 0 to 7 {
        %0 = affine.load %a[%i, %k] : memref<5x7xf32>
        %1 = affine.load %b[%k, %j] : memref<7x3xf32>
        %2 = arith.mulf %0, %1 : f32
        %3 = affine.load %c[%i, %j] : memref<5x3xf32>
        %4 = arith.addf %3, %2 : f32
        affine.store %4, %c[%i, %j] : memref<5x3xf32>
      }
    }
  }
  func.return
}"""


def test_an_affine_product_becomes_one_perfect_nest_with_a_reduction() -> None:
    module = check(MATMUL, array(5, 7), array(7, 3), array(5, 3))
    text = str(kernels(module)[0])
    assert "loop.reduce add %2 into %c[%i, %j] over (%k)" in text.replace("%3", "%2")
    assert "loop.store" not in text
    assert not [op for op in module.walk() if isinstance(op, affine.ForOp)]


def test_buffers_of_unknown_origin_are_checked_for_overlap() -> None:
    text = MATMUL.replace(" {weft.out = 0 : i64}", "")
    module = check(text, array(5, 7), array(7, 3), array(5, 3))
    assert [op for op in module.walk() if isinstance(op, scf.IfOp)]


SHIFT = """func.func @main(%x: memref<?xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %y, %c0 : memref<?xf32>
  scf.for %i = %c0 to %n step %c1 {
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = arith.addf %0, %0 : f32
    memref.store %1, %y[%i] : memref<?xf32>
  }
  func.return
}"""


@pytest.mark.parametrize("n", [0, 1, 2, 17])
def test_overlapping_buffers_take_the_old_loops(n: int) -> None:
    before, after = raised(SHIFT)
    whole = array(n + 1)
    compare(before, after, whole[:n], whole[1:])
    compare(before, after, whole[1:], whole[:n])
    compare(before, after, whole[:n], whole[:n])
    compare(before, after, array(n), array(n))


class Calls(Interpreter.Listener):
    """Counts calls."""

    count = 0

    def will_interpret_op(self, op: Operation, args: tuple[object, ...]) -> None:
        self.count += isinstance(op, func.CallOp)


def test_the_kernel_runs_only_where_nothing_overlaps_and_all_is_inside() -> None:
    _, after = raised(SHIFT)
    whole = array(9)
    for x, y, calls in (
        (array(4), array(4), 1),
        (array(4), array(3), 1),
        (array(3), array(4), 0),
        (whole[:4], whole[4:8], 1),
        (whole[4:8], whole[:4], 1),
        (whole[:4], whole[3:7], 0),
        (whole[3:7], whole[:4], 0),
        (whole[:4], whole[:4], 0),
        (array(0), array(0), 1),
    ):
        machine, watch = Machine(after), Calls()
        machine.listeners = (watch,)
        with suppress(WeftError):
            machine.call(machine.functions["main"], (buffer_of(x), buffer_of(y)))
        assert watch.count == calls


def test_an_access_that_leaves_its_buffer_fails_as_before() -> None:
    before, after = raised(SHIFT)
    compare(before, after, array(3), array(4))
    with pytest.raises(WeftError):
        run(after, "main", [array(3), array(4)])


def test_one_buffer_given_twice_is_one_argument() -> None:
    text = """func.func @main(%x: memref<8xf32>) {
      affine.for %i = 1 to 8 {
        %0 = affine.load %x[%i - 1] : memref<8xf32>
        %1 = affine.load %x[%i] : memref<8xf32>
        %2 = arith.addf %0, %1 : f32
        affine.store %2, %x[%i] : memref<8xf32>
      }
      func.return
    }"""
    module = check(text, array(8))
    assert len(kernels(module)[0].function_type.inputs) == 1
    assert not [op for op in module.walk() if isinstance(op, ReduceOp)]  # it reads the sums before


CASES = {
    "steps and offsets": (
        """func.func @main(%x: memref<20xf32>) {
          %c3 = arith.constant 3 : index
          %c5 = arith.constant 5 : index
          %c20 = arith.constant 20 : index
          scf.for %i = %c3 to %c20 step %c5 {
            %k = arith.index_cast %i : index to i32
            %f = arith.sitofp %k : i32 to f32
            memref.store %f, %x[%i] : memref<20xf32>
          }
          func.return
        }""",
        (array(20),),
    ),
    "a triangle": (
        """func.func @main(%x: memref<6x6xf32>, %f: f32) {
          affine.for %i = 0 to 6 {
            affine.for %j = affine_map<(d0) -> (d0 + 1)>(%i) to 6 {
              affine.store %f, %x[%i, %j] : memref<6x6xf32>
            }
            affine.for %j = 0 to affine_map<(d0) -> (d0)>(%i) {
              %0 = affine.load %x[%j, %i] : memref<6x6xf32>
              affine.store %0, %x[%i, %j] : memref<6x6xf32>
            }
          }
          func.return
        }""",
        (array(6, 6), np.float32(0.5)),
    ),
    "a minimum of bounds": (
        """func.func @main(%x: memref<10xf32>, %f: f32) {
          affine.for %t = 0 to 3 {
            affine.for %i = 0 to min affine_map<(d0) -> (4, d0 * -4 + 10)>(%t) {
              affine.store %f, %x[%t * 4 + %i] : memref<10xf32>
            }
          }
          func.return
        }""",
        (array(10), np.float32(0.5)),
    ),
    "a sum that a loop carries": (
        """func.func @main(%x: memref<4x5xf32>, %y: memref<4xf32> {weft.out = 0 : i64}) {
          %zero = arith.constant 0.0 : f32
          affine.for %i = 0 to 4 {
            %s = affine.for %j = 0 to 5 iter_args(%acc = %zero) -> (f32) {
              %0 = affine.load %x[%i, %j] : memref<4x5xf32>
              %1 = arith.addf %acc, %0 : f32
              affine.yield %1 : f32
            }
            %2 = arith.mulf %s, %s : f32
            affine.store %2, %y[%i] : memref<4xf32>
          }
          func.return
        }""",
        (array(4, 5), array(4)),
    ),
    "two carried values that change places": (
        """func.func @main(%x: memref<6x2xf32>, %f: f32, %g: f32) {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c3 = arith.constant 3 : index
          %c6 = arith.constant 6 : index
          scf.for %i = %c0 to %c6 step %c1 {
            %s:2 = scf.for %j = %c0 to %c3 step %c1 iter_args(%a = %f, %b = %g) -> (f32, f32) {
              scf.yield %b, %a : f32, f32
            }
            memref.store %s#0, %x[%i, %c0] : memref<6x2xf32>
            memref.store %s#1, %x[%i, %c1] : memref<6x2xf32>
          }
          func.return
        }""",
        (array(6, 2), np.float32(1), np.float32(2)),
    ),
    "linalg.generic": (
        """func.func @main(%a: memref<3x4xf32>, %c: memref<3xf32> {weft.out = 0 : i64}) {
          linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
              iterator_types = ["parallel", "reduction"]} ins(%a : memref<3x4xf32>) outs(%c : memref<3xf32>) {
          ^bb0(%x: f32, %y: f32):
            %0 = arith.addf %x, %y : f32
            linalg.yield %0 : f32
          }
          func.return
        }""",
        (array(3, 4), array(3)),
    ),
    "linalg.matmul": (
        """func.func @main(%a: memref<?x4xf32>, %b: memref<4x?xf32>, %c: memref<?x?xf32>) {
          linalg.matmul ins(%a, %b : memref<?x4xf32>, memref<4x?xf32>) outs(%c : memref<?x?xf32>)
          func.return
        }""",
        (array(3, 4), array(4, 5), array(3, 5)),
    ),
    "sizes asked for in the loop": (
        """func.func @main(%x: memref<?x4xf32>, %f: f32) {
          affine.for %t = 0 to 1 {
            %c0 = arith.constant 0 : index
            %n = memref.dim %x, %c0 : memref<?x4xf32>
            affine.for %i = 0 to %n {
              affine.store %f, %x[%i, 3] : memref<?x4xf32>
            }
          }
          func.return
        }""",
        (array(3, 4), np.float32(0.5)),
    ),
    "what is taken away": (
        """func.func @main(%a: memref<6x6xf32>, %x: memref<6xf32>) {
          affine.for %i = 0 to 6 {
            %b = affine.load %x[%i] : memref<6xf32>
            %s = affine.for %j = 0 to affine_map<(d0) -> (d0)>(%i) iter_args(%t = %b) -> (f32) {
              %0 = affine.load %a[%i, %j] : memref<6x6xf32>
              %1 = affine.load %x[%j] : memref<6xf32>
              %2 = arith.mulf %0, %1 : f32
              %3 = arith.subf %t, %2 : f32
              affine.yield %3 : f32
            }
            affine.store %s, %x[%i] : memref<6xf32>
          }
          func.return
        }""",
        (array(6, 6) / 8, array(6)),
    ),
    "whole numbers taken away under a condition": (
        """func.func @main(%x: memref<9xi32>, %y: memref<1xi32>, %f: i32) {
          affine.for %i = 0 to 9 {
            %0 = affine.load %x[%i] : memref<9xi32>
            %1 = affine.load %y[0] : memref<1xi32>
            %2 = arith.cmpi slt, %0, %f : i32
            %3 = arith.subi %1, %0 : i32
            %4 = arith.select %2, %1, %3 : i32
            affine.store %4, %y[0] : memref<1xi32>
          }
          func.return
        }""",
        (np.arange(9, dtype=np.int32) - 3, np.array([5], np.int32), np.int32(2)),
    ),
    "the greatest, by a comparison": (
        """func.func @main(%x: memref<9xi32>, %y: memref<1xi32>) {
          %low = arith.constant -7 : i32
          %s = affine.for %i = 0 to 9 iter_args(%t = %low) -> (i32) {
            %0 = affine.load %x[%i] : memref<9xi32>
            %1 = arith.cmpi sle, %0, %t : i32
            %2 = arith.select %1, %t, %0 : i32
            affine.yield %2 : i32
          }
          affine.store %s, %y[0] : memref<1xi32>
          func.return
        }""",
        (np.array([3, -9, 8, 8, -1, 0, 2, 7, 5], np.int32), np.zeros(1, np.int32)),
    ),
    "a sum that two loops carry": (
        """func.func @main(%x: memref<6x3xf32>, %y: memref<4x3xf32>, %z: memref<4xf32>) {
          %zero = arith.constant 0.0 : f32
          affine.for %i = 0 to 4 {
            %s:2 = affine.for %j = 0 to 3 iter_args(%p = %zero, %q = %zero) -> (f32, f32) {
              %r = affine.for %k = 0 to 3 iter_args(%t = %p) -> (f32) {
                %0 = affine.load %x[%i + %j, %k] : memref<6x3xf32>
                %1 = arith.addf %t, %0 : f32
                affine.yield %1 : f32
              }
              %2 = arith.addf %q, %zero : f32
              affine.yield %r, %2 : f32, f32
            }
            affine.store %s#0, %z[%i] : memref<4xf32>
          }
          func.return
        }""",
        (array(6, 3), array(4, 3), array(4)),
    ),
    "strided memory": (
        """func.func @main(%x: memref<4x3xf32, strided<[?, ?], offset: ?>>, %y: memref<4x3xf32>) {
          affine.for %i = 0 to 4 {
            affine.for %j = 0 to 3 {
              %0 = affine.load %x[%i, %j] : memref<4x3xf32, strided<[?, ?], offset: ?>>
              affine.store %0, %y[%i, %j] : memref<4x3xf32>
            }
          }
          func.return
        }""",
        (array(3, 4).T, array(4, 3)),
    ),
}


@pytest.mark.parametrize(("text", "args"), CASES.values(), ids=CASES)
def test_nests_that_fit_mean_the_same_as_kernels(text: str, args: tuple[object, ...]) -> None:
    module = check(text, *args)
    if "strided" in text:
        assert "loop.may_alias" in str(module)


def test_what_is_only_stored_is_gathered_where_it_is_stored() -> None:
    text = CASES["a sum that two loops carry"][0]
    _, after = raised(text.replace("%z: memref<4xf32>", "%z: memref<4xf32> {weft.out = 0 : i64}"))
    (reduce,) = [op for op in after.walk() if isinstance(op, ReduceOp) and len(op.over) == 2]
    assert len(reduce.index()) == 1


def test_what_is_read_meanwhile_is_gathered_in_a_register() -> None:
    module = check(
        """func.func @main(%x: memref<5x5xf32>) {
          %zero = arith.constant 0.0 : f32
          affine.for %i = 0 to 5 {
            %s = affine.for %j = 0 to 5 iter_args(%t = %zero) -> (f32) {
              %0 = affine.load %x[%i, %j] : memref<5x5xf32>
              %1 = arith.addf %t, %0 : f32
              affine.yield %1 : f32
            }
            affine.store %s, %x[%i, 2] : memref<5x5xf32>
          }
          func.return
        }""",
        array(5, 5),
    )
    (reduce,) = [op for op in module.walk() if isinstance(op, ReduceOp)]
    assert reduce.index() == ()


def test_reductions_of_linalg_and_affine_have_no_order_and_those_of_scf_do() -> None:
    for name in ("linalg.generic", "linalg.matmul", "a sum that a loop carries"):
        _, module = raised(CASES[name][0])
        assert [op for op in module.walk() if isinstance(op, ReduceOp)], name
    text = """func.func @main(%x: memref<9xf32>, %y: memref<1xf32> {{weft.out = 0 : i64}}) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c9 = arith.constant 9 : index
      scf.for %i = %c0 to %c9 step %c1 {{
        %0 = memref.load %x[%i] : memref<9xf32>
        %1 = memref.load %y[%c0] : memref<1xf32>
        %2 = {0} %0, %1 {1} : f32
        memref.store %2, %y[%c0] : memref<1xf32>
      }}
      func.return
    }}"""
    for op, flags, found in (
        ("arith.addf", "", 0),
        ("arith.addf", "fastmath<reassoc>", 1),
        ("arith.addf", "fastmath<fast>", 1),
        ("arith.maximumf", "", 1),
        ("arith.subf", "", 0),
    ):
        module = check(text.format(op, flags), array(9), array(1))
        assert sum(isinstance(op, ReduceOp) for op in module.walk()) == found


FILLED = """func.func @main(%a: memref<5x7xf32>, %b: memref<7x3xf32>, %c: memref<5x3xf32>{out}) {{
  %zero = arith.constant {start} : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<5x3xf32>)
  linalg.matmul ins(%a, %b : memref<5x7xf32>, memref<7x3xf32>) outs(%c : memref<5x3xf32>)
  func.return
}}"""


def test_a_product_that_starts_from_zero_does_without_the_fill() -> None:
    args = array(5, 7), array(7, 3), array(5, 3)
    module = check(FILLED.format(out=" {weft.out = 0 : i64}", start="0.0"), *args)
    assert sum(isinstance(op, func.CallOp) for op in module.walk()) == 1
    assert "over (%k)" in str(module)


def test_where_the_old_loops_run_the_fill_runs_before_them() -> None:
    before, after = raised(FILLED.format(out="", start="0.0"))
    whole = array(7, 8).reshape(-1)
    a, b, c = whole[:35].reshape(5, 7), whole[35:].reshape(7, 3), whole[10:25].reshape(5, 3)
    compare(before, after, a, b, c)
    compare(before, after, a, b, array(5, 3))


def test_a_product_that_starts_from_something_else_keeps_its_fill() -> None:
    module = check(
        FILLED.format(out=" {weft.out = 0 : i64}", start="1.0"), array(5, 7), array(7, 3), array(5, 3), count=2
    )
    assert sum(isinstance(op, func.CallOp) for op in module.walk()) == 2


SUM = """func.func @main(%x: memref<{n}xf32>, %s: f32) -> (f32, i32) {{
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i32
  %n = memref.dim %x, %c0 : memref<{n}xf32>
  %r:2 = affine.for %i = 0 to {end} iter_args(%a = %s, %c = %one) -> (f32, i32) {{
    %0 = affine.load %x[%i] : memref<{n}xf32>
    %1 = arith.addf %a, %0 : f32
    %2 = arith.addi %c, %one : i32
    affine.yield %1, %2 : f32, i32
  }}
  %3 = arith.mulf %r#0, %s : f32
  func.return %3, %r#1 : f32, i32
}}"""


@pytest.mark.parametrize("n", [0, 1, 33])
def test_what_a_nest_gives_its_host_comes_back_through_memory(n: int) -> None:
    module = check(SUM.format(n=33, end=33), array(33), np.float32(2))
    assert sum(isinstance(op, ReduceOp) for op in module.walk()) == 2
    before, after = raised(SUM.format(n="?", end="%n"))
    compare(before, after, array(n), np.float32(2))
    before, after = raised(SUM.format(n="?", end="40"))
    compare(before, after, array(n), np.float32(2))


UNFIT = {
    "an index that is not linear": "%j = arith.muli %i, %i : index\n%v = memref.load %x[%j] : memref<8xf32>",
    "an index from memory": "%k = memref.load %t[%i] : memref<8xindex>\n%v = memref.load %x[%k] : memref<8xf32>",
    "a call": "func.call @other() : () -> ()",
    "an access outside": "%j = arith.addi %i, %i : index\n%v = memref.load %x[%j] : memref<8xf32>",
}


@pytest.mark.parametrize("body", UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_is_left_as_it_is(body: str) -> None:
    text = f"""func.func @main(%x: memref<8xf32>, %t: memref<8xindex>) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {{
        {body}
      }}
      func.return
    }}
    func.func private @other() {{
      func.return
    }}"""
    before, after = raised(text)
    for function in after.ops:
        function.attributes.pop(COMPUTES, None)
        function.attributes.pop(FLAT, None)
    assert str(before) == str(after)


def test_loops_inside_a_loop_that_does_not_fit_are_raised() -> None:
    text = """func.func @main(%x: memref<8x8xf32>, %f: f32) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        %j = arith.muli %i, %i : index
        %k = arith.remui %j, %c8 : index
        scf.for %l = %c0 to %c8 step %c1 {
          memref.store %f, %x[%k, %l] : memref<8x8xf32>
        }
      }
      func.return
    }"""
    module = check(text, array(8, 8), np.float32(0.5))
    assert "arith.cmpi" in str(module)


def test_every_new_op_has_a_location() -> None:
    for text, _ in CASES.values():
        module = parse_module(text, context())
        RaiseToLoop().apply(context(), module)
        assert not [op for op in module.walk() if isinstance(op.location, UnknownLoc)]


def random_nest(seed: int) -> str:
    """A nest with random bounds, steps and indices, some of them outside for some sizes."""
    random = Random(seed)
    depth = random.randint(1, 3)
    lines: list[str] = []
    for level in range(depth):
        low = random.choice(["0", "0", "1", f"%i{level - 1}" if level else "2"])
        high = random.choice(["%n", "4", "5", f"affine_map<(d0) -> (d0 + 2)>(%i{level - 1})" if level else "3"])
        step = random.choice(["", "", " step 2"]) if high in "345" and low in "01" else ""
        lines.append(f"affine.for %i{level} = {low} to {high}{step} {{")

    def index() -> str:
        terms = [f"%i{random.randrange(depth)} * {random.choice([1, 1, 2])}"]
        if random.random() < 0.5:
            terms.append(f"%i{random.randrange(depth)}")
        return " + ".join([*terms, str(random.randint(0, 1))])

    for n in range(random.randint(1, 3)):
        lines.append(f"%a{n} = affine.load %x[{index()}, {index()}] : memref<?x12xf32>")
        target = random.choice(["x", "y"])
        place = f"{index()}, {index()}"
        if random.random() < 0.4:
            lines.append(f"%b{n} = affine.load %{target}[{place}] : memref<?x12xf32>")
            lines.append(f"%c{n} = arith.addf %b{n}, %a{n} : f32")
        else:
            lines.append(f"%c{n} = arith.mulf %f, %a{n} : f32")
        lines.append(f"affine.store %c{n}, %{target}[{place}] : memref<?x12xf32>")
    body = "\n".join([*lines, "}" * depth])
    head = "func.func @main(%x: memref<?x12xf32>, %y: memref<?x12xf32>, %n: index, %f: f32)"
    return f"{head} {{\n{body}\nfunc.return\n}}"


def check_random(seed: int) -> None:
    before, after = raised(random_nest(seed))
    random = np.random.default_rng(seed)
    for n in (0, 1, 3, 5):
        x, y = (random.integers(-3, 4, (rows, 12)).astype(np.float32) for rows in (9, 12))
        compare(before, after, x, y, n, np.float32(0.5))
        compare(before, after, y[1:], y[:-1], n, np.float32(0.5))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_random_nests_mean_the_same(seed: int) -> None:
    check_random(seed)


@pytest.mark.long
@settings(max_examples=1500, deadline=None)
@given(st.integers(0, 10**9))
def test_many_random_nests_mean_the_same(seed: int) -> None:
    check_random(seed)


def test_an_accumulation_that_is_none_is_found_by_random_nests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reductions, "_same_place", lambda *_: True)
    monkeypatch.setattr(reductions, "_only_accumulates", lambda *_: True)
    with pytest.raises((AssertionError, VerifyException)):
        for seed in range(100):
            check_random(seed)


CHOICE = """func.func @main(%a: memref<9xi8>, %o: memref<2xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 9 : index
  %z = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %z8 = arith.constant 0 : i8
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %z, %k = %z) -> (i64, i64) {
    %x = memref.load %a[%i] : memref<9xi8>
    %p = arith.cmpi sgt, %x, %z8 : i8
    %t:2 = scf.if %p -> (i64, i64) {
      %w = arith.extsi %x : i8 to i64
      %u = arith.addi %s, %w : i64
      %v = arith.addi %k, %one : i64
      scf.yield %u, %v : i64, i64
    } else {
      scf.yield %s, %k : i64, i64
    }
    scf.yield %t#0, %t#1 : i64, i64
  }
  memref.store %r#0, %o[%c0] : memref<2xi64>
  memref.store %r#1, %o[%c1] : memref<2xi64>
  func.return
}"""


def test_a_condition_that_chooses_between_values_is_a_selection_and_so_an_accumulation() -> None:
    module = check(CHOICE, np.array([3, -1, 0, 127, -128, 5, 5, -5, 1], np.int8), np.zeros(2, np.int64))
    assert len([op for op in kernels(module)[0].walk() if isinstance(op, ReduceOp)]) == 2


GUARDED = """func.func @main(%a: memref<8xf32>, %b: memref<8xf32>) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %n step %c1 {{
    %in = arith.cmpi sge, %i, %c1 : index
    %before = arith.subi %i, %c1 : index
    %x = scf.if %in -> (f32) {{
      {body}
    }} else {{
      scf.yield %zero : f32
    }}
    memref.store %x, %b[%i] : memref<8xf32>
  }}
  func.return
}}"""


@pytest.mark.parametrize(
    "body",
    [
        "%y = memref.load %a[%before] : memref<8xf32>  scf.yield %y : f32",
        "memref.store %zero, %a[%i] : memref<8xf32>  scf.yield %zero : f32",
    ],
    ids=["an access that leaves its buffer where it is not chosen", "a store"],
)
def test_a_condition_that_guards_something_stays(body: str) -> None:
    before, after = raised(GUARDED.format(body=body))
    assert not kernels(after)
    compare(before, after, array(8), array(8))


LIFE = """func.func @main(%a: memref<?x22xi8>, %b: memref<?x20xi8>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c20 = arith.constant 20 : index
  %z = arith.constant 0 : i32
  %three = arith.constant 3 : i32
  scf.for %i = %c0 to %n step %c1 {
    scf.for %j = %c0 to %c20 step %c1 {
      %s = scf.for %u = %c0 to %c3 step %c1 iter_args(%t = %z) -> (i32) {
        %r = scf.for %v = %c0 to %c3 step %c1 iter_args(%q = %t) -> (i32) {
          %iu = arith.addi %i, %u : index
          %jv = arith.addi %j, %v : index
          %x = memref.load %a[%iu, %jv] : memref<?x22xi8>
          %w = arith.extsi %x : i8 to i32
          %y = arith.addi %q, %w : i32
          scf.yield %y : i32
        }
        scf.yield %r : i32
      }
      %m = memref.load %a[%i, %j] : memref<?x22xi8>
      %old = arith.extsi %m : i8 to i32
      %rest = arith.subi %s, %old : i32
      %live = arith.cmpi eq, %rest, %three : i32
      %o = arith.extui %live : i1 to i8
      memref.store %o, %PLACE : memref<?x20xi8>
    }
  }
  func.return
}"""


@pytest.mark.parametrize("n", [0, 1, 5])
def test_short_sums_are_gathered_for_all_iterations_before_what_goes_on_with_them(n: int) -> None:
    cells = np.random.default_rng(n).integers(0, 2, (n + 2, 22)).astype(np.int8)
    module = check(LIFE.replace("PLACE", "b[%i, %j]"), cells, np.zeros((n, 20), np.int8), n)
    text = str(kernels(module)[0])
    assert "loop.alloc heap" in text
    assert 'loop.for "j.on"' in text


def test_sums_of_what_the_loop_changes_stay_where_they_are() -> None:
    text = LIFE.replace("%b: memref<?x20xi8>, ", "").replace("PLACE", "a[%i, %j]").replace("x20xi8", "x22xi8")
    cells = np.random.default_rng(1).integers(0, 2, (6, 22)).astype(np.int8)
    assert "loop.alloc heap" not in str(kernels(check(text, cells, 4))[0])
