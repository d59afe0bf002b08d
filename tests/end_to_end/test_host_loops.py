"""Loops over memory that are no kernels: LLVM simplifies them, and they fail where they leave their buffers."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft.diagnostics import WeftError
from weft.dialects.host_marks import COMPUTES, FLAT
from weft.frontends.mlir import parse_module
from weft.passes.loops.raise_to_loop import RaiseToLoop
from weft.registry import context

HISTOGRAM = """func.func @main(%a: memref<?xi32>, %h: memref<16xi32>) {
  %one = arith.constant 1 : i32
  %c0 = arith.constant 0 : index
  %n = memref.dim %a, %c0 : memref<?xi32>
  affine.for %i = 0 to %n {
    %x = affine.load %a[%i] : memref<?xi32>
    %k = arith.index_cast %x : i32 to index
    %0 = memref.load %h[%k] : memref<16xi32>
    %1 = arith.addi %0, %one : i32
    memref.store %1, %h[%k] : memref<16xi32>
  }
  func.return
}"""

SAXPY = """func.func @main(%x: memref<?xf32>, %y: memref<?xf32>, %n: index) {
  affine.for %i = 0 to %n {
    %0 = affine.load %x[%i] : memref<?xf32>
    affine.store %0, %y[%i] : memref<?xf32>
  }
  func.return
}"""


@pytest.mark.parametrize("n", [0, 1, 7, 1000])
def test_a_histogram_counts(n: int) -> None:
    values = np.random.default_rng(n).integers(0, 16, n).astype(np.int32)
    counts = np.zeros(16, np.int32)
    weft.compile(HISTOGRAM, threads=1)(values, counts)
    np.testing.assert_array_equal(counts, np.bincount(values, minlength=16))


@pytest.mark.parametrize("wrong", [16, -1])
def test_an_index_that_leaves_its_buffer_is_still_an_error(wrong: int) -> None:
    counts = np.zeros(16, np.int32)
    with pytest.raises(WeftError, match=r"memref\.load"):
        weft.compile(HISTOGRAM, threads=1)(np.array([3, 5, wrong, 2], np.int32), counts)
    assert counts.sum() == 2


@pytest.mark.parametrize(("text", "marked"), [(HISTOGRAM, True), (SAXPY, False)])
def test_only_functions_with_loops_that_stay_are_marked(text: str, marked: bool) -> None:
    module = parse_module(text, context())
    RaiseToLoop().apply(context(), module)
    assert (COMPUTES in str(module)) == marked


COMPACTION = """func.func @main(%a: memref<?xf32>, %o: memref<?xf32>) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  %half = arith.constant 0.5 : f32
  %e = scf.for %i = %c0 to %n step %c1 iter_args(%k = %c0) -> (index) {
    %x = memref.load %a[%i] : memref<?xf32>
    %p = arith.cmpf ogt, %x, %half : f32
    %r = scf.if %p -> (index) {
      memref.store %x, %o[%k] : memref<?xf32>
      %k1 = arith.addi %k, %c1 : index
      scf.yield %k1 : index
    } else {
      scf.yield %k : index
    }
    scf.yield %r : index
  }
  func.return %e : index
}"""


@pytest.mark.parametrize("n", [0, 1, 5, 8, 1000])
def test_what_is_chosen_is_stored_side_by_side(n: int) -> None:
    values = np.random.default_rng(n).random(n).astype(np.float32)
    kept = np.zeros(n, np.float32)
    count = weft.compile(COMPACTION, threads=1)(values, kept)
    wanted = values[values > 0.5]
    assert count == wanted.size
    np.testing.assert_array_equal(kept[:count], wanted)


def test_what_has_no_place_any_more_is_an_error_after_what_has() -> None:
    kept = np.zeros(3, np.float32)
    with pytest.raises(WeftError, match=r"memref\.store"):
        weft.compile(COMPACTION, threads=1)(np.arange(1, 10, dtype=np.float32), kept)
    np.testing.assert_array_equal(kept, [1, 2, 3])


def test_only_loops_that_hold_no_others_are_flat() -> None:
    nested = HISTOGRAM.replace("affine.for", "affine.for %again = 0 to 3 { affine.for", 1).replace(
        "func.return", "} func.return"
    )
    for text, flat in ((COMPACTION, True), (nested, False)):
        module = parse_module(text, context())
        RaiseToLoop().apply(context(), module)
        assert COMPUTES in str(module)
        assert (FLAT in str(module)) == flat
