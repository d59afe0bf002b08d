"""Functions of complex numbers that NumPy lacks, or has with less care than double precision allows.

Each has the branch cuts of the standard: the principal values, with log's cut along the negative real numbers.
"""

from __future__ import annotations

import numpy as np

from weft.dialects.ml.dtypes import Array, parts_of


def joined(real: Array, imaginary: Array) -> Array:
    """The complex numbers of two parts, whatever these are: `real + 1j * imaginary` makes NaN of infinite ones."""
    result = np.empty(np.shape(real), np.result_type(real, np.complex64))
    result.real, result.imag = real, imaginary
    return result


def expm1(z: Array) -> Array:
    """exp(z) - 1: expm1(x) cos(y) - 2 sin(y / 2)^2 + exp(x) sin(y) i, exact near 0."""
    x, y = parts_of(z)
    real, imaginary = parts_of(np.exp(z))
    near = np.expm1(x) * np.cos(y) - 2 * np.sin(y / 2) ** 2
    return joined(np.where(np.abs(x) < 1, near, real - 1), imaginary)


def log1p(z: Array) -> Array:
    """log(1 + z): log1p(x (2 + x) + y^2) / 2 near 0, and the angle of 1 + z."""
    x, y = parts_of(z)
    near = 0.5 * np.log1p(x * (2 + x) + y * y)
    far, _ = parts_of(np.log(joined(1 + x, y)))
    return joined(np.where(np.maximum(np.abs(x), np.abs(y)) < 0.5, near, far), np.arctan2(y, 1 + x))


def sign(z: Array) -> Array:
    """z / |z|; 0 at 0, NaN where a part is NaN or both are infinite."""
    x, y = parts_of(z)
    first, second = np.abs(x), np.abs(y)
    greater = np.maximum(first, second)
    length = np.sqrt(1 + (np.minimum(first, second) / greater) ** 2)
    parts = (
        np.where(size == greater, np.copysign(1.0, part), part / greater) / length
        for part, size in ((x, first), (y, second))
    )
    return np.where(greater == 0, 0, joined(*parts))


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), exact in both tails and near the poles, which are at odd multiples of pi i."""
    x, y = parts_of(z)
    small, rest = np.exp(-np.abs(x)), -np.expm1(-np.abs(x))
    above = 2 * np.cos(y / 2) ** 2  # 1 + cos(y)
    one = rest + small * above  # 1 + small * cos(y)
    across = small * np.sin(y)
    real = np.where(x >= 0, one, small * (above - rest))
    below = one * one + across * across
    return joined(real / below, across / below)


def cbrt(z: Array) -> Array:
    """The cube root with an angle from -pi / 3 to pi / 3."""
    x, y = (np.abs(part) for part in parts_of(z))
    greater = np.maximum(x, y)
    ratio = np.where(x == y, 1, np.minimum(x, y) / greater)
    length = np.cbrt(greater) * np.cbrt(np.sqrt(1 + ratio * ratio))
    angle = np.angle(z) / 3
    return joined(length * np.cos(angle), length * np.sin(angle))


def power(a: Array, b: Array) -> Array:
    """exp(b log(a)); 1 where b is 0, and at a = 0: 0 where the real part of b is positive, else NaN."""
    at_zero = np.where(parts_of(b)[0] > 0, 0, np.nan)
    return np.where(b == 0, 1, np.where(a == 0, joined(at_zero, at_zero), np.power(a, b)))


def atan2(y: Array, x: Array) -> Array:
    """-i log((x + iy) / sqrt(x^2 + y^2))"""
    sizes = [np.abs(part) for number in (x, y) for part in parts_of(number)]
    scale = np.maximum.reduce(sizes)
    scale = np.where(scale == 0, 1, scale)
    x, y = x / scale, y / scale
    (a, b), (c, d) = parts_of(x), parts_of(y)
    real, imaginary = parts_of(np.log(joined(a - d, b + c) / np.sqrt(x * x + y * y)))
    return joined(imaginary, -real)
