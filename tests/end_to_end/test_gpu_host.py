"""Host code of programs for a GPU, through the simulator: control flow, constants, parts of buffers, files."""

import numpy as np
import pytest

import weft
from weft import WeftError, codes

PROGRAMS = {
    "while": (
        """
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %limit = arith.constant 100.0 : f32
  %c0 = arith.constant 0 : index
  %r = scf.while (%a = %x) : (tensor<8xf32>) -> tensor<8xf32> {
    %s = tensor.extract %a[%c0] : tensor<8xf32>
    %go = arith.cmpf olt, %s, %limit : f32
    scf.condition(%go) %a : tensor<8xf32>
  } do {
  ^bb0(%b: tensor<8xf32>):
    %d = ml.add %b, %b : tensor<8xf32>
    scf.yield %d : tensor<8xf32>
  }
  func.return %r : tensor<8xf32>
}
""",
        [np.arange(1, 9, dtype=np.float32)],
    ),
    "if": (
        """
func.func @main(%x: tensor<?xf32>, %flag: tensor<1xi1>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %f = tensor.extract %flag[%c0] : tensor<1xi1>
  %r = scf.if %f -> (tensor<?xf32>) {
    %0 = ml.exp %x : tensor<?xf32>
    scf.yield %0 : tensor<?xf32>
  } else {
    scf.yield %x : tensor<?xf32>
  }
  func.return %r : tensor<?xf32>
}
""",
        [np.arange(5, dtype=np.float32), np.array([True])],
    ),
    "for": (
        """
func.func @main(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x) -> (tensor<4x4xf32>) {
    %0 = ml.matmul %a, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    scf.yield %0 : tensor<4x4xf32>
  }
  %s = tensor.extract %r[%c1, %c3] : tensor<4x4xf32>
  func.return %r, %s : tensor<4x4xf32>, f32
}
""",
        [np.arange(16, dtype=np.float32).reshape(4, 4) / 8],
    ),
    "slices": (
        """
func.func @main(%x: tensor<6x8xf32>, %y: tensor<3x4xf32>) -> (tensor<6x8xf32>, tensor<3x2xf32>) {
  %0 = tensor.insert_slice %y into %x[1, 2] [3, 4] [1, 1] : tensor<3x4xf32> into tensor<6x8xf32>
  %1 = tensor.extract_slice %0[0, 1] [3, 2] [2, 3] : tensor<6x8xf32> to tensor<3x2xf32>
  func.return %0, %1 : tensor<6x8xf32>, tensor<3x2xf32>
}
""",
        [np.arange(48, dtype=np.float32).reshape(6, 8), -np.arange(12, dtype=np.float32).reshape(3, 4)],
    ),
    "constants": (
        """
func.func @main(%x: tensor<4xf32>, %k: f32) -> (tensor<4xf32>, tensor<4xi8>) {
  %c = ml.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %i = ml.constant dense<[1, -2, 3, 127]> : tensor<4xi8>
  %0 = ml.add %x, %c : tensor<4xf32>
  %s = tensor.from_elements %k, %k, %k, %k : tensor<4xf32>
  %1 = ml.mul %0, %s : tensor<4xf32>
  func.return %1, %i : tensor<4xf32>, tensor<4xi8>
}
""",
        [np.arange(4, dtype=np.float32), 0.5],
    ),
    "calls": (
        """
func.func private @twice(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.add %x, %x : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = func.call @twice(%x) : (tensor<?xf32>) -> tensor<?xf32>
  %1 = func.call @twice(%0) : (tensor<?xf32>) -> tensor<?xf32>
  func.return %1 : tensor<?xf32>
}
""",
        [np.arange(7, dtype=np.float32)],
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_host_code_agrees_with_the_reference(name):
    text, arguments = PROGRAMS[name]
    expected = weft.compile(text, target="reference")(*arguments)
    found = weft.compile(text, target="gpu-sim")(*arguments)
    for one, other in zip(*(x if isinstance(x, tuple) else (x,) for x in (found, expected)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_check_that_fails_names_the_line():
    f = weft.compile(
        """
func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.add %x, %y : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
""",
        target="gpu-sim",
    )
    with pytest.raises(WeftError) as error:
        f(np.zeros(3, np.float32), np.zeros(4, np.float32))
    assert error.value.code is codes.CHECK_FAILED and error.value.where.line == 3


def test_constants_come_from_files(tmp_path):
    np.save(tmp_path / "w.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    (tmp_path / "p.mlir").write_text(
        """
func.func @main(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = ml.constant {weft.data = "w.npy"} : tensor<2x3xf32>
  %0 = ml.matmul %x, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  func.return %0 : tensor<4x3xf32>
}
"""
    )
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    for _ in range(2):
        f = weft.compile(tmp_path / "p.mlir", target="gpu-sim")
        np.testing.assert_allclose(f(x), x @ np.arange(6, dtype=np.float32).reshape(2, 3))
    assert f.from_cache
