"""Loops over grids and windows: stencils, in place or not, and filters."""

from __future__ import annotations

import numpy as np

from user_loops.base import Array, Loops


def stencil2d(a: Array, b: Array) -> None:
    """One step of Jacobi's method on a plate."""
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            b[i, j] = np.float32(0.25) * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])


STENCIL2D = """
func.func @main(%a: memref<1026x1026xf32>, %b: memref<1026x1026xf32>) {
  %q = arith.constant 0.25 : f32
  affine.for %i = 1 to 1025 {
    affine.for %j = 1 to 1025 {
      %n = affine.load %a[%i - 1, %j] : memref<1026x1026xf32>
      %s = affine.load %a[%i + 1, %j] : memref<1026x1026xf32>
      %w = affine.load %a[%i, %j - 1] : memref<1026x1026xf32>
      %e = affine.load %a[%i, %j + 1] : memref<1026x1026xf32>
      %0 = arith.addf %n, %s : f32
      %1 = arith.addf %0, %w : f32
      %2 = arith.addf %1, %e : f32
      %3 = arith.mulf %q, %2 : f32
      affine.store %3, %b[%i, %j] : memref<1026x1026xf32>
    }
  }
  func.return
}
"""


def stencil1d(a: Array, b: Array) -> None:
    """Heat on a rod, many steps, there and back."""
    for _ in range(64):
        for i in range(1, a.shape[0] - 1):
            b[i] = np.float32(0.5) * a[i] + np.float32(0.25) * (a[i - 1] + a[i + 1])
        for i in range(1, a.shape[0] - 1):
            a[i] = np.float32(0.5) * b[i] + np.float32(0.25) * (b[i - 1] + b[i + 1])


def _half_step(source: str, target: str) -> str:
    return f"""
    affine.for %i{target} = 1 to 8191 {{
      %c{target} = affine.load %{source}[%i{target}] : memref<8192xf32>
      %l{target} = affine.load %{source}[%i{target} - 1] : memref<8192xf32>
      %r{target} = affine.load %{source}[%i{target} + 1] : memref<8192xf32>
      %p{target} = arith.mulf %h, %c{target} : f32
      %s{target} = arith.addf %l{target}, %r{target} : f32
      %t{target} = arith.mulf %q, %s{target} : f32
      %u{target} = arith.addf %p{target}, %t{target} : f32
      affine.store %u{target}, %{target}[%i{target}] : memref<8192xf32>
    }}"""


STENCIL1D = f"""
func.func @main(%a: memref<8192xf32>, %b: memref<8192xf32>) {{
  %h = arith.constant 0.5 : f32
  %q = arith.constant 0.25 : f32
  affine.for %t = 0 to 64 {{{_half_step("a", "b")}{_half_step("b", "a")}
  }}
  func.return
}}
"""


def stencil3d(a: Array, b: Array) -> None:
    """One step of heat in a block, seven points."""
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            for k in range(1, a.shape[2] - 1):
                sides = a[i - 1, j, k] + a[i + 1, j, k] + a[i, j - 1, k] + a[i, j + 1, k]
                sides += a[i, j, k - 1] + a[i, j, k + 1]
                b[i, j, k] = np.float32(0.4) * a[i, j, k] + np.float32(0.1) * sides


STENCIL3D = """
func.func @main(%a: memref<98x98x98xf32>, %b: memref<98x98x98xf32>) {
  %q = arith.constant 0.4 : f32
  %r = arith.constant 0.1 : f32
  affine.for %i = 1 to 97 { affine.for %j = 1 to 97 { affine.for %k = 1 to 97 {
    %c = affine.load %a[%i, %j, %k] : memref<98x98x98xf32>
    %x0 = affine.load %a[%i - 1, %j, %k] : memref<98x98x98xf32>
    %x1 = affine.load %a[%i + 1, %j, %k] : memref<98x98x98xf32>
    %y0 = affine.load %a[%i, %j - 1, %k] : memref<98x98x98xf32>
    %y1 = affine.load %a[%i, %j + 1, %k] : memref<98x98x98xf32>
    %z0 = affine.load %a[%i, %j, %k - 1] : memref<98x98x98xf32>
    %z1 = affine.load %a[%i, %j, %k + 1] : memref<98x98x98xf32>
    %0 = arith.addf %x0, %x1 : f32
    %1 = arith.addf %0, %y0 : f32
    %2 = arith.addf %1, %y1 : f32
    %3 = arith.addf %2, %z0 : f32
    %4 = arith.addf %3, %z1 : f32
    %5 = arith.mulf %r, %4 : f32
    %6 = arith.mulf %q, %c : f32
    %7 = arith.addf %6, %5 : f32
    affine.store %7, %b[%i, %j, %k] : memref<98x98x98xf32>
  } } }
  func.return
}
"""


