"""Ops of one operand against Python's own mathematics, element by element."""

import math
import warnings
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from tests.dialects.ml.support import ALL, FLOATS, assert_near, assert_same, edges, like, of_kinds
from weft.dialects.ml import (
    AbsOp,
    CbrtOp,
    CeilOp,
    CosOp,
    ErfOp,
    Exp2Op,
    Expm1Op,
    ExpOp,
    FloorOp,
    GeluOp,
    IsFiniteOp,
    Log1pOp,
    Log2Op,
    LogOp,
    NegOp,
    NotOp,
    ReluOp,
    RoundEvenOp,
    RoundOp,
    RsqrtOp,
    SigmoidOp,
    SignOp,
    SiluOp,
    SinOp,
    SoftplusOp,
    SqrtOp,
    TanhOp,
    TanOp,
)
from weft.dialects.ml.dtypes import Kind, dtype_of, kind_of

NAN, INF = math.nan, math.inf


def total(function, *, above=INF):
    """A function of `math` that gives NaN outside its domain, and `above` where it overflows."""

    def wrapped(x):
        if math.isnan(x):
            return x
        try:
            return function(x)
        except ValueError:
            return NAN
        except OverflowError:
            return above

    return wrapped


def logarithm(function, pole):
    return total(lambda x: -INF if x == pole else function(x))


def whole(mode):
    def rounded(x):
        if not math.isfinite(x):
            return x
        return math.copysign(float(Decimal(x).to_integral_value(mode)), x)

    return rounded


def sigmoid(x):
    return math.exp(x) / (1 + math.exp(x)) if x < 0 else 1 / (1 + math.exp(-x))


def softplus(x):
    return x if x > 100 else math.log1p(math.exp(x))


def times(x, factor):
    return NAN if math.isinf(x) and factor == 0 else x * factor


def gelu(x):
    """With what rounding takes from the argument of erfc, by its slope in the lower tail."""
    if not 0 < -x < 60:
        return times(x, math.erfc(-x / math.sqrt(2)) / 2)
    t = -Decimal(x) / Decimal(2).sqrt()
    lost = float(t - Decimal(float(t)))
    return times(x, math.erfc(float(t)) / 2 * math.exp(-2 * float(t) * lost))


# By op: the function on one float, and how many units in the last place of f64 the two may differ.
FLOAT_MEANINGS = {
    AbsOp: (abs, 0),
    NegOp: (lambda x: -x, 0),
    SignOp: (lambda x: x if x == 0 or math.isnan(x) else math.copysign(1, x), 0),
    ReluOp: (lambda x: x if x > 0 or math.isnan(x) else 0.0, 0),
    FloorOp: (total(lambda x: math.copysign(math.floor(x), x) if math.isfinite(x) else x), 0),
    CeilOp: (total(lambda x: math.copysign(math.ceil(x), x) if math.isfinite(x) else x), 0),
    RoundOp: (whole(ROUND_HALF_UP), 0),
    RoundEvenOp: (whole(ROUND_HALF_EVEN), 0),
    SqrtOp: (total(math.sqrt), 0),
    ExpOp: (total(math.exp), 4),
    Expm1Op: (total(math.expm1), 4),
    Exp2Op: (total(lambda x: 2.0**x), 4),
    LogOp: (logarithm(math.log, 0), 4),
    Log1pOp: (logarithm(math.log1p, -1), 4),
    Log2Op: (logarithm(math.log2, 0), 4),
    RsqrtOp: (total(lambda x: math.copysign(INF, x) if x == 0 else 1 / math.sqrt(x)), 4),
    CbrtOp: (total(math.cbrt), 4),
    SinOp: (total(math.sin), 4),
    CosOp: (total(math.cos), 4),
    TanOp: (total(math.tan), 4),
    TanhOp: (total(math.tanh), 4),
    ErfOp: (total(math.erf), 0),
    SigmoidOp: (total(sigmoid), 4),
    SoftplusOp: (total(softplus), 4),
    SiluOp: (total(lambda x: times(x, sigmoid(x))), 8),
    GeluOp: (total(gelu), 8),
}


