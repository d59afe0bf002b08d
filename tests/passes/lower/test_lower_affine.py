"""The pass `lower-affine`, by running what it makes."""

import numpy as np
import pytest

from tests.passes.lower.host_programs import build, lower
from weft.diagnostics import WeftError

PASSES = ("lower-affine", "convert-scf-to-cf")


def test_maps_mean_what_affine_arithmetic_means():
    f = build(
        """
        func.func @f(%a: index, %s: index) -> (index, index, index, index, index) {
          %0 = affine.apply affine_map<(d0)[s0] -> (d0 * 3 + s0 - 2)> (%a)[%s]
          %1 = affine.apply affine_map<(d0) -> (d0 mod 4)> (%a)
          %2 = affine.apply affine_map<(d0) -> (d0 floordiv 4)> (%a)
          %3 = affine.apply affine_map<(d0) -> (d0 ceildiv 4)> (%a)
          %4 = affine.min affine_map<(d0)[s0] -> (d0, s0, 5)> (%a)[%s]
          func.return %0, %1, %2, %3, %4 : index, index, index, index, index
        }""",
        passes=PASSES,
    )
    for a in range(-9, 10):
        assert f(a, 2) == (a * 3, a % 4, a // 4, -(-a // 4), min(a, 2, 5))


def test_loops_have_the_bounds_of_their_maps_and_carry_values():
    f = build(
        """
        func.func @f(%n: index, %m: index) -> index {
          %z = arith.constant 0 : index
          %r = affine.for %i = max affine_map<(d0) -> (d0, 1)> (%n) to min affine_map<()[s0] -> (s0, 20)> ()[%m] step 3
              iter_args(%s = %z) -> (index) {
            %t = arith.addi %s, %i : index
            affine.yield %t : index
          }
          func.return %r : index
        }""",
        passes=PASSES,
    )
    for n in (-5, 0, 3):
        for m in (0, 4, 50):
            assert f(n, m) == sum(range(max(n, 1), min(m, 20), 3))


def test_accesses_go_through_their_maps():
    f = build(
        """
        func.func @f(%a: memref<?xf32>, %b: memref<?xf32>, %n: index) {
          affine.for %i = 0 to %n {
            %v = affine.load %a[%i * 2 + %n - 1] : memref<?xf32>
            affine.store %v, %b[%i mod 3] : memref<?xf32>
          }
          func.return
        }""",
        passes=PASSES,
    )
    a, b = np.arange(20, dtype=np.float32), np.zeros(3, np.float32)
    f(a, b, 5)
    np.testing.assert_array_equal(b, [a[2 * 3 + 4], a[2 * 4 + 4], a[2 * 2 + 4]])
    with pytest.raises(WeftError, match="out of bounds"):
        f(a, b, 8)


CONDITION = """
func.func @f(%i: index, %n: index) -> i32 {
  %r = "affine.if"(%i, %n) <{condition = affine_set<(d0)[s0] : (d0 - 1 >= 0, s0 - d0 - 1 >= 0, d0 mod 2 == 0)>}> ({
    %a = arith.constant 1 : i32
    affine.yield %a : i32
  }, {
    %b = arith.constant 2 : i32
    affine.yield %b : i32
  }) : (index, index) -> i32
  func.return %r : i32
}"""


def test_conditions_hold_where_all_of_a_set_does():
    f = build(CONDITION, passes=PASSES)
    for i in range(-3, 8):
        assert f(i, 6) == (1 if 1 <= i < 6 and i % 2 == 0 else 2)


PARALLEL = """
func.func @f(%a: memref<?x3xf32>, %n: index) {
  "affine.parallel"(%n) <{
      lowerBoundsMap = affine_map<() -> (0, 0)>, lowerBoundsGroups = dense<1> : vector<2xi32>,
      upperBoundsMap = affine_map<(d0) -> (d0, 5, 3)>, upperBoundsGroups = dense<[2, 1]> : vector<2xi32>,
      steps = [2 : i64, 1 : i64], reductions = []}> ({
  ^bb0(%i: index, %j: index):
    %v = affine.load %a[%i, %j] : memref<?x3xf32>
    %w = arith.addf %v, %v : f32
    affine.store %w, %a[%i, %j] : memref<?x3xf32>
    affine.yield
  }) : (index) -> ()
  func.return
}"""


def test_parallel_loops_run_in_sequence():
    f = build(PARALLEL, passes=PASSES)
    for n in (0, 1, 4, 9):
        a = np.arange(27, dtype=np.float32).reshape(9, 3)
        want = a.copy()
        want[: min(n, 5) : 2] *= 2
        f(a, n)
        np.testing.assert_array_equal(a, want)


def test_an_unknown_op_is_refused():
    text = """func.func @f(%a: memref<8xf32>, %i: index) {
      %v = affine.vector_load %a[%i] : memref<8xf32>, vector<4xf32>
      func.return }"""
    with pytest.raises(WeftError, match=r"'affine\.vector_load' cannot be lowered"):
        lower(text, PASSES)
