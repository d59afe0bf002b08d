"""Loops over pictures and grids, beside those of `grids`: small integers, conditions, computed places."""

from __future__ import annotations

import numpy as np

from user_loops.base import Array, Loops


def life(a: Array, b: Array) -> None:
    """A step of the game of life."""
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            s = np.int32(0)
            for u in range(-1, 2):
                for v in range(-1, 2):
                    s += np.int32(a[i + u, j + v])
            s -= np.int32(a[i, j])
            b[i, j] = 1 if s == 3 or (s == 2 and a[i, j] == 1) else 0


LIFE = """
func.func @main(%a: memref<514x514xi8>, %b: memref<514x514xi8>) {
  %z = arith.constant 0 : i32
  %two = arith.constant 2 : i32
  %three = arith.constant 3 : i32
  %one8 = arith.constant 1 : i8
  affine.for %i = 1 to 513 { affine.for %j = 1 to 513 {
    %s = affine.for %u = 0 to 3 iter_args(%t = %z) -> (i32) {
      %r = affine.for %v = 0 to 3 iter_args(%q = %t) -> (i32) {
        %x = affine.load %a[%i + %u - 1, %j + %v - 1] : memref<514x514xi8>
        %w = arith.extsi %x : i8 to i32
        %y = arith.addi %q, %w : i32
        affine.yield %y : i32
      }
      affine.yield %r : i32
    }
    %m = affine.load %a[%i, %j] : memref<514x514xi8>
    %mw = arith.extsi %m : i8 to i32
    %n = arith.subi %s, %mw : i32
    %is3 = arith.cmpi eq, %n, %three : i32
    %is2 = arith.cmpi eq, %n, %two : i32
    %on = arith.cmpi eq, %m, %one8 : i8
    %keep = arith.andi %is2, %on : i1
    %live = arith.ori %is3, %keep : i1
    %o = arith.extui %live : i1 to i8
    affine.store %o, %b[%i, %j] : memref<514x514xi8>
  } }
  func.return
}
"""


def resize(a: Array, b: Array) -> None:
    """A picture at other sizes, between the four pixels around each place."""
    for i in range(b.shape[0]):
        y = np.float32(i) * np.float32(0.6)
        y0 = int(y)
        fy = y - np.float32(y0)
        for j in range(b.shape[1]):
            x = np.float32(j) * np.float32(0.6)
            x0 = int(x)
            fx = x - np.float32(x0)
            t = a[y0, x0] + fx * (a[y0, x0 + 1] - a[y0, x0])
            u = a[y0 + 1, x0] + fx * (a[y0 + 1, x0 + 1] - a[y0 + 1, x0])
            b[i, j] = t + fy * (u - t)


RESIZE = """
func.func @main(%a: memref<302x302xf32>, %b: memref<500x500xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 500 : index
  %sc = arith.constant 0.6 : f32
  scf.for %i = %c0 to %n step %c1 {
    %i32 = arith.index_cast %i : index to i32
    %if = arith.sitofp %i32 : i32 to f32
    %y = arith.mulf %if, %sc : f32
    %y0i = arith.fptosi %y : f32 to i32
    %y0f = arith.sitofp %y0i : i32 to f32
    %fy = arith.subf %y, %y0f : f32
    %y0 = arith.index_cast %y0i : i32 to index
    %y1 = arith.addi %y0, %c1 : index
    scf.for %j = %c0 to %n step %c1 {
      %j32 = arith.index_cast %j : index to i32
      %jf = arith.sitofp %j32 : i32 to f32
      %x = arith.mulf %jf, %sc : f32
      %x0i = arith.fptosi %x : f32 to i32
      %x0f = arith.sitofp %x0i : i32 to f32
      %fx = arith.subf %x, %x0f : f32
      %x0 = arith.index_cast %x0i : i32 to index
      %x1 = arith.addi %x0, %c1 : index
      %p = memref.load %a[%y0, %x0] : memref<302x302xf32>
      %q = memref.load %a[%y0, %x1] : memref<302x302xf32>
      %r = memref.load %a[%y1, %x0] : memref<302x302xf32>
      %s = memref.load %a[%y1, %x1] : memref<302x302xf32>
      %0 = arith.subf %q, %p fastmath<reassoc,contract> : f32
      %1 = arith.mulf %fx, %0 fastmath<reassoc,contract> : f32
      %t = arith.addf %p, %1 fastmath<reassoc,contract> : f32
      %2 = arith.subf %s, %r fastmath<reassoc,contract> : f32
      %3 = arith.mulf %fx, %2 fastmath<reassoc,contract> : f32
      %u = arith.addf %r, %3 fastmath<reassoc,contract> : f32
      %4 = arith.subf %u, %t fastmath<reassoc,contract> : f32
      %5 = arith.mulf %fy, %4 fastmath<reassoc,contract> : f32
      %6 = arith.addf %t, %5 fastmath<reassoc,contract> : f32
      memref.store %6, %b[%i, %j] : memref<500x500xf32>
    }
  }
  func.return
}
"""


