"""Loops, branches and calls."""

import numpy as np
import pytest

from tests.passes.graph.gradients.finite import check

RNG = np.random.default_rng(11)

RECURRENCE = """
  func.func @main(%x: tensor<{n}xf64>, %w: tensor<{n}x{n}xf64>, %steps: i64) -> tensor<{n}xf64> {{
    %lo = arith.constant {low} : {index}
    %step = arith.constant {step} : {index}
    {high}
    %y = scf.for %i = %lo to %hi step %step iter_args(%h = %x) -> (tensor<{n}xf64>) {bound} {{
      %0 = ml.dot_general %w, %h, contract = [1] x [0] : (tensor<{n}x{n}xf64>, tensor<{n}xf64>) -> tensor<{n}xf64>
      %1 = ml.tanh %0 : tensor<{n}xf64>
      %2 = ml.mul %1, %h : tensor<{n}xf64>
      scf.yield %2 : tensor<{n}xf64>
    }}
    func.return %y : tensor<{n}xf64>
  }}"""

INDEX = "%hi = arith.index_cast %steps : i64 to index"
BOUNDS = {
    "plain": {"low": 0, "step": 1, "index": "index", "high": INDEX},
    "strided": {"low": -3, "step": 2, "index": "index", "high": INDEX},
    "static": {"low": 1, "step": 3, "index": "index", "high": "%hi = arith.constant 8 : index"},
    "i32": {"low": 1, "step": 2, "index": "i32", "high": "%hi = arith.trunci %steps : i64 to i32"},
}


@pytest.mark.parametrize("n", ["3", "?"])
@pytest.mark.parametrize("steps", [0, 1, 4])
@pytest.mark.parametrize("bounds", BOUNDS)
def test_a_loop_runs_backwards(bounds, steps, n):
    options = BOUNDS[bounds]
    text = RECURRENCE.format(n=n, bound=": i32" if options["index"] == "i32" else "", **options)
    check(text, RNG.normal(size=3), RNG.normal(size=(3, 3)), np.int64(steps), times=2)


def test_a_loop_carries_several_values_and_scalars_and_sizes():
    check(
        """
      func.func @main(%x: tensor<2xf64>, %s: f64, %unused: tensor<2xf64>) -> (tensor<2xf64>, f64, i32) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c5 = arith.constant 5 : index
        %half = arith.constant 0.5 : f64
        %one = arith.constant 1 : i32
        %y, %z, %k, %n, %u = scf.for %i = %c0 to %c5 step %c1
            iter_args(%a = %x, %b = %s, %m = %one, %j = %c0, %v = %unused)
            -> (tensor<2xf64>, f64, i32, index, tensor<2xf64>) {
          %0 = tensor.splat %b : tensor<2xf64>
          %1 = ml.mul %0, %a : tensor<2xf64>
          %2 = ml.sin %1 : tensor<2xf64>
          %r = arith.remui %j, %c1 : index
          %e = tensor.extract %a[%r] : tensor<2xf64>
          %f = arith.sitofp %m : i32 to f64
          %g = arith.divf %e, %f : f64
          %h = arith.mulf %g, %half : f64
          %m2 = arith.addi %m, %one : i32
          %j2 = arith.addi %j, %c1 : index
          %w = ml.exp %v : tensor<2xf64>
          scf.yield %2, %h, %m2, %j2, %w : tensor<2xf64>, f64, i32, index, tensor<2xf64>
        }
        func.return %y, %z, %k : tensor<2xf64>, f64, i32
      }""",
        RNG.normal(size=2),
        np.float64(0.7),
        RNG.normal(size=2),
        times=2,
    )


