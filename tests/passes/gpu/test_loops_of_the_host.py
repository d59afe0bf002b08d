"""Loops whose iterations go in their order, around nests that do not: the host begins each iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft
from weft.driver.passes import run_pipeline
from weft.passes.pipelines import BUFFERS, KERNELS, TENSORS

STENCIL = """
func.func @main(%a: memref<?x40xf32>, %b: memref<?x40xf32>, %steps: index) {
  %c0 = arith.constant 0 : index
  %rows = memref.dim %a, %c0 : memref<?x40xf32>
  affine.for %t = 0 to %steps {
    affine.for %i = 1 to affine_map<()[n] -> (n - 1)>()[%rows] {
      affine.for %j = 1 to 39 {
        %0 = affine.load %a[%i - 1, %j] : memref<?x40xf32>
        %1 = affine.load %a[%i, %j + 1] : memref<?x40xf32>
        %2 = arith.subf %0, %1 : f32
        affine.store %2, %b[%i, %j] : memref<?x40xf32>
      }
    }
    affine.for %i = 1 to affine_map<()[n] -> (n - 1)>()[%rows] {
      affine.for %j = 1 to 39 {
        %0 = affine.load %b[%i, %j] : memref<?x40xf32>
        affine.store %0, %a[%i, %j] : memref<?x40xf32>
      }
    }
  }
  func.return
}
"""

# the counter is in what is read and written, and bounds the nest inside
TRIANGLE = """
func.func @main(%a: memref<33x70xi32>) {
  affine.for %t = 0 to 32 {
    affine.for %j = affine_map<(t) -> (t)>(%t) to 69 {
      %0 = affine.load %a[%t, %j] : memref<33x70xi32>
      %1 = affine.load %a[%t, %j + 1] : memref<33x70xi32>
      %2 = arith.addi %0, %1 : i32
      affine.store %2, %a[%t + 1, %j] : memref<33x70xi32>
    }
  }
  func.return
}
"""

# two loops of the host: each line of the inner one follows the one before
TWO = """
func.func @main(%a: memref<9x100xf64>, %b: memref<9x100xf64>) {
  affine.for %t = 0 to 3 {
    affine.for %i = 1 to 9 {
      affine.for %j = 0 to 100 {
        %0 = affine.load %b[%i - 1, 99 - %j] : memref<9x100xf64>
        %1 = affine.load %a[%i, %j] : memref<9x100xf64>
        %2 = arith.addf %0, %1 : f64
        affine.store %2, %b[%i, %j] : memref<9x100xf64>
      }
    }
    affine.for %i = 0 to 9 {
      affine.for %j = 0 to 100 {
        %0 = affine.load %b[%i, %j] : memref<9x100xf64>
        affine.store %0, %a[%i, 99 - %j] : memref<9x100xf64>
      }
    }
  }
  func.return
}
"""


def _stencil(a: Any, b: Any, steps: int) -> None:
    for _ in range(steps):
        b[1:-1, 1:-1] = a[:-2, 1:-1] - a[1:-1, 2:]
        a[1:-1, 1:-1] = b[1:-1, 1:-1]


def _triangle(a: Any) -> None:
    for t in range(32):
        a[t + 1, t:69] = a[t, t:69] + a[t, t + 1 :]


def _two(a: Any, b: Any) -> None:
    for _ in range(3):
        for i in range(1, 9):
            b[i] = b[i - 1, ::-1] + a[i]
        a[:] = b[:, ::-1]


def _schedule(program: str) -> str:
    module = weft.parse(program)
    names = (*TENSORS, *KERNELS, *BUFFERS, "choose-gpu-schedule")
    run_pipeline(module, f"builtin.module({','.join(names)})", verify_each=True)
    return " ".join(str(module).split())


def test_the_host_runs_what_must_go_in_order():
    assert "map i to host, map j to host, map k to grid 256, map l to grid 256" in _schedule(TWO)
    assert "map i to host, map j to grid 256 >" in _schedule(TRIANGLE)


def test_few_iterations_stay_in_one_thread():
    few = TRIANGLE.replace("69", "40").replace("to 32", "to 16").replace("33x70", "33x41")
    assert "host" not in _schedule(few)


def test_a_loop_inside_of_one_that_launches_nothing_is_refused():
    schedules = '{loop.schedules = {"main_loops_0" = #loop.schedule<map j to host>}}'
    wrong = f"builtin.module attributes {schedules} {{\n{TWO}}}"
    with pytest.raises(weft.WeftError, match="'j' stands in the loop 'i', which launches nothing"):
        weft.compile(wrong, target="gpu-sim")


def _random(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(-9, 9, shape).astype(dtype)


@pytest.mark.parametrize(
    ("program", "numpy", "arguments"),
    [
        (STENCIL, _stencil, lambda: [_random(37, 40), _random(37, 40), 3]),
        (STENCIL, _stencil, lambda: [_random(37, 40), _random(37, 40), 0]),
        (STENCIL, _stencil, lambda: [_random(2, 40), _random(2, 40), 2]),
        (TRIANGLE, _triangle, lambda: [_random(33, 70, dtype=np.int32)]),
        (TWO, _two, lambda: [_random(9, 100, dtype=np.float64), _random(9, 100, dtype=np.float64)]),
    ],
)
def test_each_iteration_launches_what_is_inside(program: str, numpy: Any, arguments: Any):
    compiled = weft.compile(program, target="gpu-sim:check")
    given, wanted = arguments(), arguments()
    compiled(*given)
    numpy(*wanted)
    for one, other in zip(given, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
