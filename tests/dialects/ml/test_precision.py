"""reduce_precision against casts to narrow types, and by its edges."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from xdsl.dialects.builtin import bf16, f16, f32, f64, i32
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.support import FLOATS, assert_same, edges, like, read, shapes, value
from weft.dialects.ml import ReducePrecisionOp

BITS = {f16: (5, 10), bf16: (8, 7), f32: (8, 23), f64: (11, 52)}
NARROW = [(np.float16, 5, 10), (ml_dtypes.bfloat16, 8, 7), (ml_dtypes.float8_e5m2, 5, 2), (np.float32, 8, 23)]


def reduced(x, exponent, mantissa, element):
    op = ReducePrecisionOp(like(element, x), exponent, mantissa)
    op.verify_()
    return op.evaluate(x)[0]


def samples(dtype):
    rng = np.random.default_rng(0)
    size = 8 * np.dtype(dtype).itemsize
    return rng.integers(0, 1 << size, 20000, np.uint64).astype(f"uint{size}").view(dtype)


@pytest.mark.parametrize(("narrow", "exponent", "mantissa"), NARROW, ids=str)
@pytest.mark.parametrize("element", [f32, f64], ids=str)
def test_normal_numbers_are_rounded_as_a_cast_to_that_format_rounds(element, narrow, exponent, mantissa):
    x = np.concatenate([samples({f32: np.float32, f64: np.float64}[element]), edges(element)])
    x = np.where(np.isnan(x), x.dtype.type(np.nan), x)
    with np.errstate(all="ignore"):
        expected = x.astype(narrow).astype(x.dtype)
    got = reduced(x, exponent, mantissa, element)
    tiny = float(ml_dtypes.finfo(narrow).tiny)
    flushed = (np.abs(got) < tiny) if exponent < BITS[element][0] else np.zeros(x.shape, bool)
    assert_same(got[~flushed], expected[~flushed])
    assert (got[flushed] == 0).all()
    np.testing.assert_array_equal(np.signbit(got[flushed]), np.signbit(x[flushed]))
    assert (np.abs(x[flushed]) < tiny).all()


@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_a_format_with_all_bits_changes_nothing(element):
    x = edges(element)
    assert_same(reduced(x, *BITS[element], element), x)
    assert_same(reduced(x, 30, 60, element), x)


@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_halves_go_to_the_even_one_and_may_carry_into_the_exponent(element):
    x = np.array([1.25, 1.375, 1.625, 1.75, -1.75, 1.875], np.float64).astype(edges(element).dtype)
    assert reduced(x, BITS[element][0], 1, element).tolist() == [1.0, 1.5, 1.5, 2.0, -2.0, 2.0]


def test_what_the_exponent_cannot_hold_is_infinite_or_zero():
    x = np.array([1, 2, 3, 4, 7.9, 0.25, 0.5, -0.4, -4, math.inf, -math.inf], np.float32)
    # e3: exponents from -2 to 3, so numbers from 0.25 up to 16
    assert reduced(x * 2, 3, 23, f32).tolist() == [*(x[:9] * 2)[:4], *(x[4:9] * 2), math.inf, -math.inf]
    assert reduced(np.array([16, -17, 0.2499, -0.1, 15.9999], np.float32), 3, 2, f32).tolist() == [
        math.inf,
        -math.inf,
        0.25,
        -0.0,
        math.inf,
    ]


def test_without_mantissa_there_is_no_nan():
    x = np.array([math.nan, -math.nan, 3.0, 3.1, 6.0, 2.9], np.float32)
    # halfway the even exponent is taken
    assert reduced(x, 8, 0, f32).tolist() == [math.inf, math.inf, 2.0, 4.0, 8.0, 2.0]
    assert np.isnan(reduced(x, 8, 1, f32)[:2]).all()


@given(shapes())
@settings(max_examples=20, deadline=None)
def test_any_shape_is_kept(shape):
    assert reduced(np.ones(shape, np.float32), 5, 2, f32).shape == shape


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReducePrecisionOp(value(f32, 2), 0, 2), "must have 1 bit or more"),
        (lambda: ReducePrecisionOp(value(f32, 2), 5, -1), "must not be negative"),
        (lambda: ReducePrecisionOp(value(i32, 2), 5, 2), "takes float"),
    ],
)
def test_a_wrong_format_is_refused(make, message):
    with pytest.raises(VerifyException, match=message):
        make().verify_()


def test_a_format_is_written_with_its_bits():
    with pytest.raises(Exception, match="such as e5m10"):
        read('%x = "test.op"() : () -> tensor<2xf32>\n%r = ml.reduce_precision %x, format = f16 : tensor<2xf32>')
