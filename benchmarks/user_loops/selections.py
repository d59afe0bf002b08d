"""Loops with conditions, places that data give, and ends that only values know."""

from __future__ import annotations

import numpy as np

from user_loops.base import Array, Loops


def affine_gaps(a: Array, b: Array, m: Array, x: Array, y: Array) -> None:
    """An alignment whose gaps cost more to open than to extend: three tables."""
    for i in range(1, m.shape[0]):
        for j in range(1, m.shape[1]):
            x[i, j] = max(m[i - 1, j] - 5, x[i - 1, j] - 1)
            y[i, j] = max(m[i, j - 1] - 5, y[i, j - 1] - 1)
            s = 3 if a[i - 1] == b[j - 1] else -2
            m[i, j] = max(m[i - 1, j - 1] + s, max(x[i, j], y[i, j]))


AFFINE_GAPS = """
func.func @main(%a: memref<512xi32>, %b: memref<512xi32>,
    %m: memref<513x513xi32>, %x: memref<513x513xi32>, %y: memref<513x513xi32>) {
  %open = arith.constant 5 : i32
  %ext = arith.constant 1 : i32
  %hit = arith.constant 3 : i32
  %miss = arith.constant -2 : i32
  affine.for %i = 1 to 513 { affine.for %j = 1 to 513 {
    %0 = affine.load %m[%i - 1, %j] : memref<513x513xi32>
    %1 = arith.subi %0, %open : i32
    %2 = affine.load %x[%i - 1, %j] : memref<513x513xi32>
    %3 = arith.subi %2, %ext : i32
    %4 = arith.maxsi %1, %3 : i32
    affine.store %4, %x[%i, %j] : memref<513x513xi32>
    %5 = affine.load %m[%i, %j - 1] : memref<513x513xi32>
    %6 = arith.subi %5, %open : i32
    %7 = affine.load %y[%i, %j - 1] : memref<513x513xi32>
    %8 = arith.subi %7, %ext : i32
    %9 = arith.maxsi %6, %8 : i32
    affine.store %9, %y[%i, %j] : memref<513x513xi32>
    %p = affine.load %a[%i - 1] : memref<512xi32>
    %q = affine.load %b[%j - 1] : memref<512xi32>
    %same = arith.cmpi eq, %p, %q : i32
    %s = arith.select %same, %hit, %miss : i32
    %10 = affine.load %m[%i - 1, %j - 1] : memref<513x513xi32>
    %11 = arith.addi %10, %s : i32
    %12 = arith.maxsi %4, %9 : i32
    %13 = arith.maxsi %11, %12 : i32
    affine.store %13, %m[%i, %j] : memref<513x513xi32>
  } }
  func.return
}
"""


def binary_searches(a: Array, q: Array, o: Array) -> None:
    """Where numbers belong in a sorted array."""
    for i in range(q.shape[0]):
        lo = 0
        hi = a.shape[0]
        while lo < hi:
            mid = (lo + hi) >> 1
            if a[mid] < q[i]:
                lo = mid + 1
            else:
                hi = mid
        o[i] = lo


BINARY_SEARCHES = """
func.func @main(%a: memref<4096xf32>, %q: memref<4096xf32>, %o: memref<4096xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 4096 : index
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.load %q[%i] : memref<4096xf32>
    %r:2 = scf.while (%lo = %c0, %hi = %n) : (index, index) -> (index, index) {
      %go = arith.cmpi slt, %lo, %hi : index
      scf.condition(%go) %lo, %hi : index, index
    } do {
    ^bb0(%lo: index, %hi: index):
      %s = arith.addi %lo, %hi : index
      %mid = arith.shrui %s, %c1 : index
      %x = memref.load %a[%mid] : memref<4096xf32>
      %less = arith.cmpf olt, %x, %v : f32
      %mid1 = arith.addi %mid, %c1 : index
      %l = arith.select %less, %mid1, %lo : index
      %h = arith.select %less, %hi, %mid : index
      scf.yield %l, %h : index, index
    }
    %w = arith.index_cast %r#0 : index to i32
    memref.store %w, %o[%i] : memref<4096xi32>
  }
  func.return
}
"""


def sparse_product(p: Array, c: Array, v: Array, x: Array, y: Array) -> None:
    """A sparse matrix, by rows, times a vector."""
    for i in range(y.shape[0]):
        s = np.float32(0)
        for k in range(p[i], p[i + 1]):
            s += v[k] * x[c[k]]
        y[i] = s


SPARSE_PRODUCT = """
func.func @main(%p: memref<2049xi32>, %c: memref<32768xi32>, %v: memref<32768xf32>,
    %x: memref<2048xf32>, %y: memref<2048xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 2048 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %n step %c1 {
    %i1 = arith.addi %i, %c1 : index
    %l32 = memref.load %p[%i] : memref<2049xi32>
    %h32 = memref.load %p[%i1] : memref<2049xi32>
    %l = arith.index_cast %l32 : i32 to index
    %h = arith.index_cast %h32 : i32 to index
    %s = scf.for %k = %l to %h step %c1 iter_args(%t = %zero) -> (f32) {
      %w = memref.load %v[%k] : memref<32768xf32>
      %j32 = memref.load %c[%k] : memref<32768xi32>
      %j = arith.index_cast %j32 : i32 to index
      %z = memref.load %x[%j] : memref<2048xf32>
      %m = arith.mulf %w, %z fastmath<reassoc,contract> : f32
      %u = arith.addf %t, %m fastmath<reassoc,contract> : f32
      scf.yield %u : f32
    }
    memref.store %s, %y[%i] : memref<2048xf32>
  }
  func.return
}
"""


