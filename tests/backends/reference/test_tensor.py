"""tensor and linalg against NumPy."""

import numpy as np
import pytest

from tests.backends.reference.harness import results_of
from weft.diagnostics import WeftError


def test_elements_are_taken_and_put():
    text = """
      func.func @main(%t: tensor<2x?xi32>, %i: index, %v: i32) -> (i32, tensor<2x?xi32>, index) {
        %c1 = arith.constant 1 : index
        %a = tensor.extract %t[%c1, %i] : tensor<2x?xi32>
        %b = tensor.insert %v into %t[%c1, %i] : tensor<2x?xi32>
        %n = tensor.dim %t, %c1 : tensor<2x?xi32>
        func.return %a, %b, %n : i32, tensor<2x?xi32>, index
      }"""
    t = np.arange(6, dtype=np.int32).reshape(2, 3)
    a, b, n = results_of(text, t, 2, 77)
    assert (a, n, b[1, 2], t[1, 2]) == (5, 3, 77, 5)
    with pytest.raises(WeftError, match="index 3"):
        results_of(text, t, 3, 77)


def test_tensors_are_made():
    text = """
      func.func @main(%a: f32, %b: f32, %n: index) -> (tensor<2x1xf32>, tensor<?x2xf32>, tensor<?xi8>) {
        %0 = tensor.from_elements %a, %b : tensor<2x1xf32>
        %1 = tensor.splat %a[%n] : tensor<?x2xf32>
        %2 = tensor.empty(%n) : tensor<?xi8>
        func.return %0, %1, %2 : tensor<2x1xf32>, tensor<?x2xf32>, tensor<?xi8>
      }"""
    a, b, c = results_of(text, 1.0, 2.0, 3)
    np.testing.assert_array_equal(a, [[1], [2]])
    np.testing.assert_array_equal(b, np.ones((3, 2)))
    assert c.shape == (3,)
    with pytest.raises(WeftError, match="size -3"):
        results_of(text, 1.0, 2.0, -3)


def test_shapes_change():
    text = """
      func.func @main(%t: tensor<?x6xf32>, %n: index) -> (tensor<?xf32>, tensor<?x2x3xf32>, tensor<?x12xf32>) {
        %0 = tensor.collapse_shape %t [[0, 1]] : tensor<?x6xf32> into tensor<?xf32>
        %1 = tensor.expand_shape %t [[0], [1, 2]] output_shape [%n, 2, 3] : tensor<?x6xf32> into tensor<?x2x3xf32>
        %2 = tensor.concat dim(1) %t, %t : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x12xf32>
        func.return %0, %1, %2 : tensor<?xf32>, tensor<?x2x3xf32>, tensor<?x12xf32>
      }"""
    t = np.arange(24, dtype=np.float32).reshape(4, 6)
    a, b, c = results_of(text, t, 4)
    np.testing.assert_array_equal(a, t.reshape(-1))
    np.testing.assert_array_equal(b, t.reshape(4, 2, 3))
    np.testing.assert_array_equal(c, np.concatenate([t, t], 1))
    with pytest.raises(WeftError, match="splits sizes"):
        results_of(text, t, 5)


def test_slices_are_taken_and_put():
    text = """
      func.func @main(%t: tensor<4x6xf32>, %s: tensor<2xf32>, %k: index)
          -> (tensor<2x2xf32>, tensor<2xf32>, tensor<4x6xf32>) {
        %0 = tensor.extract_slice %t[1, %k] [2, 2] [2, 3] : tensor<4x6xf32> to tensor<2x2xf32>
        %1 = tensor.extract_slice %t[1, %k] [1, 2] [1, 1] : tensor<4x6xf32> to tensor<2xf32>
        %2 = tensor.insert_slice %s into %t[%k, 0] [2, 1] [1, 1] : tensor<2xf32> into tensor<4x6xf32>
        func.return %0, %1, %2 : tensor<2x2xf32>, tensor<2xf32>, tensor<4x6xf32>
      }"""
    t = np.arange(24, dtype=np.float32).reshape(4, 6)
    a, b, c = results_of(text, t, np.array([-1, -2], np.float32), 2)
    np.testing.assert_array_equal(a, t[1::2, 2::3])
    np.testing.assert_array_equal(b, t[1, 2:4])
    assert c[2, 0] == -1 and c[3, 0] == -2 and t[2, 0] == 12
    with pytest.raises(WeftError, match="whose size is"):
        results_of(text, t, np.zeros(2, np.float32), 3)