def expected_floats(function, x):
    """A function on each element, in f64, rounded to f32 and then to the dtype of `x` where that is narrow."""
    wide = np.array([function(float(e)) for e in x.reshape(-1)], np.float64).reshape(x.shape)
    with np.errstate(all="ignore"):
        return wide.astype(np.float32).astype(x.dtype) if x.dtype.itemsize == 2 else wide.astype(x.dtype)


@pytest.mark.parametrize("element", FLOATS, ids=str)
@pytest.mark.parametrize("op", FLOAT_MEANINGS, ids=lambda op: op.name)
def test_a_float_op_agrees_with_python_on_edge_values(op, element):
    function, ulps = FLOAT_MEANINGS[op]
    x = edges(element)
    (result,) = op(like(element, x)).evaluate(x)
    expected = expected_floats(function, x)
    if ulps == 0:
        assert_same(result, expected)
        return
    assert_near(result, expected, ulps if element == FLOATS[-1] else 1)


@pytest.mark.parametrize("op", FLOAT_MEANINGS, ids=lambda op: op.name)
def test_an_op_keeps_type_and_shape_without_a_warning(op):
    for element in of_kinds(op.TAKES):
        for shape in ((), (0,), (1,), (3, 0, 2), (2, 3)):
            x = np.ones(shape).astype(dtype_of(element))
            made = op(like(element, x))
            made.verify_()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                (result,) = made.evaluate(x)
            assert (result.shape, result.dtype) == (shape, x.dtype)


def wrap(value, dtype):
    """An integer as the dtype keeps it."""
    width = 8 * dtype.itemsize
    value &= (1 << width) - 1
    return value - (1 << width) if dtype.kind == "i" and value >> (width - 1) else value


INTEGER_MEANINGS = {
    AbsOp: abs,
    NegOp: lambda x: -x,
    SignOp: lambda x: (x > 0) - (x < 0),
    ReluOp: lambda x: max(x, 0),
    NotOp: lambda x: ~x,
}


@pytest.mark.parametrize("op", INTEGER_MEANINGS, ids=lambda op: op.name)
def test_an_integer_op_wraps(op):
    for element in of_kinds(op.TAKES & Kind.INTEGER):
        x = edges(element)
        (result,) = op(like(element, x)).evaluate(x)
        expected = [wrap(INTEGER_MEANINGS[op](int(e)), x.dtype) for e in x]
        assert_same(result, np.array(expected, x.dtype))


def test_not_flips_truth_values():
    x = np.array([True, False])
    (result,) = NotOp(like(ALL[4], x)).evaluate(x)
    assert result.tolist() == [False, True]


@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_is_finite_gives_truth_values(element):
    x = edges(element)
    op = IsFiniteOp(like(element, x))
    op.verify_()
    (result,) = op.evaluate(x)
    assert result.dtype == np.bool_
    assert result.tolist() == [math.isfinite(float(e)) for e in x]


def test_the_tails_of_sigmoid_softplus_and_gelu_keep_their_digits():
    x = np.array([-700.0, -40.0, -30.0, 40.0])
    assert SigmoidOp(like(FLOATS[-1], x)).evaluate(x)[0][0] == pytest.approx(math.exp(-700), rel=1e-14)
    assert SoftplusOp(like(FLOATS[-1], x)).evaluate(x)[0][1] == pytest.approx(math.exp(-40), rel=1e-14)
    assert GeluOp(like(FLOATS[-1], x)).evaluate(x)[0][2] == pytest.approx(-15 * math.erfc(30 / math.sqrt(2)), rel=1e-14)


def test_halves_are_rounded_away_or_to_even():
    x = np.array([0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994])
    assert RoundOp(like(FLOATS[-1], x)).evaluate(x)[0].tolist() == [1, 2, 3, -1, -3, 0]
    assert RoundEvenOp(like(FLOATS[-1], x)).evaluate(x)[0].tolist() == [0, 2, 2, -0.0, -2, 0]


def test_every_unary_op_has_a_meaning_here():
    from weft.dialects.ml import ML, ConjOp, UnaryOp

    covered = {*FLOAT_MEANINGS, *INTEGER_MEANINGS, ConjOp}  # test_complex.py has that of ConjOp
    assert {op for op in ML.operations if issubclass(op, UnaryOp)} == covered
    assert kind_of(FLOATS[0]) is Kind.FLOAT
