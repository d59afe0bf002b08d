"""Loops along sequences: running sums, searches, counts, and sums over bodies."""

from __future__ import annotations

import numpy as np

from user_loops.base import Array, Loops


def prefix_sums(a: Array, b: Array) -> None:
    """Running sums of each row, in order."""
    for i in range(a.shape[0]):
        s = np.float32(0)
        for j in range(a.shape[1]):
            s += a[i, j]
            b[i, j] = s


PREFIX_SUMS = """
func.func @main(%a: memref<1024x1024xf32>, %b: memref<1024x1024xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 1024 {
    %s = affine.for %j = 0 to 1024 iter_args(%t = %zero) -> (f32) {
      %x = affine.load %a[%i, %j] : memref<1024x1024xf32>
      %u = arith.addf %t, %x : f32
      affine.store %u, %b[%i, %j] : memref<1024x1024xf32>
      affine.yield %u : f32
    }
  }
  func.return
}
"""


def tridiagonal(a: Array, b: Array, c: Array, d: Array, x: Array) -> None:
    """Thomas's algorithm: down, and up again."""
    n = x.shape[0]
    c[0] = c[0] / b[0]
    d[0] = d[0] / b[0]
    for i in range(1, n):
        w = b[i] - a[i] * c[i - 1]
        c[i] = c[i] / w
        d[i] = (d[i] - a[i] * d[i - 1]) / w
    x[n - 1] = d[n - 1]
    for k in range(n - 1):
        x[n - 2 - k] = d[n - 2 - k] - c[n - 2 - k] * x[n - 1 - k]


TRIDIAGONAL = """
func.func @main(%a: memref<4096xf32>, %b: memref<4096xf32>, %c: memref<4096xf32>, %d: memref<4096xf32>,
    %x: memref<4096xf32>) {
  %c0 = affine.load %c[0] : memref<4096xf32>
  %b0 = affine.load %b[0] : memref<4096xf32>
  %d0 = affine.load %d[0] : memref<4096xf32>
  %q0 = arith.divf %c0, %b0 : f32
  %q1 = arith.divf %d0, %b0 : f32
  affine.store %q0, %c[0] : memref<4096xf32>
  affine.store %q1, %d[0] : memref<4096xf32>
  affine.for %i = 1 to 4096 {
    %ai = affine.load %a[%i] : memref<4096xf32>
    %bi = affine.load %b[%i] : memref<4096xf32>
    %cp = affine.load %c[%i - 1] : memref<4096xf32>
    %p = arith.mulf %ai, %cp : f32
    %w = arith.subf %bi, %p : f32
    %ci = affine.load %c[%i] : memref<4096xf32>
    %cn = arith.divf %ci, %w : f32
    affine.store %cn, %c[%i] : memref<4096xf32>
    %di = affine.load %d[%i] : memref<4096xf32>
    %dp = affine.load %d[%i - 1] : memref<4096xf32>
    %r = arith.mulf %ai, %dp : f32
    %s = arith.subf %di, %r : f32
    %dn = arith.divf %s, %w : f32
    affine.store %dn, %d[%i] : memref<4096xf32>
  }
  %l = affine.load %d[4095] : memref<4096xf32>
  affine.store %l, %x[4095] : memref<4096xf32>
  affine.for %k = 0 to 4095 {
    %dk = affine.load %d[4094 - %k] : memref<4096xf32>
    %ck = affine.load %c[4094 - %k] : memref<4096xf32>
    %xk = affine.load %x[4095 - %k] : memref<4096xf32>
    %p = arith.mulf %ck, %xk : f32
    %v = arith.subf %dk, %p : f32
    affine.store %v, %x[4094 - %k] : memref<4096xf32>
  }
  func.return
}
"""


def argmin(a: Array, out: Array) -> None:
    """Where each row is least."""
    for i in range(a.shape[0]):
        best, at = a[i, 0], np.int32(0)
        for j in range(1, a.shape[1]):
            if a[i, j] < best:
                best, at = a[i, j], np.int32(j)
        out[i] = at


