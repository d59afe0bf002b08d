"""Equations of complex numbers on their parts. A pair is a real and an imaginary part, of one type.

Intermediate results overflow only where the result itself (nearly) does. Where operands are infinite or NaN, products
and quotients may be NaN in both parts, as NumPy's are; functions of one operand are what C's annex G says.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from weft.dialects import ml
from weft.passes.graph.gradients.terms import Term

Pair: TypeAlias = tuple[Term, Term]


def add(x: Pair, y: Pair) -> Pair:
    """(a + c) + (b + d)i"""
    return x[0] + y[0], x[1] + y[1]


def subtract(x: Pair, y: Pair) -> Pair:
    """(a - c) + (b - d)i"""
    return x[0] - y[0], x[1] - y[1]


def multiply(x: Pair, y: Pair) -> Pair:
    """(ac - bd) + (ad + bc)i"""
    (a, b), (c, d) = x, y
    return a * c - b * d, a * d + b * c


def divide(x: Pair, y: Pair) -> Pair:
    """Smith's method (CACM 1962, Algorithm 116): by the greater part of the divisor, so that nothing is squared.

    Where that is 0, the parts are divided by 0.
    """
    (a, b), (c, d) = x, y
    real_is_greater = size_of(c).compare("GE", size_of(d))
    greater, lesser = c.chosen(real_is_greater, c, d), c.chosen(real_is_greater, d, c)
    first, second = a.chosen(real_is_greater, a, b), a.chosen(real_is_greater, b, a)
    by_zero = greater.compare("EQ", 0)
    ratio = greater.chosen(by_zero, 0, lesser / greater)
    below = greater.chosen(by_zero, size_of(greater), greater + lesser * ratio)
    across = second - first * ratio
    return (first + second * ratio) / below, across.chosen(real_is_greater, across, -across) / below


def negate(x: Pair) -> Pair:
    """-a - bi"""
    return -x[0], -x[1]


def conjugate(x: Pair) -> Pair:
    """a - bi"""
    return x[0], -x[1]


def magnitude(x: Pair) -> Term:
    """The greater part times sqrt(1 + ratio^2); infinite where a part is, even beside NaN."""
    a, b = size_of(x[0]), size_of(x[1])
    greater, ratio = _greater_and_ratio(a, b)
    return _infinite(greater * (ratio * ratio + 1).apply(ml.SqrtOp), a, b)


def exponential(x: Pair) -> Pair:
    """exp(a) cos(b) + exp(a) sin(b) i. exp(a) comes in two halves: it may overflow where the product does not."""
    a, b = x
    half = (a * 0.5).exp()
    real, imaginary = half * b.cos() * half, half * b.sin() * half
    least, greatest = a.compare("EQ", -math.inf), a.compare("EQ", math.inf)
    real = real.where("EQ", real, real, real.chosen(greatest, a, real.chosen(least, 0, real)))
    imaginary = imaginary.where("EQ", imaginary, imaginary, imaginary.chosen(least, 0, imaginary))
    return real, imaginary.chosen(b.compare("EQ", 0), b, imaginary)


def logarithm(x: Pair) -> Pair:
    """log|x| and the angle. Near |x| = 1, log|x| = log1p((m - 1)(m + 1) + n^2) / 2, with m the greater part."""
    a, b = size_of(x[0]), size_of(x[1])
    greater, ratio = _greater_and_ratio(a, b)
    lesser = a.apply(ml.MinOp, b)
    far = greater.log() + (ratio * ratio).apply(ml.Log1pOp) * 0.5
    near = ((greater - 1) * (greater + 1) + lesser * lesser).apply(ml.Log1pOp) * 0.5
    is_near = (greater - 1).apply(ml.AbsOp).compare("LT", 0.5)
    return _infinite(far.chosen(is_near, near, far), a, b), x[1].apply(ml.Atan2Op, x[0])


def square_root(x: Pair) -> Pair:
    """The root whose real part is not negative. With w = sqrt((|a| + |x|) / 2): w + b/2w i, or |b|/2w + sign(b) w i."""
    a, b = size_of(x[0]), size_of(x[1])
    greater, ratio = _greater_and_ratio(a, b)
    share = ratio.chosen(a.compare("GE", b), 1, ratio)
    root = greater.apply(ml.SqrtOp) * (((ratio * ratio + 1).apply(ml.SqrtOp) + share) * 0.5).apply(ml.SqrtOp)
    root = _infinite(root, a, b)
    other = b / (root * 2)
    other = _infinite(other.chosen(greater.compare("EQ", 0), b, other), b)
    builder, sign = x[1].builder, x[1]
    below = builder.insert(ml.CompareOp("LT", sign.value, sign.of(0).value, "TOTALORDER")).result
    right = x[0].compare("GE", 0)
    real, imaginary = root.chosen(right, root, other), root.chosen(right, other, root)
    return real, imaginary.chosen(below, -imaginary, imaginary)


def reciprocal_root(x: Pair) -> Pair:
    """1 / sqrt(x)"""
    one = x[0].of(1)
    return divide((one, one.of(0)), square_root(x))


def size_of(x: Term) -> Term:
    """|x| of a part."""
    return x.apply(ml.AbsOp)


def parts_by_size(x: Pair) -> Pair:
    """The size of the greater part, and that of the lesser by it: 1 where they are equal, 0 and infinity too."""
    return _greater_and_ratio(size_of(x[0]), size_of(x[1]))


def _infinite(x: Term, *sizes: Term) -> Term:
    """x, but infinite where one of some sizes is."""
    for size in sizes:
        x = size.where("EQ", math.inf, size, x)
    return x


def _greater_and_ratio(a: Term, b: Term) -> Pair:
    """The greater one of two sizes, and the lesser by the greater: 1 where they are equal, 0 and infinity too."""
    greater, lesser = a.apply(ml.MaxOp, b), a.apply(ml.MinOp, b)
    return greater, greater.chosen(a.compare("EQ", b), 1, lesser / greater)
