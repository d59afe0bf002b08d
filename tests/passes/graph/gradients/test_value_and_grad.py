"""The gradient of a function in Python."""

import numpy as np
import pytest

import weft
from weft.diagnostics import WeftError

TEXT = """
func.func @loss(%x: tensor<?xf32>, %w: tensor<?xf32>) -> tensor<f32> {
  %0 = ml.mul %x, %w : tensor<?xf32>
  %1 = ml.reduce add %0 : tensor<?xf32> to tensor<f32>
  func.return %1 : tensor<f32>
}
"""
X, W = np.array([1, 2, 3], np.float32), np.array([4, 5, 6], np.float32)


@pytest.mark.parametrize("target", ["cpu", "reference"])
def test_the_results_come_first_then_the_gradients(target):
    value, dx, dw = weft.value_and_grad(TEXT, target=target)(X, W)
    assert value == 32
    np.testing.assert_array_equal(dx, W)
    np.testing.assert_array_equal(dw, X)


def test_some_arguments_of_a_function_of_a_file_or_module(tmp_path):
    path = tmp_path / "loss.mlir"
    path.write_text(TEXT)
    for program in (path, weft.parse(TEXT)):
        value, dw = weft.value_and_grad(program, "loss", wrt=[1])(X, W)
        assert value == 32
        np.testing.assert_array_equal(dw, X)


def test_a_module_stays_as_it_is():
    module = weft.parse(TEXT)
    before = str(module)
    weft.value_and_grad(module)
    assert str(module) == before


def test_errors_have_the_line_of_the_program():
    text = TEXT.replace("ml.mul %x, %w : tensor<?xf32>", "bufferization.alloc_tensor() copy(%x) : tensor<?xf32>")
    with pytest.raises(WeftError, match=r"bufferization.alloc_tensor has no gradient") as error:
        weft.value_and_grad(text)
    assert error.value.where.line == 3
    assert "copy(%x)" in str(error.value)
    with pytest.raises(WeftError, match="there is no function '@nothing'"):
        weft.value_and_grad(TEXT, "nothing")
    with pytest.raises(WeftError, match="has no argument 2"):
        weft.value_and_grad(TEXT, wrt=[2])
