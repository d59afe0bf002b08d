"""The pass `convert-linalg-to-loops`, by running what it makes."""

import numpy as np
import pytest

from tests.passes.lower.host_programs import build, lower
from weft.diagnostics import WeftError

PASSES = ("convert-linalg-to-loops", "expand-narrow-floats", "convert-scf-to-cf")


def rows(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "max", "min"])
@pytest.mark.parametrize("type_, dtype", [("f32", np.float32), ("f16", np.float16), ("i32", np.int32)])
def test_elementwise_ops_work_on_every_element(name, type_, dtype):
    t = f"memref<?x3x{type_}>"
    f = build(
        f"""func.func @f(%a: {t}, %b: {t}, %c: {t}) {{
          linalg.{name} ins(%a, %b : {t}, {t}) outs(%c : {t})
          func.return }}""",
        passes=PASSES,
    )
    meaning = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[name]
    for n in (0, 1, 5):
        a, b = (10 * rows(n, 3, seed=1)).astype(dtype), (10 * rows(n, 3, seed=2)).astype(dtype)
        c = np.zeros_like(a)
        f(a, b, c)
        np.testing.assert_array_equal(c, meaning(a, b))


def test_a_matrix_product_adds_to_its_output():
    f = build(
        """func.func @f(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
          linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
          func.return }""",
        passes=PASSES,
    )
    for m, k, n in ((1, 1, 1), (5, 3, 7), (4, 0, 2), (0, 3, 2)):
        a, b, c = rows(m, k, seed=1), rows(k, n, seed=2), np.ones((m, n), np.float32)
        f(a, b, c)
        np.testing.assert_allclose(c, 1 + a @ b, rtol=1e-5, atol=1e-5)
    with pytest.raises(WeftError, match="out of bounds"):
        f(rows(2, 3), rows(2, 2), np.zeros((2, 2), np.float32))


def test_a_generic_op_runs_its_body_with_its_maps_and_indices():
    f = build(
        """
        func.func @f(%a: memref<?x?xf32>, %s: f32, %sum: memref<?xf32>, %t: memref<?x?xf32>) {
          linalg.generic {
              indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>,
                               affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j, i)>],
              iterator_types = ["parallel", "reduction"]}
              ins(%a, %s : memref<?x?xf32>, f32) outs(%sum, %t : memref<?xf32>, memref<?x?xf32>) {
          ^bb0(%x: f32, %k: f32, %acc: f32, %old: f32):
            %j = linalg.index 1 : index
            %n = arith.index_cast %j : index to i32
            %g = arith.sitofp %n : i32 to f32
            %y = arith.mulf %x, %k : f32
            %z = arith.addf %acc, %y : f32
            %w = arith.addf %x, %g : f32
            linalg.yield %z, %w : f32, f32
          }
          func.return
        }""",
        passes=PASSES,
    )
    a, total, t = rows(3, 5), np.ones(3, np.float32), np.zeros((5, 3), np.float32)
    f(a, 2.0, total, t)
    np.testing.assert_allclose(total, 1 + 2 * a.sum(1), rtol=1e-5)
    np.testing.assert_allclose(t, (a + np.arange(5)).T.astype(np.float32), rtol=1e-6)


def test_a_convolution_reads_its_window():
    f = build(
        """
        func.func @f(%x: memref<1x8x7x2xf32>, %w: memref<3x3x2x4xf32>, %y: memref<1x3x5x4xf32>) {
          linalg.conv_2d_nhwc_hwcf {strides = dense<[2, 1]> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
            ins(%x, %w : memref<1x8x7x2xf32>, memref<3x3x2x4xf32>) outs(%y : memref<1x3x5x4xf32>)
          func.return
        }""",
        passes=PASSES,
    )
    x, w, y = rows(1, 8, 7, 2, seed=1), rows(3, 3, 2, 4, seed=2), np.zeros((1, 3, 5, 4), np.float32)
    f(x, w, y)
    want = np.zeros_like(y)
    for i in range(3):
        for j in range(5):
            want[0, i, j] = np.einsum("rsc,rsco->o", x[0, 2 * i : 2 * i + 3, j : j + 3], w)
    np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)


def test_fill_transpose_broadcast_and_reduce():
    f = build(
        """
        func.func @f(%a: memref<3x?xf32>, %v: f32, %b: memref<3x?xf32>, %t: memref<?x3xf32>,
                     %c: memref<3x4x?xf32>, %m: memref<3xf32>) {
          linalg.fill ins(%v : f32) outs(%b : memref<3x?xf32>)
          linalg.transpose ins(%a : memref<3x?xf32>) outs(%t : memref<?x3xf32>) permutation = [1, 0]
          linalg.broadcast ins(%a : memref<3x?xf32>) outs(%c : memref<3x4x?xf32>) dimensions = [1]
          linalg.reduce ins(%a : memref<3x?xf32>) outs(%m : memref<3xf32>) dimensions = [1]
          (%x: f32, %acc: f32) {
            %y = arith.maximumf %x, %acc : f32
            linalg.yield %y : f32
          }
          func.return
        }""",
        passes=PASSES,
    )
    a, b, t = rows(3, 5), np.zeros((3, 5), np.float32), np.zeros((5, 3), np.float32)
    c, m = np.zeros((3, 4, 5), np.float32), np.zeros(3, np.float32)
    f(a, 2.5, b, t, c, m)
    assert (b == 2.5).all()
    np.testing.assert_array_equal(t, a.T)
    np.testing.assert_array_equal(c, np.broadcast_to(a[:, None], c.shape))
    np.testing.assert_array_equal(m, np.maximum(a.max(1), 0))


def test_an_op_on_tensors_is_refused():
    text = """func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
      %r = linalg.copy ins(%a : tensor<4xf32>) outs(%b : tensor<4xf32>) -> tensor<4xf32>
      func.return %r : tensor<4xf32> }"""
    with pytest.raises(WeftError, match=r"'linalg\.copy' on tensors cannot become loops"):
        lower(text, PASSES)