def test_pad_runs_its_body_outside():
    text = """
      func.func @main(%t: tensor<2x2xf32>, %n: index) -> tensor<?x4xf32> {
        %0 = tensor.pad %t low[%n, 1] high[0, 1] {
        ^bb0(%i: index, %j: index):
          %s = arith.addi %i, %j : index
          %k = arith.index_cast %s : index to i32
          %f = arith.sitofp %k : i32 to f32
          tensor.yield %f : f32
        } : tensor<2x2xf32> to tensor<?x4xf32>
        func.return %0 : tensor<?x4xf32>
      }"""
    (found,) = results_of(text, np.full((2, 2), 9, np.float32), 1)
    np.testing.assert_array_equal(found, [[0, 1, 2, 3], [1, 9, 9, 4], [2, 9, 9, 5]])
    with pytest.raises(WeftError, match="padding must be 0 or more"):
        results_of(text, np.zeros((2, 2), np.float32), -1)


def test_a_cast_that_claims_a_wrong_size_is_an_error():
    text = """
      func.func @main(%t: tensor<?xf32>) -> tensor<3xf32> {
        %0 = tensor.cast %t : tensor<?xf32> to tensor<3xf32>
        func.return %0 : tensor<3xf32>
      }"""
    assert results_of(text, np.zeros(3, np.float32))[0].shape == (3,)
    with pytest.raises(WeftError, match="type is tensor<3xf32>"):
        results_of(text, np.zeros(4, np.float32))


MATMUL = """
  func.func @main(%a: TENSOR<3x4xf32>, %b: TENSOR<4x5xf32>, %c: TENSOR<3x5xf32>) RESULT {
    OP
  }"""


def test_generic_contracts_on_memory_and_on_tensors():
    body = """
      linalg.generic {
        indexing_maps = [
          affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>],
        iterator_types = ["parallel", "parallel", "reduction"]
      } ins(%a, %b : memref<3x4xf32>, memref<4x5xf32>) outs(%c : memref<3x5xf32>) {
      ^bb0(%x: f32, %y: f32, %z: f32):
        %p = arith.mulf %x, %y : f32
        %s = arith.addf %p, %z : f32
        linalg.yield %s : f32
      }
      func.return"""
    a, b = np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(20, dtype=np.float32).reshape(4, 5)
    c = np.ones((3, 5), np.float32)
    results_of(MATMUL.replace("OP", body).replace("TENSOR", "memref").replace("RESULT", ""), a, b, c)
    np.testing.assert_array_equal(c, a @ b + 1)
    named = """
      %r = linalg.matmul ins(%a, %b : tensor<3x4xf32>, tensor<4x5xf32>) outs(%c : tensor<3x5xf32>) -> tensor<3x5xf32>
      func.return %r : tensor<3x5xf32>"""
    text = MATMUL.replace("OP", named).replace("TENSOR", "tensor").replace("RESULT", "-> tensor<3x5xf32>")
    before = np.ones((3, 5), np.float32)
    np.testing.assert_array_equal(results_of(text, a, b, before)[0], a @ b + 1)
    np.testing.assert_array_equal(before, np.ones((3, 5)))


