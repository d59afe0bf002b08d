"""Rows that wait, and rows of a triangle, where only the run knows how many there are."""

from __future__ import annotations

import numpy as np
import pytest

import weft

RUNNING_SUMS = """func.func @main(%a: memref<?x?xf32>, %b: memref<?x?xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %a, %c0 : memref<?x?xf32>
  %m = memref.dim %a, %c1 : memref<?x?xf32>
  affine.for %i = 0 to %n {
    %s = affine.for %j = 0 to %m iter_args(%t = %zero) -> (f32) {
      %x = affine.load %a[%i, %j] : memref<?x?xf32>
      %u = arith.addf %t, %x : f32
      affine.store %u, %b[%i, %j] : memref<?x?xf32>
      affine.yield %u : f32
    }
  }
  func.return
}"""

TRIANGULAR = """func.func @main(%a: memref<?x?xf32>, %b: memref<?xf32>, %x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %b, %c0 : memref<?xf32>
  affine.for %i = 0 to %n {
    %s0 = affine.load %b[%i] : memref<?xf32>
    %s = affine.for %j = 0 to affine_map<(d0) -> (d0)>(%i) iter_args(%t = %s0) -> (f32) {
      %l = affine.load %a[%i, %j] : memref<?x?xf32>
      %y = affine.load %x[%j] : memref<?xf32>
      %p = arith.mulf %l, %y fastmath<reassoc,contract> : f32
      %u = arith.subf %t, %p fastmath<reassoc,contract> : f32
      affine.yield %u : f32
    }
    %d = affine.load %a[%i, %i] : memref<?x?xf32>
    %r = arith.divf %s, %d : f32
    affine.store %r, %x[%i] : memref<?xf32>
  }
  func.return
}"""


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 17])
@pytest.mark.parametrize("columns", [0, 1, 33])
def test_running_sums_of_any_number_of_rows(rows: int, columns: int) -> None:
    a = np.random.default_rng(rows).integers(-3, 4, (rows, columns)).astype(np.float32)
    b = np.zeros_like(a)
    weft.compile(RUNNING_SUMS, threads=1)(a, b)
    np.testing.assert_array_equal(b, np.cumsum(a, 1))


@pytest.mark.parametrize("n", [0, 1, 2, 16, 17, 65, 130])
def test_a_triangular_system_of_any_size(n: int) -> None:
    a = (np.random.default_rng(n).random((n, n)) - 0.5 + n * np.eye(n)).astype(np.float32)
    b, x = np.ones(n, np.float32), np.zeros(n, np.float32)
    weft.compile(TRIANGULAR, threads=1)(a, b, x)
    np.testing.assert_allclose(np.tril(a).astype(np.float64) @ x, b, rtol=1e-5)