ARGMIN = """
func.func @main(%a: memref<512x512xf32>, %out: memref<512xi32>) {
  %z = arith.constant 0 : i32
  affine.for %i = 0 to 512 {
    %b0 = affine.load %a[%i, 0] : memref<512x512xf32>
    %r:2 = affine.for %j = 1 to 512 iter_args(%best = %b0, %at = %z) -> (f32, i32) {
      %x = affine.load %a[%i, %j] : memref<512x512xf32>
      %less = arith.cmpf olt, %x, %best : f32
      %k = arith.index_cast %j : index to i32
      %v = arith.select %less, %x, %best : f32
      %n = arith.select %less, %k, %at : i32
      affine.yield %v, %n : f32, i32
    }
    affine.store %r#1, %out[%i] : memref<512xi32>
  }
  func.return
}
"""


def n_body(p: Array, m: Array, acc: Array) -> None:
    """Accelerations of bodies that attract each other."""
    for i in range(p.shape[0]):
        ax, ay, az = np.float32(0), np.float32(0), np.float32(0)
        for j in range(p.shape[0]):
            dx, dy, dz = p[j, 0] - p[i, 0], p[j, 1] - p[i, 1], p[j, 2] - p[i, 2]
            r2 = dx * dx + dy * dy + dz * dz + np.float32(0.01)
            w = m[j] / (r2 * np.sqrt(r2))
            ax += w * dx
            ay += w * dy
            az += w * dz
        acc[i, 0] = ax
        acc[i, 1] = ay
        acc[i, 2] = az


N_BODY = """
func.func @main(%p: memref<500x3xf32>, %m: memref<500xf32>, %acc: memref<500x3xf32>) {
  %zero = arith.constant 0.0 : f32
  %eps = arith.constant 0.01 : f32
  affine.for %i = 0 to 500 {
    %xi = affine.load %p[%i, 0] : memref<500x3xf32>
    %yi = affine.load %p[%i, 1] : memref<500x3xf32>
    %zi = affine.load %p[%i, 2] : memref<500x3xf32>
    %s:3 = affine.for %j = 0 to 500 iter_args(%ax = %zero, %ay = %zero, %az = %zero) -> (f32, f32, f32) {
      %xj = affine.load %p[%j, 0] : memref<500x3xf32>
      %yj = affine.load %p[%j, 1] : memref<500x3xf32>
      %zj = affine.load %p[%j, 2] : memref<500x3xf32>
      %dx = arith.subf %xj, %xi fastmath<reassoc,contract> : f32
      %dy = arith.subf %yj, %yi fastmath<reassoc,contract> : f32
      %dz = arith.subf %zj, %zi fastmath<reassoc,contract> : f32
      %xx = arith.mulf %dx, %dx fastmath<reassoc,contract> : f32
      %yy = arith.mulf %dy, %dy fastmath<reassoc,contract> : f32
      %zz = arith.mulf %dz, %dz fastmath<reassoc,contract> : f32
      %r0 = arith.addf %xx, %yy fastmath<reassoc,contract> : f32
      %r1 = arith.addf %r0, %zz fastmath<reassoc,contract> : f32
      %r2 = arith.addf %r1, %eps fastmath<reassoc,contract> : f32
      %q = math.sqrt %r2 : f32
      %r3 = arith.mulf %r2, %q fastmath<reassoc,contract> : f32
      %mj = affine.load %m[%j] : memref<500xf32>
      %w = arith.divf %mj, %r3 fastmath<reassoc,contract> : f32
      %wx = arith.mulf %w, %dx fastmath<reassoc,contract> : f32
      %wy = arith.mulf %w, %dy fastmath<reassoc,contract> : f32
      %wz = arith.mulf %w, %dz fastmath<reassoc,contract> : f32
      %nx = arith.addf %ax, %wx fastmath<reassoc,contract> : f32
      %ny = arith.addf %ay, %wy fastmath<reassoc,contract> : f32
      %nz = arith.addf %az, %wz fastmath<reassoc,contract> : f32
      affine.yield %nx, %ny, %nz : f32, f32, f32
    }
    affine.store %s#0, %acc[%i, 0] : memref<500x3xf32>
    affine.store %s#1, %acc[%i, 1] : memref<500x3xf32>
    affine.store %s#2, %acc[%i, 2] : memref<500x3xf32>
  }
  func.return
}
"""


