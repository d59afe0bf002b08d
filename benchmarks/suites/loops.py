"""Loops that a user wrote, in affine and scf text on memrefs, beside numba's njit of the same loops."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import Call, aligned, error, in_turns

import weft

Array = np.ndarray
GOAL = 1.0


@dataclass(frozen=True)
class Loops:
    """A program on memrefs, the same loops in Python for numba, and its arrays. The last array is what is compared."""

    name: str
    text: str
    python: Callable[..., None]
    shapes: tuple[tuple[int, ...], ...]
    dtype: type = np.float32
    tolerance: float = 2e-5

    def arrays(self) -> list[Array]:
        """Numbers in [0.1, 1.1), aligned; small integers where the elements are integers."""
        made: list[Array] = []
        for n, shape in enumerate(self.shapes):
            array = aligned(shape, self.dtype)
            rng = np.random.default_rng(n)
            whole = np.issubdtype(self.dtype, np.integer)
            array[...] = rng.integers(0, 4, shape) if whole else rng.random(shape) + 0.1
            made.append(array)
        return made


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


def edit_distance(a: Array, b: Array, d: Array) -> None:
    """The longest common subsequence, by its table."""
    for i in range(1, d.shape[0]):
        for j in range(1, d.shape[1]):
            if a[i - 1, 0] == b[j - 1, 0]:
                d[i, j] = d[i - 1, j - 1] + 1
            else:
                d[i, j] = max(d[i - 1, j], d[i, j - 1])


EDIT_DISTANCE = """
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

SQUARE, LINE = (1024, 1024), (1024,)

LOOPS = (
    Loops("stencil 2d 1024", STENCIL2D, stencil2d, ((1026, 1026), (1026, 1026))),
    Loops("stencil 1d 8192, 128 steps", STENCIL1D, stencil1d, ((8192,), (8192,))),
    Loops("triangular solve 1024", TRIANGULAR, triangular, (SQUARE, LINE, LINE), tolerance=float("inf")),
    Loops("longest common subsequence", EDIT_DISTANCE, edit_distance, ((1024, 1), (1024, 1), (1025, 1025)), np.int32),
    Loops("knapsack 256x4096", KNAPSACK, knapsack, ((256,), (256,), (257, 4096)), np.int32),
    Loops("row norms 1024", ROW_NORMS, row_norms, (SQUARE, LINE)),
    Loops("column max 1024", COLUMN_MAX, column_max, (SQUARE, LINE)),
    Loops("prefix sums 1024", PREFIX_SUMS, prefix_sums, (SQUARE, SQUARE), tolerance=1e-3),
    Loops("product 256 by i, k, j", PRODUCT, product, ((256, 256),) * 3),
    Loops("shortest paths 512, 32 rounds", DISTANCES, distances, ((512, 32), (32, 512), (512, 512))),
)


def run(options: Namespace, threads: int) -> Iterator[dict[str, Any]]:
    """Measure all of them, or those whose names hold a word of `--rows`."""
    import numba

    for loops in LOOPS:
        if options.rows and not any(word in loops.name for word in options.rows):
            continue
        ours, theirs = loops.arrays(), loops.arrays()
        if loops is LOOPS[2]:
            for arrays in (ours, theirs):
                arrays[0][np.diag_indices(1024)] += 512  # a system that is well-behaved
        calls = {
            "weft": call(weft.compile(loops.text, threads=threads), ours),
            "numba": call(numba.njit(fastmath=True, error_model="numpy")(loops.python), theirs),
        }
        wrong = error(calls["weft"].run().astype(np.float64), calls["numba"].run().astype(np.float64))
        assert wrong <= loops.tolerance, (loops.name, wrong)
        timed = in_turns(calls, options.plan, keep=tuple(calls))
        times = {name: t.seconds for name, t in timed.items()}
        ratio = times["weft"] / times["numba"]
        rest = ", ".join(f"{name} {t * 1e6:.1f} us" for name, t in times.items())
        print(
            f"{loops.name:36} ratio {ratio:5.2f}  goal {GOAL} {'ok' if ratio <= GOAL else 'MISS'}  [{rest}]", flush=True
        )
        yield {"name": loops.name, "wanted": "numba", "goal": GOAL, "times": times, "absent": {}}


def call(function: Callable[..., Any], arrays: list[Array]) -> Call:
    """A call of a function on arrays in place."""
    names: dict[str, Any] = {"f": function} | {f"a{n}": a for n, a in enumerate(arrays)}
    return Call(f"f({', '.join(f'a{n}' for n in range(len(arrays)))})", names, lambda: arrays[-1])