def test_generic_knows_its_indices_and_control_flow_in_its_body():
    text = """
      func.func @main(%c: memref<3x4xindex>) {
        linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
          outs(%c : memref<3x4xindex>) {
        ^bb0(%z: index):
          %i = linalg.index 0 : index
          %j = linalg.index 1 : index
          %lt = arith.cmpi slt, %i, %j : index
          BODY
          linalg.yield %s : index
        }
        func.return
      }"""
    plain = text.replace("BODY", "%s = arith.select %lt, %i, %j : index")
    branch = text.replace(
        "BODY",
        "%s = scf.if %lt -> (index) { scf.yield %i : index } else { scf.yield %j : index }",
    )
    expected = np.minimum(*np.indices((3, 4)))
    for program in (plain, branch):
        c = np.zeros((3, 4), np.int64)
        results_of(program, c)
        np.testing.assert_array_equal(c, expected)


def test_generic_in_place_with_another_map_goes_point_by_point():
    text = """
      func.func @main(%c: memref<5xi32>) {
        %v = memref.subview %c[0] [4] [1] : memref<5xi32> to memref<4xi32, strided<[1]>>
        %w = memref.subview %c[1] [4] [1] : memref<5xi32> to memref<4xi32, strided<[1], offset: 1>>
        linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          ins(%v : memref<4xi32, strided<[1]>>) outs(%w : memref<4xi32, strided<[1], offset: 1>>) {
        ^bb0(%x: i32, %z: i32):
          linalg.yield %x : i32
        }
        func.return
      }"""
    c = np.arange(5, dtype=np.int32)
    results_of(text, c)
    np.testing.assert_array_equal(c, [0, 0, 0, 0, 0])


def test_named_ops_of_linalg():
    text = """
      func.func @main(%a: memref<2x3xf32>, %b: memref<2x3xf32>, %t: memref<3x2xf32>,
                      %r: memref<2xf32>, %w: memref<2x3xf32>, %v: f32) {
        linalg.add ins(%a, %b : memref<2x3xf32>, memref<2x3xf32>) outs(%b : memref<2x3xf32>)
        linalg.transpose ins(%a : memref<2x3xf32>) outs(%t : memref<3x2xf32>) permutation = [1, 0]
        linalg.fill ins(%v : f32) outs(%r : memref<2xf32>)
        linalg.broadcast ins(%r : memref<2xf32>) outs(%w : memref<2x3xf32>) dimensions = [1]
        linalg.reduce ins(%a : memref<2x3xf32>) outs(%r : memref<2xf32>) dimensions = [1]
        (%x: f32, %y: f32) {
          %s = arith.addf %x, %y : f32
          linalg.yield %s : f32
        }
        func.return
      }"""
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    b, t, r, w = (
        np.ones((2, 3), np.float32),
        np.zeros((3, 2), np.float32),
        np.zeros(2, np.float32),
        np.zeros((2, 3), np.float32),
    )
    results_of(text, a, b, t, r, w, 10.0)
    np.testing.assert_array_equal(b, a + 1)
    np.testing.assert_array_equal(t, a.T)
    np.testing.assert_array_equal(w, np.full((2, 3), 10))
    np.testing.assert_array_equal(r, a.sum(1) + 10)


def test_convolution_and_pooling_of_linalg():
    text = """
      func.func @main(%x: memref<1x1x5x5xf32>, %k: memref<1x1x3x3xf32>, %c: memref<1x1x3x3xf32>,
                      %s: memref<2x2xf32>, %p: memref<1x1x2x2xf32>) {
        linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
          ins(%x, %k : memref<1x1x5x5xf32>, memref<1x1x3x3xf32>) outs(%c : memref<1x1x3x3xf32>)
        linalg.pooling_nchw_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
          ins(%x, %s : memref<1x1x5x5xf32>, memref<2x2xf32>) outs(%p : memref<1x1x2x2xf32>)
        func.return
      }"""
    x = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
    k = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    c, p = np.zeros((1, 1, 3, 3), np.float32), np.full((1, 1, 2, 2), 7, np.float32)
    results_of(text, x, k, c, np.zeros((2, 2), np.float32), p)
    windows = np.lib.stride_tricks.sliding_window_view(x[0, 0], (3, 3))
    np.testing.assert_array_equal(c[0, 0], np.einsum("ijkl,kl->ij", windows, k[0, 0]))
    np.testing.assert_array_equal(p[0, 0], [[7, 8], [16, 18]])
