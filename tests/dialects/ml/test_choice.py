"""compare, select and clamp."""

import itertools
import math
import operator

import numpy as np
import pytest
from xdsl.dialects.builtin import f32, i1

from tests.dialects.ml.support import ALL, FLOATS, INTEGERS, assert_same, edges, like, pairs, value
from weft.dialects.ml import ClampOp, CompareOp, SelectOp
from weft.dialects.ml.dtypes import dtype_of

DIRECTIONS = {
    "EQ": operator.eq,
    "NE": operator.ne,
    "GE": operator.ge,
    "GT": operator.gt,
    "LE": operator.le,
    "LT": operator.lt,
}


@pytest.mark.parametrize("element", ALL, ids=str)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_comparison_agrees_with_python(direction, element):
    a, b = pairs(element)
    op = CompareOp(direction, like(element, a), like(element, b))
    op.verify_()
    (result,) = op.evaluate(a, b)
    python = float if element in FLOATS else int
    expected = [DIRECTIONS[direction](python(x), python(y)) for x, y in zip(a, b, strict=True)]
    assert_same(result, np.array(expected, np.bool_))


def rank(x):
    """Where a float stands in the total order."""
    sign = math.copysign(1, x)
    return (sign, math.isnan(x) * sign, x if not math.isnan(x) else 0)


@pytest.mark.parametrize("element", FLOATS, ids=str)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_total_order_tells_zeros_and_nans_apart(direction, element):
    values = np.array([math.nan, -math.nan, *edges(element).tolist()], np.float64).astype(dtype_of(element))
    a, b = (np.array(column) for column in zip(*itertools.product(values, repeat=2), strict=True))
    (result,) = CompareOp(direction, like(element, a), like(element, b), "TOTALORDER").evaluate(a, b)
    expected = [DIRECTIONS[direction](rank(float(x)), rank(float(y))) for x, y in zip(a, b, strict=True)]
    assert_same(result, np.array(expected, np.bool_))


@pytest.mark.parametrize("element", ALL, ids=str)
def test_select_takes_elements_by_predicate_or_all_of_one_side(element):
    a = edges(element)
    b = a[::-1].copy()
    pred = np.arange(len(a)) % 3 == 0
    (result,) = SelectOp(like(i1, pred), like(element, a), like(element, b)).evaluate(pred, a, b)
    assert_same(result, np.array([x if p else y for p, x, y in zip(pred, a, b, strict=True)], a.dtype))
    for flag, side in ((True, a), (False, b)):
        (result,) = SelectOp(value(i1), like(element, a), like(element, b)).evaluate(np.array(flag), a, b)
        assert_same(result, side)


@pytest.mark.parametrize("element", [*INTEGERS, *FLOATS], ids=str)
def test_clamp_holds_between_bounds_of_rank_0_or_of_the_shape(element):
    x = edges(element)
    low, high = np.array(1, x.dtype), np.array(3, x.dtype)
    (result,) = ClampOp(value(element), like(element, x), value(element)).evaluate(low, x, high)
    python = float if element in FLOATS else int
    expected = [v if v != v else min(max(v, 1), 3) for v in map(python, x)]
    assert_same(result, np.array(expected).astype(x.dtype))
    lows, highs = np.full_like(x, 1), np.full_like(x, 3)
    (each,) = ClampOp(like(element, x), like(element, x), like(element, x)).evaluate(lows, x, highs)
    assert_same(each, result)


def test_clamp_gives_the_upper_bound_where_the_bounds_cross():
    x = np.array([0.0, 5.0, 9.0], np.float32)
    op = ClampOp(value(f32), like(f32, x), value(f32))
    assert op.evaluate(np.float32(7), x, np.float32(3))[0].tolist() == [3, 3, 3]


def test_clamp_gives_nan_where_a_bound_is_nan():
    x = np.array([0.0, 5.0], np.float32)
    op = ClampOp(value(f32), like(f32, x), value(f32))
    assert np.isnan(op.evaluate(np.float32("nan"), x, np.float32(3))[0]).all()
    assert np.isnan(op.evaluate(np.float32(3), x, np.float32("nan"))[0]).all()