def test_loops_in_loops_and_branches_in_loops():
    check(
        """
      func.func @main(%x: tensor<3xf64>, %w: tensor<3xf64>) -> tensor<f64> {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c2 = arith.constant 2 : index
        %c3 = arith.constant 3 : index
        %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x) -> (tensor<3xf64>) {
          %odd = arith.remui %i, %c2 : index
          %is = arith.cmpi eq, %odd, %c1 : index
          %b = scf.if %is -> (tensor<3xf64>) {
            %0 = ml.mul %a, %w : tensor<3xf64>
            scf.yield %0 : tensor<3xf64>
          } else {
            %1 = scf.for %j = %c0 to %i step %c1 iter_args(%c = %a) -> (tensor<3xf64>) {
              %2 = ml.mul %c, %w : tensor<3xf64>
              %3 = ml.sin %2 : tensor<3xf64>
              scf.yield %3 : tensor<3xf64>
            }
            scf.yield %1 : tensor<3xf64>
          }
          scf.yield %b : tensor<3xf64>
        }
        %z = ml.reduce add %y : tensor<3xf64> to tensor<f64>
        func.return %z : tensor<f64>
      }""",
        RNG.normal(size=3),
        RNG.normal(size=3),
        times=2,
    )


@pytest.mark.parametrize("case", range(4))
def test_a_switch_and_a_branch_give_what_they_were_given(case):
    check(
        """
      func.func @main(%x: tensor<?xf64>, %y: tensor<?xf64>, %k: i64) -> tensor<?xf64> {
        %c = arith.index_cast %k : i64 to index
        %z = scf.index_switch %c -> tensor<?xf64>
        case 0 {
          scf.yield %x : tensor<?xf64>
        }
        case 2 {
          %0 = ml.mul %x, %y : tensor<?xf64>
          scf.yield %0 : tensor<?xf64>
        }
        default {
          %1 = ml.exp %y : tensor<?xf64>
          scf.yield %1 : tensor<?xf64>
        }
        %one = arith.constant 1 : i64
        %is = arith.cmpi sgt, %k, %one : i64
        %r = scf.if %is -> (tensor<?xf64>) {
          %2 = ml.mul %z, %x : tensor<?xf64>
          scf.yield %2 : tensor<?xf64>
        } else {
          scf.yield %z : tensor<?xf64>
        }
        func.return %r : tensor<?xf64>
      }""",
        RNG.normal(size=4),
        RNG.normal(size=4),
        np.int64(case),
        times=2,
    )


def test_calls_are_followed():
    check(
        """
      func.func @main(%x: tensor<3xf64>) -> tensor<3xf64> {
        %0 = func.call @twice(%x) : (tensor<3xf64>) -> tensor<3xf64>
        %1 = func.call @wave(%0) : (tensor<3xf64>) -> tensor<3xf64>
        func.return %1 : tensor<3xf64>
      }
      func.func private @twice(%x: tensor<3xf64>) -> tensor<3xf64> {
        %0 = func.call @wave(%x) : (tensor<3xf64>) -> tensor<3xf64>
        %1 = func.call @wave(%0) : (tensor<3xf64>) -> tensor<3xf64>
        func.return %1 : tensor<3xf64>
      }
      func.func private @wave(%x: tensor<3xf64>) -> tensor<3xf64> {
        %0 = ml.sin %x : tensor<3xf64>
        func.return %0 : tensor<3xf64>
      }""",
        RNG.normal(size=3),
        times=2,
    )


def test_a_loop_without_gradient_stays_as_it_is():
    check(
        """
      func.func @main(%x: tensor<2xf64>, %n: i64) -> tensor<2xf64> {
        %c0 = arith.constant 0 : i64
        %c1 = arith.constant 1 : i64
        %0 = scf.for %i = %c0 to %n step %c1 iter_args(%k = %c1) -> (i64) : i64 {
          %1 = arith.muli %k, %n : i64
          scf.yield %1 : i64
        }
        %2 = arith.sitofp %0 : i64 to f64
        %3 = tensor.splat %2 : tensor<2xf64>
        %4 = ml.mul %3, %x : tensor<2xf64>
        func.return %4 : tensor<2xf64>
      }""",
        RNG.normal(size=2),
        np.int64(3),
        times=2,
    )
