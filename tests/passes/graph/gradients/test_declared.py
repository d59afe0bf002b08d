"""Gradients that a program asks for by declaring them."""

import numpy as np
import pytest

import weft
from tests.passes.graph.harness import passed
from weft.diagnostics import WeftError

CUBE = """
  func.func @main(%x: f64) -> (f64, f64, f64) {
    %y, %d = func.call @slope(%x) : (f64) -> (f64, f64)
    %s, %e = func.call @bend(%x) : (f64) -> (f64, f64)
    func.return %y, %d, %e : f64, f64, f64
  }
  func.func private @bend(f64) -> (f64, f64) attributes {weft.gradient = @slope_only}
  func.func private @slope_only(%x: f64) -> f64 {
    %y, %d = func.call @slope(%x) : (f64) -> (f64, f64)
    func.return %d : f64
  }
  func.func private @slope(f64) -> (f64, f64) attributes {weft.gradient = @cube}
  func.func private @cube(%x: f64) -> f64 {
    %0 = arith.mulf %x, %x : f64
    %1 = arith.mulf %0, %x : f64
    func.return %1 : f64
  }"""


@pytest.mark.parametrize("target", ["cpu", "reference"])
def test_declared_gradients_are_there_when_the_program_runs_also_gradients_of_gradients(target):
    assert weft.compile(CUBE, target)(np.float64(2)) == (8, 12, 12)


def test_options_of_a_declaration():
    text = """
      func.func @main(%x: tensor<2xf64>, %y: tensor<2xf64>, %s: tensor<2xf64>) -> tensor<2xf64> {
        %z, %d = func.call @g(%x, %y, %s)
            : (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
        func.return %d : tensor<2xf64>
      }
      func.func private @g(tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
          attributes {weft.gradient = @f, weft.wrt = array<i64: 1>, weft.seed}
      func.func private @f(%x: tensor<2xf64>, %y: tensor<2xf64>) -> tensor<2xf64> {
        %0 = ml.mul %x, %y : tensor<2xf64>
        func.return %0 : tensor<2xf64>
      }"""
    x, y, s = np.array([1.0, 2]), np.array([3.0, 4]), np.array([5.0, 6])
    np.testing.assert_array_equal(weft.compile(text)(x, y, s), x * s)


def test_what_the_user_compiles_stays_as_it_is():
    module = weft.parse(CUBE)
    before = str(module)
    weft.compile(module, "reference")
    weft.compile(module)
    assert str(module) == before


F = "func.func private @f(%x: f64) -> f64 { func.return %x : f64 }\n"
BAD = [
    ("@h", "", "there is no function @h to differentiate"),
    ("@g", "", "@g is declared as the gradient of itself"),
    ("7", "", "weft.gradient of @g must name a function, as @f, not 7"),
    ("@f", ", weft.wrt = 0", "weft.wrt of @g must be positions of arguments"),
    ("@f", ", weft.wrt = array<i64: 1>", "@f has no argument 1"),
    ("@f", ", weft.seed", "@g is declared as .*, but the gradient is"),
]


@pytest.mark.parametrize("of, more, message", BAD, ids=[message for _, _, message in BAD])
def test_a_declaration_that_cannot_be_met_is_refused(of, more, message):
    text = F + f"func.func private @g(f64) -> (f64, f64) attributes {{weft.gradient = {of}{more}}}"
    with pytest.raises(WeftError, match=message):
        passed(text, "differentiate")


def test_other_declarations_stay():
    text = "func.func private @outside(f64) -> f64"
    assert passed(text, "differentiate").body.block.first_op.is_declaration
