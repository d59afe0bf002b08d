"""Which loops the default schedule shares out to threads: not only the outermost one, and reductions in parts."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weft
from tests.passes.loops.random_nests import Case, elementwise, product, random_case, reduction
from tests.passes.loops.test_choose_schedule import SMALL, check_default, sizes, words
from weft.dialects.target import Cpu
from weft.passes.loops import row_steps
from weft.passes.loops.plans import common

TWO, FOUR = Cpu(threads=2), Cpu(threads=4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_threads_on_small_nests_keep_what_a_kernel_computes(seed):
    with pytest.MonkeyPatch.context() as patch:
        for module in (common, row_steps):
            patch.setattr(module, "PARALLEL_WORK", 1)
        check_default(random_case(Random(seed)), SMALL, seed)


@pytest.mark.parametrize(
    ("case", "cpu", "loop"),
    [
        (elementwise(sizes(1, 4_000_000, 1)), TWO, "n"),
        (elementwise(sizes(3, 4_000_000, 1)), TWO, "n"),
        (elementwise(sizes(64, 100_000, 1)), TWO, "m"),
        (elementwise(sizes(3, 1_000, 1)), TWO, None),
        (elementwise(sizes(3, 400_000, 1)), TWO, "m"),  # one run of the inner loop is not worth threads
    ],
)
def test_the_outermost_loop_that_keeps_threads_busy_is_shared_out(case, cpu, loop):
    shared = [line.split()[1] for line in words(case, cpu).splitlines() if "parallelize" in line]
    assert shared == ([] if loop is None else [loop])


@pytest.mark.parametrize(
    ("case", "loop"),
    [
        (reduction(sizes(1, 100_000, 60)), "n"),
        (reduction(sizes(3, 2_000, 3_000)), "k"),
        (product(sizes(1, 1, 4_000_000)), "k"),
        (product(sizes(3, 2, 1_000_000)), "k"),
        (product(sizes(16, 16, 1_000_000)), "k"),
    ],
)
def test_reductions_to_few_results_are_done_in_parts(case, loop):
    chosen = words(case, FOUR)
    assert f"over {loop}b as" in chosen and f"parallelize {loop}b" in chosen
    assert "partials" not in words(case, Cpu(threads=1))


def test_reductions_to_many_results_stay_whole():
    for case in (reduction(sizes(64, 1_000, 1_000)), product(sizes(400, 400, 400)), reduction(sizes(1, 10, 10))):
        assert "partials" not in words(case, FOUR)


STEPS = """
func.func @main(%a: memref<2000x1000xf32>, %b: memref<2000x1000xf32>) {
  affine.for %t = 0 to 5 {
    affine.for %i = 1 to 1999 {
      affine.for %j = 1 to 999 {
        %l = affine.load %a[%i, %j - 1] : memref<2000x1000xf32>
        %r = affine.load %a[%i, %j + 1] : memref<2000x1000xf32>
        %u = affine.load %a[%i - 1, %j] : memref<2000x1000xf32>
        %d = affine.load %a[%i + 1, %j] : memref<2000x1000xf32>
        %0 = arith.addf %l, %r : f32
        %1 = arith.addf %u, %d : f32
        %2 = arith.addf %0, %1 : f32
        affine.store %2, %b[%i, %j] : memref<2000x1000xf32>
      }
    }
    affine.for %i = 1 to 1999 {
      affine.for %j = 1 to 999 {
        %x = affine.load %b[%i, %j] : memref<2000x1000xf32>
        affine.store %x, %a[%i, %j] : memref<2000x1000xf32>
      }
    }
  }
  func.return
}
"""


def test_steps_of_time_that_follow_each_other_share_out_the_loops_inside():
    a = np.random.default_rng(0).integers(0, 3, (2000, 1000)).astype(np.float32)
    alone, shared = (a.copy(), np.zeros_like(a)), (a.copy(), np.zeros_like(a))
    weft.compile(STEPS, threads=1)(*alone)
    weft.compile(STEPS, threads=2)(*shared)
    assert np.array_equal(alone[0], shared[0])


CHAIN = """
func.func @kernel(%X: memref<{m}x{n}xf32> {{loop.name = "X"}}) attributes {{loop.kernel}} {{
  loop.for "i" %i to {m} {{
    loop.for "j" %j to {rest} {{
      %x = loop.load %X[%i, %j] : memref<{m}x{n}xf32>
      %y = arith.mulf %x, %x : f32
      loop.store %y, %X[%i, %j + 1] : memref<{m}x{n}xf32>
    }}
  }}
  func.return
}}
"""


def test_what_waits_for_memory_or_for_its_neighbours_is_shared_out_sooner():
    product_of_few = product(sizes(100, 100, 100))  # 10^6 products, 16 us
    sum_of_rows = reduction(sizes(8, 1_000, 150))  # 1.2 * 10^6 elements, read once
    chain_of_few = Case(CHAIN.format(m=600, n=1001, rest=1000), ((600, 1001),))  # 600,000 products, one after another
    assert "parallelize" not in words(product_of_few, FOUR)
    assert "parallelize" in words(sum_of_rows, FOUR)
    assert "parallelize" in words(chain_of_few, FOUR)
