"""What an iteration reads that an earlier one wrote; compiled loops get it right from the first iteration on."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.passes.loops.steps.test_steps import kernel
from weft.backends.reference import run
from weft.dialects.loop import ForOp
from weft.frontends.mlir import parse_module
from weft.passes.loops.recurrences import recurrences
from weft.registry import context

CASES = {
    "the one before": ("%a = loop.load %A[%i, %j] loop.store %a, %A[%i, %j + 1]", [1]),
    "the one before, backwards": ("%a = loop.load %A[%i, 40 - %j] loop.store %a, %A[%i, 39 - %j]", [1]),
    "the two before": (
        "%a = loop.load %A[%i, %j] %b = loop.load %A[%i, %j + 1] %c = arith.addf %a, %b : f32"
        " loop.store %c, %A[%i, %j + 2]",
        [2, 1],
    ),
    "one place": ("%a = loop.load %A[%i, 3] %b = arith.mulf %a, %a : f32 loop.store %b, %A[%i, 3]", [1]),
    "one sum": ("loop.reduce add %f into %A[%i, 3]", [1]),
    "written anew before": ("loop.store %f, %A[%i, 3] %a = loop.load %A[%i, 3]", []),
    "written over by another": (
        "%a = loop.load %A[%i, %j] loop.store %a, %A[%i, %j + 1] loop.store %f, %A[%i, %j + 1]",
        [],
    ),
    "written elsewhere by another": (
        "%a = loop.load %A[%i, %j] loop.store %a, %A[%i, %j + 1] loop.store %f, %A[%i + 1, %j + 1]",
        [1],
    ),
    "far before": ("%a = loop.load %A[%i, %j] loop.store %a, %A[%i, %j + 4]", []),
    "later": ("%a = loop.load %A[%i, %j + 1] loop.store %a, %A[%i, %j]", []),
}


@pytest.mark.parametrize(("body", "distances"), CASES.values(), ids=CASES)
def test_recurrences_are_found_by_their_distance(body: str, distances: list[int]) -> None:
    nest = f'%f = arith.constant 0.5 : f32 loop.for "i" %i to 30 {{ loop.for "j" %j to 30 {{ {body} }} }}'
    module = kernel(nest, A="64x64")
    loop = next(op for op in module.walk() if isinstance(op, ForOp) and op.label.data == "j")
    assert [one.distance for one in recurrences(loop)] == distances


FIBONACCI = """func.func @main(%x: memref<?xi32>, %n: index) {
  affine.for %i = 0 to %n {
    %a = affine.load %x[%i] : memref<?xi32>
    %b = affine.load %x[%i + 1] : memref<?xi32>
    %c = arith.addi %a, %b : i32
    affine.store %c, %x[%i + 2] : memref<?xi32>
  }
  func.return
}"""

FACTORIALS = """func.func @main(%x: memref<4x1xi32>, %n: index) {
  affine.for %i = 0 to 4 {
    affine.for %j = 0 to %n {
      %0 = affine.load %x[%i, 0] : memref<4x1xi32>
      %1 = arith.index_cast %j : index to i32
      %2 = arith.muli %0, %1 : i32
      %3 = arith.addi %2, %0 : i32
      affine.store %3, %x[%i, 0] : memref<4x1xi32>
    }
  }
  func.return
}"""


@pytest.mark.parametrize("n", [0, 1, 2, 3, 9])
@pytest.mark.parametrize(("text", "shape"), [(FIBONACCI, (11,)), (FACTORIALS, (4, 1))])
def test_the_first_iterations_read_memory_and_only_as_many_as_there_are(text: str, shape: tuple, n: int) -> None:
    start = np.arange(1, 1 + int(np.prod(shape)), dtype=np.int32).reshape(shape)
    if text is FIBONACCI:
        start = start[: n + 2].copy()
    want, got = start.copy(), start.copy()
    run(parse_module(text, context()), "main", [want, n])
    weft.compile(text, threads=1)(got, n)
    np.testing.assert_array_equal(got, want)


LOOSE = """func.func @main(%x: memref<40xf32>, %y: memref<1xf32>) {{
  affine.for %i = 0 to 40 {{
    %0 = affine.load %y[0] : memref<1xf32>
    %1 = affine.load %x[%i] : memref<40xf32>
    %2 = arith.{op} %0, %1 {flags} : f32
    affine.store %2, %y[0] : memref<1xf32>
  }}
  func.return
}}"""


@pytest.mark.parametrize("op", ["maximumf", "minimumf"])
def test_the_greatest_number_may_be_that_of_a_comparison_where_the_program_says_so(op: str) -> None:
    x = np.random.default_rng(0).standard_normal(40).astype(np.float32)
    want = (np.max if op == "maximumf" else np.min)(x)
    for flags in ("", "fastmath<nnan,nsz>", "fastmath<fast>"):
        y = np.array([0.25], np.float32)
        weft.compile(LOOSE.format(op=op, flags=flags), threads=1)(x, y)
        assert y[0] == want
    x[7] = np.nan
    y = np.zeros(1, np.float32)
    weft.compile(LOOSE.format(op=op, flags=""), threads=1)(x, y)
    assert np.isnan(y[0])
