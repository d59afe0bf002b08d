"""Activations on the CPU, in units of the last place: they keep their digits in both tails."""

import math

import numpy as np
import pytest

import weft
from weft.dialects.ml import numerics

MOST = 5

is_precise = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long double is double here")


def gelu(x):
    """By erfc at a rounded argument, and its derivative for what rounding lost."""
    wide = x.astype(np.longdouble)
    t = -wide / np.sqrt(np.longdouble(2))
    near = t.astype(np.float64)
    lost = np.where(t > 0, t - near, 0)  # below 0 the slope is small
    complement = np.array([math.erfc(v) for v in near], np.longdouble)
    return wide * complement * np.exp(-(2 * near + lost) * lost) / 2


def sigmoid(x):
    small = np.exp(-np.abs(x.astype(np.longdouble)))
    return np.where(x < 0, small, 1) / (1 + small)


MEANINGS = {
    "gelu": gelu,
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x.astype(np.longdouble)))),
}


@is_precise
def test_the_meaning_of_gelu_keeps_its_digits_too():
    x = np.concatenate([np.linspace(-38, 10, 4001), [-1e300, 1e300, 0.0, -0.0]])
    exact = gelu(x)
    near = np.abs(exact) > 100 * np.finfo(np.float64).smallest_normal
    error = np.abs(numerics.gelu(x) - exact)[near] / np.spacing(np.abs(exact[near].astype(np.float64)))
    assert error.max() <= 6  # the oracle's own error is 3
    with np.errstate(invalid="ignore"):
        assert np.isnan(numerics.gelu(np.array([-np.inf]))[0]) and numerics.gelu(np.array([np.inf]))[0] == np.inf


@is_precise
@pytest.mark.parametrize(("element", "dtype"), [("f32", np.float32), ("f64", np.float64)])
@pytest.mark.parametrize("op", MEANINGS)
def test_activations_keep_their_digits_in_both_tails(op, element, dtype):
    type_ = f"tensor<?x{element}>"
    text = f"func.func @main(%x: {type_}) -> {type_} {{\n  %r = ml.{op} %x : {type_}\n  func.return %r : {type_}\n}}"
    compiled = weft.compile(text, threads=1)
    ends = {"gelu": (-13, -37)}.get(op, (-86, -700))[element == "f64"]
    x = np.concatenate([np.linspace(ends, 10, 3001), np.linspace(-1, 1, 1001), np.geomspace(1e-30, 1, 300)])
    x = np.concatenate([x, -np.geomspace(1e-30, 1, 300)]).astype(dtype)
    exact = MEANINGS[op](x)
    error = np.abs(compiled(x).astype(np.longdouble) - exact) / np.spacing(np.abs(exact.astype(dtype)))
    most = MOST + (op == "gelu" and element == "f64")  # there the oracle itself has an error
    assert error.max() <= most, x[error.argmax()]
    special = compiled(np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype))
    assert special[0] == (1 if op == "sigmoid" else np.inf) and np.isnan(special[2])
    assert np.isnan(special[1]) if op in ("gelu", "silu") else special[1] == 0
    if op in ("gelu", "silu"):
        assert special[3:].tolist() == [0, 0] and np.signbit(special[3:]).tolist() == [False, True]