def histogram(a: Array, h: Array) -> None:
    """How often each number occurs."""
    for i in range(a.shape[0]):
        h[a[i]] += 1


HISTOGRAM = """
func.func @main(%a: memref<65536xi32>, %h: memref<256xi32>) {
  %one = arith.constant 1 : i32
  affine.for %i = 0 to 65536 {
    %x = affine.load %a[%i] : memref<65536xi32>
    %k = arith.index_cast %x : i32 to index
    %0 = memref.load %h[%k] : memref<256xi32>
    %1 = arith.addi %0, %one : i32
    memref.store %1, %h[%k] : memref<256xi32>
  }
  func.return
}
"""


def run_lengths(a: Array, out: Array) -> None:
    """Where runs of equal numbers end."""
    n = 0
    for i in range(1, a.shape[0]):
        if a[i] != a[i - 1]:
            out[n] = i
            n += 1
    out[n] = a.shape[0]


RUN_LENGTHS = """
func.func @main(%a: memref<65536xi32>, %out: memref<65536xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 65536 : index
  %last = arith.constant 65536 : i32
  %e = scf.for %i = %c1 to %n step %c1 iter_args(%k = %c0) -> (index) {
    %i1 = arith.subi %i, %c1 : index
    %x = memref.load %a[%i] : memref<65536xi32>
    %y = memref.load %a[%i1] : memref<65536xi32>
    %new = arith.cmpi ne, %x, %y : i32
    %r = scf.if %new -> (index) {
      %v = arith.index_cast %i : index to i32
      memref.store %v, %out[%k] : memref<65536xi32>
      %k1 = arith.addi %k, %c1 : index
      scf.yield %k1 : index
    } else {
      scf.yield %k : index
    }
    scf.yield %r : index
  }
  memref.store %last, %out[%e] : memref<65536xi32>
  func.return
}
"""


def sieve(s: Array) -> None:
    """The sieve of Eratosthenes."""
    n = s.shape[0]
    for i in range(n):
        s[i] = 1
    for p in range(2, 256):
        if s[p] != 0:
            for m in range(p * p, n, p):
                s[m] = 0


SIEVE = """
func.func @main(%s: memref<65536xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c256 = arith.constant 256 : index
  %n = arith.constant 65536 : index
  %zero = arith.constant 0 : i8
  %one = arith.constant 1 : i8
  scf.for %i = %c0 to %n step %c1 { memref.store %one, %s[%i] : memref<65536xi8> }
  scf.for %p = %c2 to %c256 step %c1 {
    %v = memref.load %s[%p] : memref<65536xi8>
    %prime = arith.cmpi ne, %v, %zero : i8
    scf.if %prime {
      %pp = arith.muli %p, %p : index
      scf.for %m = %pp to %n step %p { memref.store %zero, %s[%m] : memref<65536xi8> }
    }
  }
  func.return
}
"""


