"""Dynamic programming: tables whose entries need those before them."""

from __future__ import annotations

import numpy as np

from user_loops.base import Array, Loops


def subsequence(a: Array, b: Array, d: Array) -> None:
    """The longest common subsequence, by its table."""
    for i in range(1, d.shape[0]):
        for j in range(1, d.shape[1]):
            if a[i - 1, 0] == b[j - 1, 0]:
                d[i, j] = d[i - 1, j - 1] + 1
            else:
                d[i, j] = max(d[i - 1, j], d[i, j - 1])


SUBSEQUENCE = """
func.func @main(%a: memref<1024x1xi32>, %b: memref<1024x1xi32>, %d: memref<1025x1025xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 1025 : index
  %one = arith.constant 1 : i32
  scf.for %i = %c1 to %n step %c1 {
    %i1 = arith.subi %i, %c1 : index
    %x = memref.load %a[%i1, %c0] : memref<1024x1xi32>
    scf.for %j = %c1 to %n step %c1 {
      %j1 = arith.subi %j, %c1 : index
      %y = memref.load %b[%j1, %c0] : memref<1024x1xi32>
      %same = arith.cmpi eq, %x, %y : i32
      %diagonal = memref.load %d[%i1, %j1] : memref<1025x1025xi32>
      %more = arith.addi %diagonal, %one : i32
      %up = memref.load %d[%i1, %j] : memref<1025x1025xi32>
      %left = memref.load %d[%i, %j1] : memref<1025x1025xi32>
      %most = arith.maxsi %up, %left : i32
      %v = arith.select %same, %more, %most : i32
      memref.store %v, %d[%i, %j] : memref<1025x1025xi32>
    }
  }
  func.return
}
"""


def knapsack(w: Array, v: Array, best: Array) -> None:
    """0/1 knapsack, a row of the table an item."""
    for i in range(1, best.shape[0]):
        for j in range(best.shape[1]):
            best[i, j] = best[i - 1, j]
            if j >= 3:
                best[i, j] = max(best[i, j], best[i - 1, j - 3] + v[i - 1])


KNAPSACK = """
func.func @main(%w: memref<256xi32>, %v: memref<256xi32>, %best: memref<257x4096xi32>) {
  affine.for %i = 1 to 257 {
    affine.for %j = 0 to 3 {
      %0 = affine.load %best[%i - 1, %j] : memref<257x4096xi32>
      affine.store %0, %best[%i, %j] : memref<257x4096xi32>
    }
    affine.for %j = 3 to 4096 {
      %value = affine.load %v[%i - 1] : memref<256xi32>
      %0 = affine.load %best[%i - 1, %j] : memref<257x4096xi32>
      %1 = affine.load %best[%i - 1, %j - 3] : memref<257x4096xi32>
      %2 = arith.addi %1, %value : i32
      %3 = arith.maxsi %0, %2 : i32
      affine.store %3, %best[%i, %j] : memref<257x4096xi32>
    }
  }
  func.return
}
"""


def edit_distance(a: Array, b: Array, d: Array) -> None:
    """Levenshtein's distance, by its table."""
    for i in range(1, d.shape[0]):
        for j in range(1, d.shape[1]):
            c = 0 if a[i - 1] == b[j - 1] else 1
            d[i, j] = min(min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + c)


EDIT_DISTANCE = """
func.func @main(%a: memref<1024xi32>, %b: memref<1024xi32>, %d: memref<1025x1025xi32>) {
  %one = arith.constant 1 : i32
  %zero = arith.constant 0 : i32
  affine.for %i = 1 to 1025 { affine.for %j = 1 to 1025 {
    %x = affine.load %a[%i - 1] : memref<1024xi32>
    %y = affine.load %b[%j - 1] : memref<1024xi32>
    %same = arith.cmpi eq, %x, %y : i32
    %c = arith.select %same, %zero, %one : i32
    %u = affine.load %d[%i - 1, %j] : memref<1025x1025xi32>
    %l = affine.load %d[%i, %j - 1] : memref<1025x1025xi32>
    %g = affine.load %d[%i - 1, %j - 1] : memref<1025x1025xi32>
    %0 = arith.addi %u, %one : i32
    %1 = arith.addi %l, %one : i32
    %2 = arith.addi %g, %c : i32
    %3 = arith.minsi %0, %1 : i32
    %4 = arith.minsi %3, %2 : i32
    affine.store %4, %d[%i, %j] : memref<1025x1025xi32>
  } }
  func.return
}
"""


def chain_order(p: Array, m: Array) -> None:
    """The cheapest order of a chain of products."""
    n = m.shape[0]
    for step in range(1, n):
        for i in range(n - step):
            j = i + step
            best = np.int64(1) << 60
            for k in range(i, j):
                c = m[i, k] + m[k + 1, j] + p[i] * p[k + 1] * p[j + 1]
                best = min(best, c)
            m[i, j] = best


