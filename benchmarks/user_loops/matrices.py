"""Loops over matrices: products, factors, solves, reductions of rows and columns, paths."""

from __future__ import annotations

import numpy as np

from user_loops.base import Array, Loops


def triangular(a: Array, b: Array, x: Array) -> None:
    """Forward substitution: L x = b."""
    for i in range(b.shape[0]):
        s = b[i]
        for j in range(i):
            s -= a[i, j] * x[j]
        x[i] = s / a[i, i]


TRIANGULAR = """
func.func @main(%a: memref<1024x1024xf32>, %b: memref<1024xf32>, %x: memref<1024xf32>) {
  affine.for %i = 0 to 1024 {
    %s0 = affine.load %b[%i] : memref<1024xf32>
    %s = affine.for %j = 0 to affine_map<(d0) -> (d0)>(%i) iter_args(%t = %s0) -> (f32) {
      %l = affine.load %a[%i, %j] : memref<1024x1024xf32>
      %y = affine.load %x[%j] : memref<1024xf32>
      %p = arith.mulf %l, %y fastmath<reassoc,contract> : f32
      %u = arith.subf %t, %p fastmath<reassoc,contract> : f32
      affine.yield %u : f32
    }
    %d = affine.load %a[%i, %i] : memref<1024x1024xf32>
    %r = arith.divf %s, %d : f32
    affine.store %r, %x[%i] : memref<1024xf32>
  }
  func.return
}
"""


def product(a: Array, b: Array, c: Array) -> None:
    """A product of matrices, the loops in the order that suits the cache."""
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            c[i, j] = 0
    for i in range(c.shape[0]):
        for k in range(b.shape[0]):
            for j in range(c.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


PRODUCT = """
func.func @main(%a: memref<256x256xf32>, %b: memref<256x256xf32>, %c: memref<256x256xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 256 { affine.for %j = 0 to 256 {
    affine.store %zero, %c[%i, %j] : memref<256x256xf32>
  } }
  affine.for %i = 0 to 256 { affine.for %k = 0 to 256 { affine.for %j = 0 to 256 {
    %x = affine.load %a[%i, %k] : memref<256x256xf32>
    %y = affine.load %b[%k, %j] : memref<256x256xf32>
    %s = affine.load %c[%i, %j] : memref<256x256xf32>
    %p = arith.mulf %x, %y fastmath<reassoc,contract> : f32
    %t = arith.addf %s, %p fastmath<reassoc,contract> : f32
    affine.store %t, %c[%i, %j] : memref<256x256xf32>
  } } }
  func.return
}
"""


def row_norms(a: Array, b: Array) -> None:
    """The sum of squares of each row."""
    for i in range(a.shape[0]):
        s = np.float32(0)
        for j in range(a.shape[1]):
            s += a[i, j] * a[i, j]
        b[i] = s


ROW_NORMS = """
func.func @main(%a: memref<1024x1024xf32>, %b: memref<1024xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 1024 {
    %s = affine.for %j = 0 to 1024 iter_args(%t = %zero) -> (f32) {
      %x = affine.load %a[%i, %j] : memref<1024x1024xf32>
      %p = arith.mulf %x, %x fastmath<reassoc,contract> : f32
      %u = arith.addf %t, %p fastmath<reassoc,contract> : f32
      affine.yield %u : f32
    }
    affine.store %s, %b[%i] : memref<1024xf32>
  }
  func.return
}
"""


def column_max(a: Array, b: Array) -> None:
    """The greatest element of each column."""
    for j in range(a.shape[1]):
        b[j] = a[0, j]
    for i in range(1, a.shape[0]):
        for j in range(a.shape[1]):
            b[j] = max(b[j], a[i, j])


COLUMN_MAX = """
func.func @main(%a: memref<1024x1024xf32>, %b: memref<1024xf32>) {
  affine.for %j = 0 to 1024 {
    %0 = affine.load %a[0, %j] : memref<1024x1024xf32>
    affine.store %0, %b[%j] : memref<1024xf32>
  }
  affine.for %i = 1 to 1024 {
    affine.for %k = 0 to 1024 {
      %1 = affine.load %b[%k] : memref<1024xf32>
      %2 = affine.load %a[%i, %k] : memref<1024x1024xf32>
      %3 = arith.maximumf %1, %2 fastmath<nnan,nsz> : f32
      affine.store %3, %b[%k] : memref<1024xf32>
    }
  }
  func.return
}
"""


def distances(a: Array, b: Array, d: Array) -> None:
    """All-pairs shortest paths by Floyd and Warshall, some rounds."""
    for k in range(32):
        for i in range(d.shape[0]):
            for j in range(d.shape[1]):
                d[i, j] = min(d[i, j], a[i, k] + b[k, j])


DISTANCES = """
func.func @main(%a: memref<512x32xf32>, %b: memref<32x512xf32>, %d: memref<512x512xf32>) {
  affine.for %k = 0 to 32 { affine.for %i = 0 to 512 { affine.for %j = 0 to 512 {
    %0 = affine.load %d[%i, %j] : memref<512x512xf32>
    %1 = affine.load %a[%i, %k] : memref<512x32xf32>
    %2 = affine.load %b[%k, %j] : memref<32x512xf32>
    %3 = arith.addf %1, %2 : f32
    %4 = arith.minimumf %0, %3 fastmath<nnan,nsz> : f32
    affine.store %4, %d[%i, %j] : memref<512x512xf32>
  } } }
  func.return
}
"""


def cholesky(a: Array) -> None:
    """The triangular factor of a symmetric matrix, in place."""
    n = a.shape[0]
    for j in range(n):
        s = a[j, j]
        for k in range(j):
            s -= a[j, k] * a[j, k]
        d = np.sqrt(s)
        a[j, j] = d
        for i in range(j + 1, n):
            t = a[i, j]
            for k in range(j):
                t -= a[i, k] * a[j, k]
            a[i, j] = t / d


CHOLESKY = """
func.func @main(%a: memref<256x256xf64>) {
  affine.for %j = 0 to 256 {
    %s0 = affine.load %a[%j, %j] : memref<256x256xf64>
    %s = affine.for %k = 0 to affine_map<(d0) -> (d0)>(%j) iter_args(%t = %s0) -> (f64) {
      %x = affine.load %a[%j, %k] : memref<256x256xf64>
      %p = arith.mulf %x, %x fastmath<reassoc,contract> : f64
      %u = arith.subf %t, %p fastmath<reassoc,contract> : f64
      affine.yield %u : f64
    }
    %d = math.sqrt %s : f64
    affine.store %d, %a[%j, %j] : memref<256x256xf64>
    affine.for %i = affine_map<(d0) -> (d0 + 1)>(%j) to 256 {
      %t0 = affine.load %a[%i, %j] : memref<256x256xf64>
      %t1 = affine.for %k = 0 to affine_map<(d0) -> (d0)>(%j) iter_args(%t = %t0) -> (f64) {
        %x = affine.load %a[%i, %k] : memref<256x256xf64>
        %y = affine.load %a[%j, %k] : memref<256x256xf64>
        %p = arith.mulf %x, %y fastmath<reassoc,contract> : f64
        %u = arith.subf %t, %p fastmath<reassoc,contract> : f64
        affine.yield %u : f64
      }
      %q = arith.divf %t1, %d : f64
      affine.store %q, %a[%i, %j] : memref<256x256xf64>
    }
  }
  func.return
}
"""


def lu(a: Array) -> None:
    """Triangular factors of a matrix, in place, without pivots."""
    n = a.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]