def gauss_seidel(a: Array) -> None:
    """Relaxation on a plate, in place: each cell sees its new neighbours above and to the left."""
    for _ in range(4):
        for i in range(1, a.shape[0] - 1):
            for j in range(1, a.shape[1] - 1):
                a[i, j] = np.float32(0.2) * (a[i, j] + a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])


GAUSS_SEIDEL = """
func.func @main(%a: memref<514x514xf32>) {
  %q = arith.constant 0.2 : f32
  affine.for %t = 0 to 4 { affine.for %i = 1 to 513 { affine.for %j = 1 to 513 {
    %c = affine.load %a[%i, %j] : memref<514x514xf32>
    %n = affine.load %a[%i - 1, %j] : memref<514x514xf32>
    %s = affine.load %a[%i + 1, %j] : memref<514x514xf32>
    %w = affine.load %a[%i, %j - 1] : memref<514x514xf32>
    %e = affine.load %a[%i, %j + 1] : memref<514x514xf32>
    %0 = arith.addf %c, %n fastmath<reassoc,contract> : f32
    %1 = arith.addf %0, %s fastmath<reassoc,contract> : f32
    %2 = arith.addf %1, %w fastmath<reassoc,contract> : f32
    %3 = arith.addf %2, %e fastmath<reassoc,contract> : f32
    %4 = arith.mulf %q, %3 fastmath<reassoc,contract> : f32
    affine.store %4, %a[%i, %j] : memref<514x514xf32>
  } } }
  func.return
}
"""


def window(a: Array, w: Array, b: Array) -> None:
    """A picture under a window of 5 by 5 weights."""
    for i in range(b.shape[0]):
        for j in range(b.shape[1]):
            s = np.float32(0)
            for u in range(5):
                for v in range(5):
                    s += w[u, v] * a[i + u, j + v]
            b[i, j] = s


WINDOW = """
func.func @main(%a: memref<516x516xf32>, %w: memref<5x5xf32>, %b: memref<512x512xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 512 { affine.for %j = 0 to 512 {
    %s = affine.for %u = 0 to 5 iter_args(%t = %zero) -> (f32) {
      %r = affine.for %v = 0 to 5 iter_args(%q = %t) -> (f32) {
        %x = affine.load %w[%u, %v] : memref<5x5xf32>
        %y = affine.load %a[%i + %u, %j + %v] : memref<516x516xf32>
        %p = arith.mulf %x, %y fastmath<reassoc,contract> : f32
        %z = arith.addf %q, %p fastmath<reassoc,contract> : f32
        affine.yield %z : f32
      }
      affine.yield %r : f32
    }
    affine.store %s, %b[%i, %j] : memref<512x512xf32>
  } }
  func.return
}
"""


def fir(x: Array, h: Array, y: Array) -> None:
    """A filter of 32 taps over a signal."""
    for i in range(y.shape[0]):
        s = np.float32(0)
        for k in range(h.shape[0]):
            s += h[k] * x[i + k]
        y[i] = s


FIR = """
func.func @main(%x: memref<65567xf32>, %h: memref<32xf32>, %y: memref<65536xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 65536 {
    %s = affine.for %k = 0 to 32 iter_args(%t = %zero) -> (f32) {
      %a = affine.load %h[%k] : memref<32xf32>
      %b = affine.load %x[%i + %k] : memref<65567xf32>
      %p = arith.mulf %a, %b fastmath<reassoc,contract> : f32
      %u = arith.addf %t, %p fastmath<reassoc,contract> : f32
      affine.yield %u : f32
    }
    affine.store %s, %y[%i] : memref<65536xf32>
  }
  func.return
}
"""


LOOPS = (
    Loops("stencil 2d 1024", STENCIL2D, stencil2d, ((1026, 1026), (1026, 1026))),
    Loops("stencil 1d 8192, 128 steps", STENCIL1D, stencil1d, ((8192,), (8192,))),
    Loops("stencil 3d 96", STENCIL3D, stencil3d, ((98, 98, 98),) * 2),
    Loops("gauss-seidel 512, 4 sweeps", GAUSS_SEIDEL, gauss_seidel, ((514, 514),)),
    Loops("window 5x5 over 512", WINDOW, window, ((516, 516), (5, 5), (512, 512))),
    Loops("filter 65536 by 32", FIR, fir, ((65567,), (32,), (65536,))),
)