def convolution(x: Array, w: Array, y: Array) -> None:
    """A convolution, written as six loops."""
    for o in range(y.shape[0]):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                s = np.float32(0)
                for c in range(x.shape[0]):
                    for u in range(3):
                        for v in range(3):
                            s += x[c, i + u, j + v] * w[o, c, u, v]
                y[o, i, j] = s


CONVOLUTION = """
func.func @main(%x: memref<16x34x34xf32>, %w: memref<16x16x3x3xf32>, %y: memref<16x32x32xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %o = 0 to 16 { affine.for %i = 0 to 32 { affine.for %j = 0 to 32 {
    affine.store %zero, %y[%o, %i, %j] : memref<16x32x32xf32>
    affine.for %c = 0 to 16 { affine.for %u = 0 to 3 { affine.for %v = 0 to 3 {
      %0 = affine.load %x[%c, %i + %u, %j + %v] : memref<16x34x34xf32>
      %1 = affine.load %w[%o, %c, %u, %v] : memref<16x16x3x3xf32>
      %2 = affine.load %y[%o, %i, %j] : memref<16x32x32xf32>
      %3 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
      %4 = arith.addf %2, %3 fastmath<reassoc,contract> : f32
      affine.store %4, %y[%o, %i, %j] : memref<16x32x32xf32>
    } } }
  } } }
  func.return
}
"""


def over_relaxation(a: Array, b: Array) -> None:
    """Successive over-relaxation, in place."""
    for _ in range(4):
        for i in range(1, a.shape[0] - 1):
            for j in range(1, a.shape[1] - 1):
                r = np.float64(0.25) * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] + b[i, j]) - a[i, j]
                a[i, j] += np.float64(1.5) * r


OVER_RELAXATION = """
func.func @main(%a: memref<258x258xf64>, %b: memref<258x258xf64>) {
  %q = arith.constant 0.25 : f64
  %w = arith.constant 1.5 : f64
  affine.for %s = 0 to 4 { affine.for %i = 1 to 257 { affine.for %j = 1 to 257 {
    %n = affine.load %a[%i - 1, %j] : memref<258x258xf64>
    %d = affine.load %a[%i + 1, %j] : memref<258x258xf64>
    %l = affine.load %a[%i, %j - 1] : memref<258x258xf64>
    %r = affine.load %a[%i, %j + 1] : memref<258x258xf64>
    %f = affine.load %b[%i, %j] : memref<258x258xf64>
    %c = affine.load %a[%i, %j] : memref<258x258xf64>
    %0 = arith.addf %n, %d fastmath<reassoc,contract> : f64
    %1 = arith.addf %0, %l fastmath<reassoc,contract> : f64
    %2 = arith.addf %1, %r fastmath<reassoc,contract> : f64
    %3 = arith.addf %2, %f fastmath<reassoc,contract> : f64
    %4 = arith.mulf %q, %3 fastmath<reassoc,contract> : f64
    %5 = arith.subf %4, %c fastmath<reassoc,contract> : f64
    %6 = arith.mulf %w, %5 fastmath<reassoc,contract> : f64
    %7 = arith.addf %c, %6 fastmath<reassoc,contract> : f64
    affine.store %7, %a[%i, %j] : memref<258x258xf64>
  } } }
  func.return
}
"""


def transposition(a: Array, b: Array) -> None:
    """Rows become columns."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[j, i] = a[i, j]


TRANSPOSITION = """
func.func @main(%a: memref<1000x700xf32>, %b: memref<700x1000xf32>) {
  affine.for %i = 0 to 1000 { affine.for %j = 0 to 700 {
    %0 = affine.load %a[%i, %j] : memref<1000x700xf32>
    affine.store %0, %b[%j, %i] : memref<700x1000xf32>
  } }
  func.return
}
"""


def _cells(arrays: list[Array]) -> None:
    """Living and dead cells."""
    arrays[0][...] = np.random.default_rng(9).integers(0, 2, arrays[0].shape)


LOOPS = (
    Loops("game of life 512", LIFE, life, ((514, 514), (514, 514)), np.int8, 0, prepare=_cells),
    Loops("bilinear resize 300 to 500", RESIZE, resize, ((302, 302), (500, 500)), np.float32, 0.0001),
    Loops(
        "convolution of six loops",
        CONVOLUTION,
        convolution,
        ((16, 34, 34), (16, 16, 3, 3), (16, 32, 32)),
        np.float32,
        0.0001,
    ),
    Loops("over-relaxation 256 f64", OVER_RELAXATION, over_relaxation, ((258, 258), (258, 258)), np.float64, 1e-10),
    Loops("transposition 1000x700", TRANSPOSITION, transposition, ((1000, 700), (700, 1000)), np.float32, 0),
)
