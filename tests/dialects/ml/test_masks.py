"""one_hot, tri, tril and triu against NumPy; their shape rules; and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import IndexType, TensorType, f32, i1, i32
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.test_value import create_ssa_value

import weft
from tests.dialects.ml.support import ALL, INTEGERS, assert_same, edges, filled, like, shapes, value
from weft.dialects.ml import OneHotOp, TrilOp, TriOp, TriuOp
from weft.dialects.ml.dims import DYNAMIC, value_of
from weft.dialects.ml.dtypes import dtype_of

SIZE = create_ssa_value(IndexType())


@pytest.mark.parametrize("element", INTEGERS, ids=str)
def test_one_hot_takes_indices_of_every_type(element):
    ids = edges(element)
    (result,) = OneHotOp(like(element, ids), TensorType(f32, [len(ids), 4]), 1).evaluate(ids)
    expected = [[float(int(n) == place) for place in range(4)] for n in ids]
    assert_same(result, np.array(expected, np.float32))


@given(shapes(max_rank=2), st.integers(0, 5), st.data())
@settings(max_examples=60, deadline=None)
def test_one_hot_puts_the_dimension_anywhere(shape, depth, data):
    dim = data.draw(st.integers(0, len(shape)))
    ids = np.random.default_rng(0).integers(-1, 6, shape).astype(np.int32)
    target = (*shape[:dim], DYNAMIC if data.draw(st.booleans()) else depth, *shape[dim:])
    sizes = [SIZE] if DYNAMIC in target else []
    op = OneHotOp(like(i32, ids), TensorType(i1, target), dim, sizes)
    op.verify_()
    operands = (ids, *[np.array(depth)] * len(sizes))
    (result,) = op.evaluate(*operands)
    assert_same(result, np.moveaxis(ids[..., None] == np.arange(depth), -1, dim))
    assert tuple(value_of(dim, operands) for dim in op.result_dims()[0]) == result.shape


@pytest.mark.parametrize("element", ALL, ids=str)
@pytest.mark.parametrize("diagonal", [-9, -1, 0, 2, 9])
def test_triangles_agree_with_numpy(element, diagonal):
    for shape in ((3, 3), (2, 5), (4, 1), (0, 3), (2, 3, 4)):
        dtype = dtype_of(element)
        (made,) = TriOp(TensorType(element, shape), diagonal).evaluate()
        assert_same(made, np.broadcast_to(np.tri(*shape[-2:], diagonal), shape).astype(dtype))
        x = filled(element, shape, 3)
        assert_same(TrilOp(like(element, x), diagonal).evaluate(x)[0], np.tril(x, diagonal))
        assert_same(TriuOp(like(element, x), diagonal).evaluate(x)[0], np.triu(x, diagonal))


def test_a_triangle_of_nothing_but_nan_is_zero_elsewhere():
    x = np.full((2, 2), np.nan, np.float32)
    (result,) = TrilOp(like(f32, x)).evaluate(x)
    assert result[0, 1] == 0
    assert np.isnan(result[1]).all()


def test_the_sizes_of_tri_are_found_at_run_time():
    op = TriOp(TensorType(f32, [DYNAMIC, 3]), 0, [SIZE])
    op.verify_()
    assert op.evaluate(np.array(5))[0].shape == (5, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneHotOp(value(f32, 2), TensorType(f32, [2, 3]), 1), "the indices must be integers"),
        (lambda: OneHotOp(value(i32, 2), TensorType(f32, [2]), 0), "must have one dimension more"),
        (lambda: OneHotOp(value(i32, 2), TensorType(f32, [2, 3]), 2), "has no dimension 2"),
        (lambda: OneHotOp(value(i32, 2), TensorType(f32, [3, 3]), 1), "dimension 0 of the result"),
        (lambda: OneHotOp(value(i32, 2), TensorType(f32, [2, DYNAMIC]), 1), "needs 1 sizes"),
        (lambda: TriOp(TensorType(f32, [3])), "makes matrices"),
        (lambda: TrilOp(value(f32, 3)), "takes matrices"),
        (lambda: TriuOp(value(f32)), "takes matrices"),
    ],
)
def test_a_wrong_mask_is_refused(make, message):
    with pytest.raises(VerifyException, match=message):
        make().verify_()


@pytest.mark.parametrize("diagonal", [2**63 - 1, 2**62, -(2**62), -(2**63)])
@pytest.mark.parametrize("op, numpy", [("tril", np.tril), ("triu", np.triu)])
def test_a_diagonal_farther_out_than_any_matrix_keeps_all_or_nothing(op, numpy, diagonal):
    text = f"""func.func @main(%x: tensor<3x?xi8>) -> tensor<3x?xi8> {{
      %r = ml.{op} %x, diagonal = {diagonal} : tensor<3x?xi8>
      func.return %r : tensor<3x?xi8>
    }}"""
    x = np.arange(1, 13, dtype=np.int8).reshape(3, 4)
    expected = numpy(x, max(-99, min(99, diagonal)))
    for target in ("cpu", "reference"):
        np.testing.assert_array_equal(weft.compile(text, target=target)(x), expected)