def newton_roots(a: Array, o: Array) -> None:
    """Square roots by Newton's iteration, until they stand still."""
    for i in range(a.shape[0]):
        x = a[i]
        n = 0
        d = np.float64(1)
        y = x
        while d > 1e-12 and n < 50:
            z = 0.5 * (y + x / y)
            d = abs(z - y)
            y = z
            n += 1
        o[i] = y


NEWTON_ROOTS = """
func.func @main(%a: memref<4096xf64>, %o: memref<4096xf64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 4096 : index
  %half = arith.constant 0.5 : f64
  %one = arith.constant 1.0 : f64
  %eps = arith.constant 1.0e-12 : f64
  %n0 = arith.constant 0 : i32
  %n1 = arith.constant 1 : i32
  %most = arith.constant 50 : i32
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %a[%i] : memref<4096xf64>
    %r:3 = scf.while (%y = %x, %d = %one, %k = %n0) : (f64, f64, i32) -> (f64, f64, i32) {
      %far = arith.cmpf ogt, %d, %eps : f64
      %more = arith.cmpi slt, %k, %most : i32
      %go = arith.andi %far, %more : i1
      scf.condition(%go) %y, %d, %k : f64, f64, i32
    } do {
    ^bb0(%y: f64, %d: f64, %k: i32):
      %q = arith.divf %x, %y : f64
      %s = arith.addf %y, %q : f64
      %z = arith.mulf %half, %s : f64
      %e = arith.subf %z, %y : f64
      %f = math.absf %e : f64
      %k1 = arith.addi %k, %n1 : i32
      scf.yield %z, %f, %k1 : f64, f64, i32
    }
    memref.store %r#0, %o[%i] : memref<4096xf64>
  }
  func.return
}
"""


def positive(a: Array, o: Array) -> None:
    """The sum and the count of what is positive, in wide integers."""
    s = np.int64(0)
    n = np.int64(0)
    for i in range(a.shape[0]):
        if a[i] > 0:
            s += np.int64(a[i])
            n += 1
    o[0] = s
    o[1] = n


POSITIVE = """
func.func @main(%a: memref<65536xi8>, %o: memref<2xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 65536 : index
  %z = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %z8 = arith.constant 0 : i8
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %z, %k = %z) -> (i64, i64) {
    %x = memref.load %a[%i] : memref<65536xi8>
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
}
"""


def compaction(a: Array, o: Array) -> None:
    """What is large enough, side by side."""
    n = 0
    for i in range(a.shape[0]):
        if a[i] > np.float32(0.6):
            o[n] = a[i]
            n += 1


COMPACTION = """
func.func @main(%a: memref<65536xf32>, %o: memref<65536xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 65536 : index
  %t = arith.constant 0.6 : f32
  %e = scf.for %i = %c0 to %n step %c1 iter_args(%k = %c0) -> (index) {
    %x = memref.load %a[%i] : memref<65536xf32>
    %p = arith.cmpf ogt, %x, %t : f32
    %r = scf.if %p -> (index) {
      memref.store %x, %o[%k] : memref<65536xf32>
      %k1 = arith.addi %k, %c1 : index
      scf.yield %k1 : index
    } else {
      scf.yield %k : index
    }
    scf.yield %r : index
  }
  func.return
}
"""


def _sorted(arrays: list[Array]) -> None:
    """An array in order."""
    arrays[0].sort()


def _rows(arrays: list[Array]) -> None:
    """Rows of different lengths, columns anywhere."""
    rng = np.random.default_rng(9)
    arrays[0][1:-1] = np.sort(rng.integers(0, arrays[1].size, arrays[0].size - 2))
    arrays[0][0], arrays[0][-1] = 0, arrays[1].size
    arrays[1][...] = rng.integers(0, arrays[3].size, arrays[1].shape)


def _signs(arrays: list[Array]) -> None:
    """Numbers of both signs."""
    arrays[0][...] = np.random.default_rng(9).integers(-128, 128, arrays[0].shape)


LOOPS = (
    Loops(
        "affine gaps 512", AFFINE_GAPS, affine_gaps, ((512,), (512,), (513, 513), (513, 513), (513, 513)), np.int32, 0
    ),
    Loops(
        "binary searches 4096",
        BINARY_SEARCHES,
        binary_searches,
        ((4096,), (4096,), (4096,)),
        (np.float32, np.float32, np.int32),
        0,
        prepare=_sorted,
    ),
    Loops(
        "sparse product 2048, 32768",
        SPARSE_PRODUCT,
        sparse_product,
        ((2049,), (32768,), (32768,), (2048,), (2048,)),
        (np.int32, np.int32, np.float32, np.float32, np.float32),
        0.0001,
        prepare=_rows,
    ),
    Loops("newton roots 4096 f64", NEWTON_ROOTS, newton_roots, ((4096,), (4096,)), np.float64, 1e-10),
    Loops("positive i8 into i64 65536", POSITIVE, positive, ((65536,), (2,)), (np.int8, np.int64), 0, prepare=_signs),
    Loops("compaction 65536", COMPACTION, compaction, ((65536,), (65536,)), np.float32, 0),
)