def mandelbrot(out: Array) -> None:
    """How fast points escape; a loop whose end only its values know."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            cr = np.float32(-2.0) + np.float32(j) * np.float32(0.0234375)
            ci = np.float32(-1.5) + np.float32(i) * np.float32(0.0234375)
            zr, zi, n = np.float32(0), np.float32(0), np.int32(0)
            while n < 100 and zr * zr + zi * zi <= np.float32(4):
                zr, zi = zr * zr - zi * zi + cr, np.float32(2) * zr * zi + ci
                n += np.int32(1)
            out[i, j] = n


MANDELBROT = """
func.func @main(%out: memref<128x128xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %left = arith.constant -2.0 : f32
  %top = arith.constant -1.5 : f32
  %step = arith.constant 0.0234375 : f32
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %four = arith.constant 4.0 : f32
  %n0 = arith.constant 0 : i32
  %n1 = arith.constant 1 : i32
  %most = arith.constant 100 : i32
  scf.for %i = %c0 to %c128 step %c1 { scf.for %j = %c0 to %c128 step %c1 {
    %i32 = arith.index_cast %i : index to i32
    %j32 = arith.index_cast %j : index to i32
    %y = arith.sitofp %i32 : i32 to f32
    %x = arith.sitofp %j32 : i32 to f32
    %cx = arith.mulf %x, %step fastmath<reassoc,contract> : f32
    %cr = arith.addf %left, %cx fastmath<reassoc,contract> : f32
    %cy = arith.mulf %y, %step fastmath<reassoc,contract> : f32
    %ci = arith.addf %top, %cy fastmath<reassoc,contract> : f32
    %r:3 = scf.while (%zr = %zero, %zi = %zero, %n = %n0) : (f32, f32, i32) -> (f32, f32, i32) {
      %a = arith.mulf %zr, %zr fastmath<reassoc,contract> : f32
      %b = arith.mulf %zi, %zi fastmath<reassoc,contract> : f32
      %m = arith.addf %a, %b fastmath<reassoc,contract> : f32
      %in = arith.cmpf ole, %m, %four : f32
      %more = arith.cmpi slt, %n, %most : i32
      %go = arith.andi %in, %more : i1
      scf.condition(%go) %zr, %zi, %n : f32, f32, i32
    } do {
    ^bb0(%zr: f32, %zi: f32, %n: i32):
      %a = arith.mulf %zr, %zr fastmath<reassoc,contract> : f32
      %b = arith.mulf %zi, %zi fastmath<reassoc,contract> : f32
      %d = arith.subf %a, %b fastmath<reassoc,contract> : f32
      %t = arith.addf %d, %cr fastmath<reassoc,contract> : f32
      %p = arith.mulf %two, %zr fastmath<reassoc,contract> : f32
      %q = arith.mulf %p, %zi fastmath<reassoc,contract> : f32
      %u = arith.addf %q, %ci fastmath<reassoc,contract> : f32
      %k = arith.addi %n, %n1 : i32
      scf.yield %t, %u, %k : f32, f32, i32
    }
    memref.store %r#2, %out[%i, %j] : memref<128x128xi32>
  } }
  func.return
}
"""


def _heavy(arrays: list[Array]) -> None:
    """A system that is well-behaved."""
    arrays[1][...] += 4


def _bytes(arrays: list[Array]) -> None:
    """Numbers below 256, and no counts yet."""
    arrays[0][...] = np.random.default_rng(1).integers(0, 256, arrays[0].shape)
    arrays[1][...] = 0


def _runs(arrays: list[Array]) -> None:
    """Runs of 8 and more."""
    arrays[0][...] = np.repeat(np.random.default_rng(1).integers(0, 4, arrays[0].size // 8), 8)
    arrays[1][...] = 0


LOOPS = (
    Loops("prefix sums 1024", PREFIX_SUMS, prefix_sums, ((1024, 1024),) * 2, tolerance=1e-3),
    Loops("tridiagonal solve 4096", TRIDIAGONAL, tridiagonal, ((4096,),) * 5, prepare=_heavy),
    Loops("least of rows 512", ARGMIN, argmin, ((512, 512), (512,)), (np.float32, np.int32)),
    Loops("bodies 500", N_BODY, n_body, ((500, 3), (500,), (500, 3)), tolerance=1e-4),
    Loops("histogram 65536", HISTOGRAM, histogram, ((65536,), (256,)), np.int32, 0, _bytes),
    Loops("run lengths 65536", RUN_LENGTHS, run_lengths, ((65536,), (65536,)), np.int32, 0, _runs),
    Loops("sieve 65536", SIEVE, sieve, ((65536,),), np.int8, 0),
    Loops("mandelbrot 128", MANDELBROT, mandelbrot, ((128, 128),), np.int32, 0.05),
)
