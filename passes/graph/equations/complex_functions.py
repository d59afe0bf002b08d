"""Equations of the functions of complex numbers on their parts, beyond arithmetic, exp, log and roots.

Circular functions of a + bi are products of circular functions of one part and hyperbolic ones of the other. These come
with a scale, so that no product overflows before its time. At infinities and NaN they follow C's annex G.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute

from weft.dialects import ml
from weft.passes.graph.equations.complex import (
    Pair,
    add,
    divide,
    exponential,
    logarithm,
    multiply,
    parts_by_size,
    size_of,
    square_root,
)
from weft.passes.graph.gradients.terms import Term, element_of

_LARGE: Mapping[Attribute, float] = {f32: 10.0, f64: 20.0}
"""From here on exp(-2x) is lost beside 1."""


@dataclass(frozen=True)
class _Hyperbolic:
    """cosh(x) and sinh(x), both divided by `scale`; all are finite as long as the square root of cosh(x) is.

    `size` is |x|.
    """

    size: Term
    cosh: Term
    sinh: Term
    scale: Term


def _hyperbolic(x: Term) -> _Hyperbolic:
    """With e = exp(x) - 1: sinh(x) = (e + e / (e + 1)) / 2 and cosh(x) = 1 + e^2 / (e + 1) / 2; exp(x) / 2 if large."""
    size, large = size_of(x), _LARGE[element_of(x.value.type)]
    e = size.apply(ml.MinOp, large).apply(ml.Expm1Op)
    share = e / (e + 1)
    is_large, half = size.compare("GT", large), (size * 0.5).exp()
    cosh = x.chosen(is_large, half * 0.5, e * share * 0.5 + 1)
    sinh = x.chosen(is_large, half * 0.5, (e + share) * 0.5) * x.apply(ml.SignOp)
    return _Hyperbolic(size, cosh, sinh, x.chosen(is_large, half, 1))


def _by_sine(h: _Hyperbolic, factor: Term, sine: Term) -> Term:
    """A product of cosh(x) or sinh(x) with a sine; 0 where one of both is, whatever the other."""
    result = factor * sine * h.scale
    result = result.chosen(factor.compare("EQ", 0), factor, result)
    return result.chosen(sine.compare("EQ", 0), factor.where("LT", 0, -sine, sine), result)


def _by_cosine(h: _Hyperbolic, factor: Term, cosine: Term) -> Term:
    """A product with a cosine; 0 where the factor is, and infinite where x is and the angle has no cosine."""
    result = factor * cosine * h.scale
    result = result.chosen(factor.compare("EQ", 0), factor, result)
    return result.where("EQ", result, result, h.size.where("EQ", math.inf, factor, result))


def sine(x: Pair) -> Pair:
    """sin(a) cosh(b) + cos(a) sinh(b) i"""
    h = _hyperbolic(x[1])
    return _by_sine(h, h.cosh, x[0].sin()), _by_cosine(h, h.sinh, x[0].cos())


def cosine(x: Pair) -> Pair:
    """cos(a) cosh(b) - sin(a) sinh(b) i"""
    h = _hyperbolic(x[1])
    return _by_cosine(h, h.cosh, x[0].cos()), -_by_sine(h, h.sinh, x[0].sin())


def _tangents(x: Term, y: Term) -> Pair:
    """sinh(x) cosh(x) / d and sin(y) cos(y) / d, where d = sinh(x)^2 + cos(y)^2: the parts of tanh(x + yi)."""
    size, large = size_of(x), _LARGE[element_of(x.value.type)]
    h = _hyperbolic(x.apply(ml.MaxOp, -large).apply(ml.MinOp, large))
    cos, product = y.cos(), y.sin() * y.cos()
    below = h.sinh * h.sinh + cos * cos
    is_large, is_infinite = size.compare("GE", large), size.compare("EQ", math.inf)
    first = x.chosen(is_large, x.apply(ml.SignOp), h.sinh * h.cosh / below)
    second = x.chosen(is_large, product * 4 * (size * -2).exp(), product / below)
    first = product.where("EQ", product, first, first.chosen(is_infinite, first, product))
    second = second.where("EQ", second, second, second.chosen(is_infinite, 0, second))
    return first.chosen(x.compare("EQ", 0), x, first), second.chosen(y.compare("EQ", 0), y, second)


def hyperbolic_tangent(x: Pair) -> Pair:
    """(sinh(a) cosh(a) + sin(b) cos(b) i) / (sinh(a)^2 + cos(b)^2)"""
    return _tangents(x[0], x[1])


def tangent(x: Pair) -> Pair:
    """(sin(a) cos(a) + sinh(b) cosh(b) i) / (sinh(b)^2 + cos(a)^2)"""
    imaginary, real = _tangents(x[1], x[0])
    return real, imaginary


def sigmoid(x: Pair) -> Pair:
    """1 / (1 + exp(-x)) by e = exp(-|a|): 1 + e cos(b) is (1 - e) + e (1 + cos(b)), where nothing cancels."""
    size, half_cos = size_of(x[0]), (x[1] * 0.5).cos()
    e, rest, above = (-size).exp(), -(-size).apply(ml.Expm1Op), half_cos * half_cos * 2
    one, across = rest + e * above, e * x[1].sin()
    below = one * one + across * across
    return x[0].where("GE", 0, one, e * (above - rest)) / below, across / below


def exponential_minus_one(x: Pair) -> Pair:
    """(exp(a) - 1) cos(b) - 2 sin(b / 2)^2 + exp(a) sin(b) i"""
    real, imaginary = exponential(x)
    half_sin = (x[1] * 0.5).sin()
    near = x[0].apply(ml.Expm1Op) * x[1].cos() - half_sin * half_sin * 2
    return size_of(x[0]).where("LT", 1, near, real - 1), imaginary


def log_plus_one(x: Pair) -> Pair:
    """log(1 + x): log1p(a (2 + a) + b^2) / 2 near 0, and the angle of 1 + x."""
    a, b = x
    far, angle = logarithm((a + 1, b))
    near = (a * (a + 2) + b * b).apply(ml.Log1pOp) * 0.5
    return size_of(a).apply(ml.MaxOp, size_of(b)).where("LT", 0.5, near, far), angle


def cube_root(x: Pair) -> Pair:
    """The roots of the length and a third of the angle."""
    greater, ratio = parts_by_size(x)
    length = greater.apply(ml.CbrtOp) * (ratio * ratio + 1).apply(ml.SqrtOp).apply(ml.CbrtOp)
    angle = x[1].apply(ml.Atan2Op, x[0]) / 3
    return length * angle.cos(), length * angle.sin()


def sign(x: Pair) -> Pair:
    """x / |x|, with both divided by the greater part first; 0 at 0."""
    greater, lesser = size_of(x[0]).apply(ml.MaxOp, size_of(x[1])), size_of(x[0]).apply(ml.MinOp, size_of(x[1]))
    ratio = lesser / greater
    length = (ratio * ratio + 1).apply(ml.SqrtOp)
    shares = (size_of(part).where("EQ", greater, part.apply(ml.SignOp), part / greater) / length for part in x)
    real, imaginary = (greater.where("EQ", 0, share.of(0), share) for share in shares)
    return real, imaginary


def power(x: Pair, y: Pair) -> Pair:
    """exp(y log(x)). In f64 for f32: the error of the exponent is that of the result, and grows with it."""
    element = element_of(x[0].value.type)
    (a, b), (c, d) = (tuple(part.convert(f64) for part in pair) for pair in (x, y))
    size, angle = logarithm((a, b))
    real, imaginary = exponential((_product(c, size) - _product(d, angle), _product(d, size) + _product(c, angle)))
    base, exponent = (size_of(p).apply(ml.MaxOp, size_of(q)) for p, q in ((a, b), (c, d)))
    at_zero = c.where("GT", 0, c.of(0), math.nan)
    real, imaginary = (base.where("EQ", 0, at_zero, part) for part in (real, imaginary))
    real, imaginary = exponent.where("EQ", 0, real.of(1), real), exponent.where("EQ", 0, real.of(0), imaginary)
    return real.convert(element), imaginary.convert(element)


def _product(x: Term, y: Term) -> Term:
    """x y, and 0 where x is 0, also beside an infinite y."""
    return x.where("EQ", 0, x, x * y)


def angle_of(y: Pair, x: Pair) -> Pair:
    """-i log((x + iy) / sqrt(x^2 + y^2)), with all parts divided by the greatest first."""
    sizes = [size_of(part) for part in (*x, *y)]
    scale = sizes[0]
    for size in sizes[1:]:
        scale = scale.apply(ml.MaxOp, size)
    scale = scale.where("EQ", 0, scale.of(1), scale)
    x, y = (x[0] / scale, x[1] / scale), (y[0] / scale, y[1] / scale)
    root = square_root(add(multiply(x, x), multiply(y, y)))
    size, angle = logarithm(divide((x[0] - y[1], x[1] + y[0]), root))
    return angle, -size
