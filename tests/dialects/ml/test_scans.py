"""Running sums, products and extremes, one element after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import bf16, f16, f32, i1, i8, i32
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.support import ALL, assert_same, blurred, filled, read, shapes, value
from weft.dialects import ml
from weft.dialects.ml.dims import DYNAMIC
from weft.dialects.ml.dtypes import dtype_of, neutral

OPS = {
    ml.CumsumOp: lambda a, b: a + b,
    ml.CumprodOp: lambda a, b: a * b,
    ml.CummaxOp: max,
    ml.CumminOp: min,
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(OPS)), st.integers(1, 3).flatmap(shapes), st.booleans(), st.booleans(), st.data())
def test_each_element_is_combined_with_those_before_it(kind, shape, exclusive, reverse, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    op = kind(value(i32, *blurred(data.draw, shape)), axis, exclusive=exclusive, reverse=reverse)
    op.verify_()
    x = filled(i32, shape) - 2
    (found,) = op.evaluate(x)
    assert found.shape == op.concrete_shape([x])
    assert all(claim in (DYNAMIC, n) for n, claim in zip(found.shape, op.result.type.get_shape(), strict=True))
    lines, results = np.moveaxis(x, axis, -1), np.moveaxis(found, axis, -1)
    for place in np.ndindex(lines.shape[:-1]):
        state, expected = neutral(op.KIND, i32).item(), []
        for element in lines[place][::-1] if reverse else lines[place]:
            before, state = state, OPS[kind](state, int(element))
            expected.append(before if exclusive else state)
        assert results[place].tolist() == (expected[::-1] if reverse else expected)


@pytest.mark.parametrize("element", ALL, ids=str)
def test_every_type_has_running_sums_and_extremes(element):
    x = filled(element, (3, 5))
    wide = x.astype(np.int64)
    (total,), (most,) = (op(value(element, 3, 5), 0).evaluate(x) for op in (ml.CumsumOp, ml.CummaxOp))
    sums = np.cumsum(wide, axis=0) > 0 if element is i1 else np.cumsum(wide, axis=0)
    assert_same(total, sums.astype(dtype_of(element)))
    assert_same(most, np.maximum.accumulate(wide, axis=0).astype(dtype_of(element)))


def test_narrow_floats_are_accumulated_in_a_wider_type():
    for element, count in ((f16, 4096), (bf16, 512)):
        (found,) = ml.CumsumOp(value(element, count)).evaluate(np.ones(count, dtype_of(element)))
        assert float(found[-1]) == count


def test_products_overflow_and_vanish_on_the_way():
    x = np.array([1e30, 1e30, 1e-30, 1e-30], np.float32)
    assert ml.CumprodOp(value(f32, 4)).evaluate(x)[0].tolist() == [x[0], np.inf, np.inf, np.inf]
    assert ml.CumprodOp(value(f32, 4), reverse=True).evaluate(x)[0].tolist() == [0, 0, 0, x[3]]


def test_integers_wrap():
    assert ml.CumsumOp(value(i8, 2)).evaluate(np.array([127, 1], np.int8))[0].tolist() == [127, -128]


def test_nan_stays():
    x = np.array([1, np.nan, 3], np.float32)
    for op in OPS:
        (found,) = op(value(f32, 3)).evaluate(x)
        assert np.isnan(found).tolist() == [False, True, True]


@pytest.mark.parametrize("axis", [2, -3])
def test_an_axis_that_is_not_there_is_refused(axis):
    with pytest.raises(VerifyException, match=f"has no axis {axis}"):
        read(f'%x = "test.op"() : () -> tensor<2x3xf32>\n%r = ml.cumsum %x, axis = {axis} : tensor<2x3xf32>')
