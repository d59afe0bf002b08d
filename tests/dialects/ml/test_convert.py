"""convert and bitcast_convert, against exact rational numbers."""

import math
import struct
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import bf16, f16, f32, f64, i1, i8, i16, i32, i64

from tests.dialects.ml.support import ALL, FLOATS, INTEGERS, NUMBERS, assert_same, edges, like
from weft.dialects.ml import BitcastConvertOp, ConvertOp
from weft.dialects.ml.dtypes import dtype_of, element_type_of
from weft.dialects.ml.numerics import narrow

NARROW = [f16, bf16]


@np.errstate(over="ignore")
def nearest(number, dtype):
    """The float of a dtype that is nearest to an exact number, ties to even, by searching its neighbours."""
    if number == 0:
        return dtype.type(0)
    top = ml_dtypes.finfo(dtype).max
    limit = Fraction(float(top))
    step = limit - Fraction(float(np.nextafter(top, dtype.type(0))))
    if abs(number) > limit:
        return dtype.type(math.copysign(math.inf if abs(number) >= limit + step / 2 else limit, number))
    guess = np.array(float(number)).astype(dtype)[()]
    near = [guess, np.nextafter(guess, dtype.type(math.inf)), np.nextafter(guess, dtype.type(-math.inf))]
    return min(
        (x for x in near if math.isfinite(float(x))),
        key=lambda x: (abs(Fraction(float(x)) - number), int(x.view(f"uint{8 * dtype.itemsize}")) % 2),
    )


def converted(element, target, x):
    op = ConvertOp(like(element, x), target)
    op.verify_()
    (result,) = op.evaluate(x)
    assert result.dtype == dtype_of(target)
    return result


@pytest.mark.parametrize("target", INTEGERS, ids=str)
@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_a_float_becomes_an_integer_toward_zero_and_within_range(element, target):
    x, info = edges(element), np.iinfo(dtype_of(target))

    def expected(v):
        if math.isnan(v):
            return 0
        return info.max if v >= info.max else info.min if v <= info.min else math.trunc(v)

    assert converted(element, target, x).tolist() == [expected(float(v)) for v in x]


@pytest.mark.parametrize("target", INTEGERS, ids=str)
@pytest.mark.parametrize("element", [*INTEGERS, i1], ids=str)
def test_an_integer_becomes_an_integer_by_its_low_bits(element, target):
    x, width = edges(element), 8 * dtype_of(target).itemsize
    unsigned = converted(element, target, x).astype(object)
    assert [int(v) % 2**width for v in unsigned] == [int(v) % 2**width for v in x]


@pytest.mark.parametrize("element", ALL, ids=str)
def test_a_truth_value_is_whether_a_number_is_not_zero(element):
    x = edges(element)
    assert converted(element, i1, x).tolist() == [float(v) != 0 for v in x]


@pytest.mark.parametrize("target", FLOATS, ids=str)
@pytest.mark.parametrize("element", [*INTEGERS, i1], ids=str)
def test_an_integer_becomes_the_nearest_float(element, target):
    x = edges(element)
    expected = [nearest(Fraction(int(v)), dtype_of(target)) for v in x]
    assert_same(converted(element, target, x), np.array(expected, dtype_of(target)))


@pytest.mark.parametrize("target", FLOATS, ids=str)
@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_a_float_becomes_the_nearest_float(element, target):
    x = edges(element)
    result = converted(element, target, x)
    for v, r in zip(x.astype(np.float64), result, strict=True):
        if math.isfinite(v) and v != 0:
            assert r == nearest(Fraction(float(v)), dtype_of(target))
        else:
            assert_same(np.asarray(r.astype(np.float64)), np.asarray(v))


@settings(max_examples=150, deadline=None)
@given(st.floats(-70000, 70000), st.sampled_from(NARROW))
def test_a_double_is_rounded_once_to_a_narrow_float(number, target):
    result = converted(f64, target, np.array(number))
    assert result == nearest(Fraction(number), dtype_of(target))


@settings(max_examples=150, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([*NARROW, f32]))
def test_a_long_integer_is_rounded_once_to_a_float(number, target):
    result = converted(i64, target, np.array(number, np.int64))
    expected = nearest(Fraction(number), dtype_of(target))
    assert result == expected


@pytest.mark.parametrize(("target", "digits"), [(f16, 10), (bf16, 7)], ids=str)
def test_a_double_near_a_tie_goes_to_its_own_side(target, digits):
    """Through f32 it would become the tie and then go to the even side."""
    unit, little = 2.0**-digits, 2.0**-40
    assert float(converted(f64, target, np.array(1 + unit / 2 + little))) == 1 + unit
    assert float(converted(f64, target, np.array(1 + unit * 3 / 2 - little))) == 1 + unit
    assert float(converted(f64, target, np.array(-1 - unit * 3 / 2 + little))) == -1 - unit


def test_the_result_of_a_narrow_op_is_a_rounded_f32():
    exact = np.array(1 + 2.0**-11 + 2.0**-40)
    assert narrow(exact, np.dtype(np.float16)) == 1
    assert narrow(exact, np.dtype(np.float64)) == exact


def test_bits_are_kept_between_types_of_one_width():
    x = np.array([1.0, -0.0, math.inf], np.float32)
    (bits,) = BitcastConvertOp(like(f32, x), i32).evaluate(x)
    assert bits.tolist() == [0x3F800000, -(2**31), 0x7F800000]
    (back,) = BitcastConvertOp(like(i32, bits), f32).evaluate(bits)
    assert_same(back, x)


@pytest.mark.parametrize("target", NUMBERS, ids=str)
@pytest.mark.parametrize("element", NUMBERS, ids=str)
@pytest.mark.parametrize("shape", [(2, 8), (0, 8), (8,)], ids=str)
def test_bits_are_those_of_memory(shape, element, target):
    size, other = dtype_of(element).itemsize, dtype_of(target).itemsize
    shape = shape if size >= other else (*shape[:-1], other // size)
    x = np.frombuffer(bytes(range(math.prod(shape) * size)), dtype_of(element)).reshape(shape)
    op = BitcastConvertOp(like(element, x), target)
    op.verify_()
    (result,) = op.evaluate(x)
    assert result.tobytes() == x.tobytes()
    assert result.shape == op.result.type.get_shape()


def test_the_low_bits_come_first():
    x = np.array([0x01020304], np.int32)
    (result,) = BitcastConvertOp(like(i32, x), i8).evaluate(x)
    assert result.tolist() == [[4, 3, 2, 1]]
    assert struct.pack("<i", 0x01020304) == result.tobytes()
    (halves,) = BitcastConvertOp(like(i32, x), i16).evaluate(x)
    assert halves.tolist() == [[0x0304, 0x0102]]


def test_every_dtype_has_one_element_type():
    assert [element_type_of(dtype_of(element)) for element in ALL] == list(ALL)
