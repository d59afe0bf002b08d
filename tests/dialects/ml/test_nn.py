"""softmax against sums of exponentials in exact arithmetic."""

import math
import warnings
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialects.ml.support import FLOATS, assert_near, blurred, shapes, value
from weft.dialects.ml import SoftmaxOp
from weft.dialects.ml.dtypes import dtype_of


def shares(line):
    """The softmax of a line of floats."""
    powers = [Decimal(float(x)).exp() for x in line]
    return [float(p / sum(powers)) for p in powers]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_softmax_gives_the_shares_of_exponentials(data):
    shape = data.draw(st.integers(1, 3).flatmap(shapes))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    element = data.draw(st.sampled_from(FLOATS))
    scale = data.draw(st.sampled_from([1, 100, 10000]))
    x = (np.random.default_rng(0).standard_normal(shape) * scale).astype(dtype_of(element))
    op = SoftmaxOp(value(element, *blurred(data.draw, shape)), axis)
    op.verify_()
    (result,) = op.evaluate(x)
    wide = np.zeros(shape)
    for place in np.ndindex(*(n for i, n in enumerate(shape) if i != op.dim)):
        line = (*place[: op.dim], slice(None), *place[op.dim :])
        wide[line] = shares(x[line])
    expected = (wide.astype(np.float32) if x.dtype.itemsize == 2 else wide).astype(x.dtype)
    lost_by_subtraction = 750  # the greatest distance that exp does not take to 0, times half a unit, twice
    assert_near(result, expected, lost_by_subtraction if x.dtype.itemsize == 8 else 1)


def test_the_axis_is_the_last_unless_given():
    op = SoftmaxOp(value(FLOATS[2], 2, 3))
    assert op.dim == 1
    assert op.evaluate(np.zeros((2, 3), np.float32))[0][0, 0] == np.float32(1 / 3)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([math.nan, 1.0], [math.nan, math.nan]),
        ([math.inf, 1.0], [math.nan, math.nan]),
        ([-math.inf, -math.inf], [math.nan, math.nan]),
        ([-math.inf, 1.0], [0.0, 1.0]),
        ([1e300, 1e300], [0.5, 0.5]),
        ([], []),
    ],
)
def test_lines_that_are_not_finite_are_as_documented(line, expected):
    x = np.array(line)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (result,) = SoftmaxOp(value(FLOATS[3], len(line))).evaluate(x)
    np.testing.assert_array_equal(result, np.array(expected, np.float64))
