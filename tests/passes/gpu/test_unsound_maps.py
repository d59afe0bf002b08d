"""Loops mapped to a GPU by hand: what cannot mean what the loops mean is refused at its place, with the reason."""

import numpy as np
import pytest

import weft
from weft.diagnostics import WeftError

RUNNING = """func.func @main(%y: memref<4x8xf32>) {
  affine.for %i = 0 to 4 {
    affine.for %k = 1 to 8 {
      %a = affine.load %y[%i, %k - 1] : memref<4x8xf32>
      %b = affine.load %y[%i, %k] : memref<4x8xf32>
      %c = arith.addf %a, %b : f32
      affine.store %c, %y[%i, %k] : memref<4x8xf32>
    }
  }
  func.return
}"""
BESIDE = """func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
  affine.for %i = 0 to 4 {
    affine.for %k = 0 to 8 {
      %a = affine.load %x[%i, %k] : memref<4x8xf32>
      %b = arith.addf %a, %a : f32
      affine.store %b, %x[%i, %k] : memref<4x8xf32>
    }
    affine.for %j = 1 to 8 {
      %a = affine.load %y[%i, %j - 1] : memref<4x8xf32>
      %b = affine.load %y[%i, %j] : memref<4x8xf32>
      %c = arith.addf %a, %b : f32
      affine.store %c, %y[%i, %j] : memref<4x8xf32>
    }
  }
  func.return
}"""
LONE = """func.func @k(%x: memref<4xf32> {{loop.name = "x"}}, %y: memref<4xf32> {{loop.name = "y"}})
    attributes {{loop.kernel}} {{
  loop.for "i" %i to 4 {0} {{
    loop.for "t" %t to {1} thread {{
      %a = loop.load %x[%i] : memref<4xf32>
      loop.reduce add %a into %y[%i] : memref<4xf32>
    }}
  }}
  func.return
}}"""
STRAIGHT = """func.func @main(%y: memref<3xf32>) {
  affine.for %i = 0 to 3 {
    %a = affine.load %y[%i] : memref<3xf32>
    %b = arith.addf %a, %a : f32
    affine.store %b, %y[%i] : memref<3xf32>
  }
  func.return
}"""

COPY = """func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
  affine.for %i = 0 to 8 {
    %a = affine.load %x[%i] : memref<8xf32>
    affine.store %a, %y[%i] : memref<8xf32>
  }
  func.return
}"""


def compiled(text, steps, target="gpu-sim:check"):
    schedule = f'builtin.module attributes {{loop.schedules = {{"main_loops_0" = #loop.schedule<{steps}>}}}} {{}}\n'
    return weft.compile(text, target=target, schedule=schedule)


@pytest.mark.parametrize(
    ("text", "steps", "line"),
    [
        (RUNNING, "map i to warp", 7),
        (RUNNING, "tile i 2 into (a, b), map a to block, map b to warp", 7),
        (BESIDE, "map j to thread", 12),
        (BESIDE, "map i to block, map j to thread", 12),
        (BESIDE, "map j to warp", 6),
        (STRAIGHT, "map i to warp", 5),
    ],
)
def test_an_update_in_place_that_many_threads_would_do_is_refused(text, steps, line):
    with pytest.raises(WeftError, match="is updated in place where several threads of the block") as error:
        compiled(text, steps)
    assert error.value.where.line == line
    assert "to 'thread'" in error.value.hint


@pytest.mark.parametrize(
    "steps", ["map i to thread", "map i to block", "tile i 2 into (a, b), map a to block, map b to thread"]
)
def test_an_update_in_place_that_one_thread_does_is_taken(steps):
    y = np.ones((4, 8), np.float32)
    compiled(RUNNING, steps)(y)
    assert (y == np.arange(1, 9)).all()


def test_a_reduction_into_what_is_there_by_a_lone_thread_of_a_warp_is_refused():
    with pytest.raises(WeftError, match="'y' is updated in place"):
        weft.compile(LONE.format("block", 1), target="gpu-sim", pipeline="builtin.module(convert-loop-to-gpu)")


@pytest.mark.parametrize(
    ("text", "steps", "message"),
    [
        (BESIDE, "map j to block", "'j' cannot be mapped to 'block' here: .* should stand outside of all loops"),
        (COPY, "stage x at i as xs in shared, map i to grid 32", "'xs' cannot be in 'shared' here: .* 'grid'"),
        (BESIDE, "map i to grid, map j to thread", "'j' cannot be mapped to 'thread' here: .* mapped to 'grid'"),
    ],
)
def test_a_mapped_loop_in_a_place_that_has_no_id_is_refused_with_the_reason(text, steps, message):
    with pytest.raises(WeftError, match=message) as error:
        compiled(text, steps)
    assert "CPU" not in str(error.value)


def test_the_target_gpu_is_taken_for_a_gpu():
    with pytest.raises(WeftError, match="unknown target 'gpu'") as error:
        compiled(RUNNING, "", "gpu")
    assert "'gpu-sim'" in error.value.hint and "'cuda'" in error.value.hint