LU = """
func.func @main(%a: memref<256x256xf32>) {
  affine.for %k = 0 to 256 {
    affine.for %i = affine_map<(d0) -> (d0 + 1)>(%k) to 256 {
      %x = affine.load %a[%i, %k] : memref<256x256xf32>
      %p = affine.load %a[%k, %k] : memref<256x256xf32>
      %l = arith.divf %x, %p : f32
      affine.store %l, %a[%i, %k] : memref<256x256xf32>
      affine.for %j = affine_map<(d0) -> (d0 + 1)>(%k) to 256 {
        %m = affine.load %a[%i, %k] : memref<256x256xf32>
        %u = affine.load %a[%k, %j] : memref<256x256xf32>
        %v = affine.load %a[%i, %j] : memref<256x256xf32>
        %w = arith.mulf %m, %u fastmath<reassoc,contract> : f32
        %z = arith.subf %v, %w fastmath<reassoc,contract> : f32
        affine.store %z, %a[%i, %j] : memref<256x256xf32>
      }
    }
  }
  func.return
}
"""


def all_paths(d: Array) -> None:
    """All-pairs shortest paths in one matrix."""
    n = d.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                d[i, j] = min(d[i, j], d[i, k] + d[k, j])


ALL_PATHS = """
func.func @main(%d: memref<192x192xf32>) {
  affine.for %k = 0 to 192 { affine.for %i = 0 to 192 { affine.for %j = 0 to 192 {
    %0 = affine.load %d[%i, %j] : memref<192x192xf32>
    %1 = affine.load %d[%i, %k] : memref<192x192xf32>
    %2 = affine.load %d[%k, %j] : memref<192x192xf32>
    %3 = arith.addf %1, %2 : f32
    %4 = arith.minimumf %0, %3 fastmath<nnan,nsz> : f32
    affine.store %4, %d[%i, %j] : memref<192x192xf32>
  } } }
  func.return
}
"""


SQUARE, LINE = (1024, 1024), (1024,)


def _heavy_diagonal(arrays: list[Array]) -> None:
    """A system that is well-behaved."""
    arrays[0][np.diag_indices(1024)] += 512


def _positive(arrays: list[Array]) -> None:
    """A matrix that is symmetric and positive definite."""
    size = arrays[0].shape[0]
    m = np.random.default_rng(5).random((size, size)) - 0.5
    arrays[0][...] = m @ m.T + size * np.eye(size)


LOOPS = (
    Loops("triangular solve 1024", TRIANGULAR, triangular, (SQUARE, LINE, LINE), prepare=_heavy_diagonal),
    Loops("cholesky 256 f64", CHOLESKY, cholesky, ((256, 256),), np.float64, 1e-9, _positive),
    Loops("lu 256", LU, lu, ((256, 256),), np.float32, 1e-4, _positive),
    Loops("row norms 1024", ROW_NORMS, row_norms, (SQUARE, LINE)),
    Loops("column max 1024", COLUMN_MAX, column_max, (SQUARE, LINE)),
    Loops("product 256 by i, k, j", PRODUCT, product, ((256, 256),) * 3),
    Loops("shortest paths 512, 32 rounds", DISTANCES, distances, ((512, 32), (32, 512), (512, 512))),
    Loops("shortest paths in place 192", ALL_PATHS, all_paths, ((192, 192),)),
)