CHAIN_ORDER = """
func.func @main(%p: memref<201xi64>, %m: memref<200x200xi64>) {
  %far = arith.constant 1152921504606846976 : i64
  affine.for %l = 1 to 200 {
    affine.for %i = 0 to affine_map<(d0) -> (200 - d0)>(%l) {
      %pi = affine.load %p[%i] : memref<201xi64>
      %pj = affine.load %p[%i + %l + 1] : memref<201xi64>
      %best = affine.for %k = affine_map<(d0) -> (d0)>(%i) to affine_map<(d0, d1) -> (d0 + d1)>(%i, %l)
          iter_args(%b = %far) -> (i64) {
        %x = affine.load %m[%i, %k] : memref<200x200xi64>
        %y = affine.load %m[%k + 1, %i + %l] : memref<200x200xi64>
        %pk = affine.load %p[%k + 1] : memref<201xi64>
        %0 = arith.muli %pi, %pk : i64
        %1 = arith.muli %0, %pj : i64
        %2 = arith.addi %x, %y : i64
        %3 = arith.addi %2, %1 : i64
        %4 = arith.minsi %b, %3 : i64
        affine.yield %4 : i64
      }
      affine.store %best, %m[%i, %i + %l] : memref<200x200xi64>
    }
  }
  func.return
}
"""


def rising(a: Array, d: Array) -> None:
    """The longest rising subsequence that ends at each place."""
    n = a.shape[0]
    for i in range(n):
        best = np.int32(0)
        for j in range(i):
            if a[j] < a[i]:
                best = max(best, d[j])
        d[i] = best + np.int32(1)


RISING = """
func.func @main(%a: memref<2048xi32>, %d: memref<2048xi32>) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  affine.for %i = 0 to 2048 {
    %x = affine.load %a[%i] : memref<2048xi32>
    %best = affine.for %j = 0 to affine_map<(d0) -> (d0)>(%i) iter_args(%b = %zero) -> (i32) {
      %y = affine.load %a[%j] : memref<2048xi32>
      %less = arith.cmpi slt, %y, %x : i32
      %v = affine.load %d[%j] : memref<2048xi32>
      %m = arith.maxsi %b, %v : i32
      %r = arith.select %less, %m, %b : i32
      affine.yield %r : i32
    }
    %n = arith.addi %best, %one : i32
    affine.store %n, %d[%i] : memref<2048xi32>
  }
  func.return
}
"""


def coin_change(c: Array, w: Array) -> None:
    """In how many ways coins make each sum, in place."""
    for k in range(c.shape[0]):
        for s in range(c[k], w.shape[0]):
            w[s] += w[s - c[k]]


COIN_CHANGE = """
func.func @main(%c: memref<8xi32>, %w: memref<8192xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %n = arith.constant 8192 : index
  scf.for %k = %c0 to %c8 step %c1 {
    %v = memref.load %c[%k] : memref<8xi32>
    %coin = arith.index_cast %v : i32 to index
    scf.for %s = %coin to %n step %c1 {
      %p = arith.subi %s, %coin : index
      %0 = memref.load %w[%s] : memref<8192xi32>
      %1 = memref.load %w[%p] : memref<8192xi32>
      %2 = arith.addi %0, %1 : i32
      memref.store %2, %w[%s] : memref<8192xi32>
    }
  }
  func.return
}
"""


TABLE = (1025, 1025)


def _edges(arrays: list[Array]) -> None:
    """The distances from nothing."""
    table = arrays[-1]
    table[...] = 0
    table[:, 0] = np.arange(table.shape[0])
    table[0, :] = np.arange(table.shape[1])


def _sizes(arrays: list[Array]) -> None:
    """Matrices of up to 49 rows and columns."""
    arrays[0][...] = np.random.default_rng(1).integers(1, 50, arrays[0].shape)
    arrays[1][...] = 0


def _numbers(arrays: list[Array]) -> None:
    """Numbers that are hardly ever equal."""
    arrays[0][...] = np.random.default_rng(1).integers(0, 100000, arrays[0].shape)


def _coins(arrays: list[Array]) -> None:
    """The coins of the euro; there is one way to pay nothing."""
    arrays[0][...] = np.array([1, 2, 5, 10, 20, 50, 100, 200])
    arrays[1][...] = 0
    arrays[1][0] = 1


LOOPS = (
    Loops("longest common subsequence", SUBSEQUENCE, subsequence, ((1024, 1), (1024, 1), TABLE), np.int32),
    Loops("edit distance 1024", EDIT_DISTANCE, edit_distance, ((1024,), (1024,), TABLE), np.int32, 0, _edges),
    Loops("knapsack 256x4096", KNAPSACK, knapsack, ((256,), (256,), (257, 4096)), np.int32),
    Loops("matrix chain order 200", CHAIN_ORDER, chain_order, ((201,), (200, 200)), np.int64, 0, _sizes),
    Loops("rising subsequence 2048", RISING, rising, ((2048,), (2048,)), np.int32, 0, _numbers),
    Loops("coin change 8192", COIN_CHANGE, coin_change, ((8,), (8192,)), np.int32, 0, _coins),
)
