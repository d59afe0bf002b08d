"""Ops of two operands against Python's integers and mathematics, on all pairs of edge values."""

import math
import warnings

import numpy as np
import pytest

from tests.dialects.ml.support import FLOATS, INTEGERS, assert_near, assert_same, like, of_kinds, pairs
from weft.dialects.ml import (
    ML,
    AddOp,
    AndOp,
    Atan2Op,
    BinaryOp,
    DivOp,
    MaxOp,
    MinOp,
    MulOp,
    OrOp,
    PowOp,
    RemOp,
    ShiftLeftOp,
    ShiftRightArithmeticOp,
    ShiftRightLogicalOp,
    SubOp,
    XorOp,
)
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Kind, dtype_of

BINARY = tuple(op for op in ML.operations if issubclass(op, BinaryOp))


def wrap(number, width, signed):
    """The low bits of an integer, with or without a sign."""
    number &= (1 << width) - 1
    return number - (1 << width) if signed and number >> (width - 1) else number


def quotient(a, b, width, signed):
    if b == 0:
        return -1
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def remainder(a, b, width, signed):
    return a if b == 0 else a - b * quotient(a, b, width, signed)


def power(a, b, width, signed):
    if b >= 0:
        return pow(a, b, 1 << width)
    if a == 0:
        return (1 << (width - 1)) - 1
    return {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)


def shift_left(a, b, width, signed):
    return a << b if 0 <= b < width else 0


def shift_right_logical(a, b, width, signed):
    return wrap(a, width, False) >> b if 0 <= b < width else 0


def shift_right_arithmetic(a, b, width, signed):
    return wrap(a, width, True) >> (b if 0 <= b < width else width - 1)


INTEGER_MEANINGS = {
    AddOp: lambda a, b, *_: a + b,
    SubOp: lambda a, b, *_: a - b,
    MulOp: lambda a, b, *_: a * b,
    DivOp: quotient,
    RemOp: remainder,
    PowOp: power,
    MaxOp: lambda a, b, *_: max(a, b),
    MinOp: lambda a, b, *_: min(a, b),
    AndOp: lambda a, b, *_: a & b,
    OrOp: lambda a, b, *_: a | b,
    XorOp: lambda a, b, *_: a ^ b,
    ShiftLeftOp: shift_left,
    ShiftRightLogicalOp: shift_right_logical,
    ShiftRightArithmeticOp: shift_right_arithmetic,
}


@pytest.mark.parametrize("element", INTEGERS, ids=str)
@pytest.mark.parametrize("op", INTEGER_MEANINGS, ids=lambda op: op.name)
def test_an_integer_op_agrees_with_python_on_all_pairs_of_edges(op, element):
    a, b = pairs(element)
    width, signed = 8 * a.dtype.itemsize, ELEMENT_TYPES[element][0] is Kind.SIGNED
    expected = [
        wrap(INTEGER_MEANINGS[op](int(x), int(y), width, signed), width, signed) for x, y in zip(a, b, strict=True)
    ]
    (result,) = op(like(element, a), like(element, b)).evaluate(a, b)
    assert_same(result, np.array(expected, a.dtype))


def order(a, b, pick):
    """The extreme of two floats: NaN wins, and +0 is greater than -0."""
    if math.isnan(a) or math.isnan(b):
        return math.nan
    return pick((a, b), key=lambda x: (x, math.copysign(1, x)))


def divide(a, b):
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def fmod(a, b):
    return math.nan if math.isinf(a) or b == 0 else math.fmod(a, b)


def float_power(a, b):
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a != 0:
            return math.nan
        return math.copysign(math.inf, a) if b % 2 == 1 else math.inf


FLOAT_MEANINGS = {
    AddOp: (lambda a, b: a + b, 0),
    SubOp: (lambda a, b: a - b, 0),
    MulOp: (lambda a, b: a * b, 0),
    DivOp: (divide, 0),
    RemOp: (fmod, 0),
    MaxOp: (lambda a, b: order(a, b, max), 0),
    MinOp: (lambda a, b: order(a, b, min), 0),
    PowOp: (float_power, 4),
    Atan2Op: (math.atan2, 4),
}


@pytest.mark.parametrize("element", FLOATS, ids=str)
@pytest.mark.parametrize("op", FLOAT_MEANINGS, ids=lambda op: op.name)
def test_a_float_op_agrees_with_python_on_all_pairs_of_edges(op, element):
    meaning, ulps = FLOAT_MEANINGS[op]
    a, b = pairs(element)
    with np.errstate(all="ignore"):
        wide = np.array([meaning(float(x), float(y)) for x, y in zip(a, b, strict=True)])
        expected = (wide.astype(np.float32) if a.dtype.itemsize == 2 else wide).astype(a.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (result,) = op(like(element, a), like(element, b)).evaluate(a, b)
    assert_near(result, expected, ulps)


@pytest.mark.parametrize(
    ("op", "table"),
    [
        (AddOp, [0, 1, 1, 1]),
        (OrOp, [0, 1, 1, 1]),
        (MaxOp, [0, 1, 1, 1]),
        (MulOp, [0, 0, 0, 1]),
        (AndOp, [0, 0, 0, 1]),
        (MinOp, [0, 0, 0, 1]),
        (XorOp, [0, 1, 1, 0]),
    ],
)
def test_truth_values_have_and_and_or(op, table):
    a, b = np.array([False, False, True, True]), np.array([False, True, False, True])
    element = of_kinds(Kind.BOOL)[0]
    (result,) = op(like(element, a), like(element, b)).evaluate(a, b)
    assert_same(result, np.array(table, np.bool_))


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_an_op_keeps_type_and_shape_without_a_warning(op):
    for element in of_kinds(op.TAKES):
        for shape in ((), (0,), (1,), (3, 0, 2), (2, 3)):
            x = np.ones(shape).astype(dtype_of(element))
            made = op(like(element, x), like(element, x))
            made.verify_()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                (result,) = made.evaluate(x, x)
            assert (result.shape, result.dtype) == (shape, x.dtype)


@pytest.mark.parametrize("element", INTEGERS, ids=str)
def test_rank_0_integers_wrap_without_a_warning(element):
    info = np.iinfo(dtype_of(element))
    low, high = np.array(info.min, info.dtype), np.array(info.max, info.dtype)
    for op in INTEGER_MEANINGS:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for a, b in ((low, high), (high, high), (low, low), (high, low)):
                op(like(element, a), like(element, b)).evaluate(a, b)


def test_every_binary_op_has_a_meaning_here():
    assert set(BINARY) == {*INTEGER_MEANINGS, *FLOAT_MEANINGS}
