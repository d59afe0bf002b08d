"""Ops that move elements, against plain Python indexing; their shape rule against what comes out."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import IndexType, TensorType, f32, i1, i8, i32
from xdsl.utils.test_value import create_ssa_value

from tests.dialects.ml.support import ALL, NUMBERS, assert_same, blurred, filled, shapes, value
from weft.diagnostics import WeftError
from weft.dialects.ml import (
    BroadcastInDimOp,
    ConcatenateOp,
    GetDimensionSizeOp,
    IotaOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
)
from weft.dialects.ml.dims import DYNAMIC
from weft.dialects.ml.dtypes import dtype_of

FAST = settings(max_examples=60, deadline=None)


def index():
    return create_ssa_value(IndexType())


def tensor(element, shape):
    return TensorType(element, [DYNAMIC if n is None else n for n in shape])


def size(n):
    return np.array(n, np.int64)


def check(op, *operands):
    """The result of a verified op, whose shape is what the shape rule says."""
    op.verify_()
    (result,) = op.evaluate(*operands)
    assert result.shape == op.concrete_shape(operands)
    for n, claim in zip(result.shape, op.result.type.get_shape(), strict=True):
        assert claim in (DYNAMIC, n)
    assert result.dtype == op.result_dtype()
    return result


@FAST
@given(st.data())
def test_transpose_permutes_indices(data):
    shape = data.draw(shapes())
    perm = data.draw(st.permutations(range(len(shape))))
    x = filled(f32, shape)
    result = check(TransposeOp(value(f32, *blurred(data.draw, shape)), perm), x)
    for place in np.ndindex(result.shape):
        source = [0] * len(shape)
        for i, axis in enumerate(perm):
            source[axis] = place[i]
        assert result[place] == x[tuple(source)]


@FAST
@given(st.data())
def test_slice_takes_every_step_of_a_range(data):
    shape = data.draw(shapes())
    starts, limits, steps, indices = [], [], [], []
    for n in shape:
        start = data.draw(st.integers(0, n))
        limit = data.draw(st.one_of(st.just(-1), st.integers(start, n)))
        step = data.draw(st.integers(1, 4))
        starts.append(start), limits.append(limit), steps.append(step)
        indices.append(range(start, n if limit == -1 else limit, step))
    x = filled(f32, shape)
    result = check(SliceOp(value(f32, *blurred(data.draw, shape)), starts, limits, steps), x)
    assert result.shape == tuple(map(len, indices))
    for place, source in zip(np.ndindex(result.shape), product(*indices), strict=True):
        assert result[place] == x[source]


@FAST
@given(st.data())
def test_concatenate_puts_tensors_one_after_the_other(data):
    shape = data.draw(st.integers(1, 4).flatmap(shapes))
    dim = data.draw(st.integers(0, len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    inputs = [filled(f32, (*shape[:dim], n, *shape[dim + 1 :]), seed) for seed, n in enumerate(sizes)]
    result = check(ConcatenateOp([value(f32, *blurred(data.draw, x.shape)) for x in inputs], dim), *inputs)
    offset = 0
    for x in inputs:
        part = [slice(None)] * len(shape)
        part[dim] = slice(offset, offset + x.shape[dim])
        assert_same(result[tuple(part)], x)
        offset += x.shape[dim]
    assert result.shape[dim] == offset


@FAST
@given(st.data())
def test_reshape_keeps_row_major_order(data):
    shape = data.draw(shapes(max_rank=3))
    count = math.prod(shape)
    target = data.draw(
        st.sampled_from([(count,), (1, count), (count, 1, 1), tuple(reversed(shape)), (*shape, 1), (1, *shape)])
    )
    hidden = blurred(data.draw, target)
    unknown = [n for n, h in zip(target, hidden, strict=True) if h is None]
    if len(unknown) == 1 and data.draw(st.booleans()) and math.prod(n for n in hidden if n is not None):
        unknown = []
    x = filled(f32, shape)
    op = ReshapeOp(value(f32, *blurred(data.draw, shape)), tensor(f32, hidden), [index() for _ in unknown])
    result = check(op, x, *map(size, unknown))
    assert result.shape == target
    assert result.reshape(-1).tolist() == x.reshape(-1).tolist()


def test_the_unknown_size_of_an_empty_reshape_is_0():
    op = ReshapeOp(value(f32, None), tensor(f32, (0, None)))
    assert check(op, filled(f32, (0,))).shape == (0, 0)


def test_a_reshape_that_does_not_divide_is_an_error_at_run_time():
    op = ReshapeOp(value(f32, None), tensor(f32, (None, 4)))
    assert check(op, filled(f32, (8,))).shape == (2, 4)
    with pytest.raises(WeftError, match="same number of elements"):
        op.evaluate(filled(f32, (7,)))


@FAST
@given(st.data())
def test_broadcast_in_dim_repeats_along_other_dimensions(data):
    target = data.draw(shapes())
    rank = data.draw(st.integers(0, len(target)))
    dims = data.draw(st.permutations(range(len(target))))[:rank]
    shape = tuple(data.draw(st.sampled_from([1, target[axis]])) for axis in dims)
    source = tuple(n if n == 1 else data.draw(st.sampled_from([n, None])) for n in shape)
    hidden = blurred(data.draw, target)
    said = {axis for axis, n in zip(dims, source, strict=True) if n != 1}
    needed = [n for axis, n in enumerate(target) if hidden[axis] is None and axis not in said]
    x = filled(f32, shape)
    op = BroadcastInDimOp(value(f32, *source), dims, tensor(f32, hidden), [index() for _ in needed])
    result = check(op, x, *map(size, needed))
    assert result.shape == target
    for place in np.ndindex(target):
        assert result[place] == x[tuple(place[axis] if n != 1 else 0 for axis, n in zip(dims, shape, strict=True))]


def test_an_unknown_size_of_the_operand_is_never_repeated():
    op = BroadcastInDimOp(value(f32, None), [0], tensor(f32, (4,)))
    assert check(op, filled(f32, (4,))).shape == (4,)
    with pytest.raises(WeftError, match="size of its type"):
        op.evaluate(filled(f32, (1,)))


@FAST
@given(st.data())
def test_iota_counts_along_its_dimension(data):
    shape = data.draw(st.integers(1, 4).flatmap(shapes))
    dim = data.draw(st.integers(0, len(shape) - 1))
    hidden = blurred(data.draw, shape)
    needed = [n for n, h in zip(shape, hidden, strict=True) if h is None]
    element = data.draw(st.sampled_from(NUMBERS))
    result = check(IotaOp(dim, tensor(element, hidden), [index() for _ in needed]), *map(size, needed))
    assert result.shape == shape
    for place in np.ndindex(shape):
        assert result[place] == place[dim]


def test_iota_wraps_beyond_its_type():
    result = check(IotaOp(0, tensor(i8, (300,))))
    assert result[127:130].tolist() == [127, -128, -127]
    assert result[299] == 299 - 256


def test_a_negative_size_is_an_error_at_run_time():
    op = IotaOp(0, tensor(f32, (None,)), [index()])
    assert check(op, size(0)).shape == (0,)
    with pytest.raises(WeftError, match="must not be negative"):
        op.evaluate(size(-1))


def test_get_dimension_size_is_an_i32_of_rank_0():
    for dim, n in enumerate((2, 7)):
        result = check(GetDimensionSizeOp(value(f32, 2, None), dim), filled(f32, (2, 7)))
        assert_same(result, np.array(n, np.int32))


def test_a_slice_past_the_end_is_an_error_at_run_time():
    op = SliceOp(value(f32, None), [1], [4])
    assert check(op, filled(f32, (4,))).shape == (3,)
    with pytest.raises(WeftError, match="limit of dimension 0"):
        op.evaluate(filled(f32, (3,)))
    to_end = SliceOp(value(f32, None), [2], [-1])
    assert check(to_end, filled(f32, (2,))).shape == (0,)
    with pytest.raises(WeftError, match="start of dimension 0"):
        to_end.evaluate(filled(f32, (1,)))


@pytest.mark.parametrize("element", ALL, ids=str)
def test_every_element_type_can_be_moved(element):
    x = filled(element, (2, 3))
    assert_same(check(TransposeOp(value(element, 2, 3), [1, 0]), x), x.T)
    assert_same(check(SliceOp(value(element, 2, 3), [0, 1], [2, 3]), x), x[:, 1:])
    assert_same(check(ConcatenateOp([value(element, 2, 3)] * 2), x, x), np.concatenate([x, x]))
    assert_same(check(ReshapeOp(value(element, 2, 3), tensor(element, (6,))), x), x.reshape(6))
    wide = check(BroadcastInDimOp(value(element, 2, 3), [1, 2], tensor(element, (2, 2, 3))), x)
    assert_same(wide, np.stack([x, x]))


def test_what_one_operand_says_holds_for_all():
    joined = ConcatenateOp([value(i1, 2, None), value(i1, 3, 4)])
    assert joined.result.type == TensorType(i1, [5, 4])
    assert [need.right for need in joined.requirements()] == [4]
    assert dtype_of(i32) == np.int32
