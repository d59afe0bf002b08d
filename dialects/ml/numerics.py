"""How the meanings of ml compute: floats in double precision and rounded once, integers that wrap."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np

from weft.dialects.ml.dtypes import BF16, Array, DType, is_float

Meaning: TypeAlias = Callable[..., Array]

_F32 = np.dtype(np.float32)
_NARROW = (np.dtype(np.float16), BF16)


def widen(x: Array) -> Array:
    """Floats as f64, complex numbers as pairs of f64, anything else as it is."""
    if x.dtype.kind == "c":
        return x.astype(np.complex128)
    return x.astype(np.float64) if is_float(x.dtype) else x


def narrow(x: Array, dtype: DType) -> Array:
    """An f64 result in its own type; f16 and bf16 are an f32 result that is rounded once."""
    if dtype in _NARROW:
        x = x.astype(_F32)
    return x.astype(dtype)


def in_wide(meaning: Meaning, *operands: Array) -> Array:
    """Apply a meaning to operands of one dtype: on f64 for floats and their pairs, as they are for the rest."""
    dtype = operands[0].dtype
    if not is_float(dtype) and dtype.kind != "c":
        return np.asarray(meaning(*operands)).astype(dtype, copy=False)
    return narrow(np.asarray(meaning(*map(widen, operands))), dtype)


def maximum(a: Array, b: Array) -> Array:
    """The greater one; NaN where one is NaN; +0 is greater than -0."""
    if not is_float(a.dtype):
        return np.maximum(a, b)
    return np.where((a == 0) & (b == 0), a + b, np.maximum(a, b))


def minimum(a: Array, b: Array) -> Array:
    """The lesser one; NaN where one is NaN; -0 is less than +0."""
    if not is_float(a.dtype):
        return np.minimum(a, b)
    return np.where((a == 0) & (b == 0), -(-a - b), np.minimum(a, b))


def divide(a: Array, b: Array) -> Array:
    """Quotients. Integers truncate; by zero they are -1 (unsigned: all ones); INT_MIN / -1 is INT_MIN."""
    if is_float(a.dtype) or a.dtype.kind == "c":
        return np.divide(a, b)
    one = np.ones_like(b)
    if a.dtype.kind == "u":
        return np.where(b == 0, np.invert(np.zeros_like(a)), a // np.where(b == 0, one, b))
    safe = np.where((b == 0) | (b == -1), one, b)
    quotient = (a - np.fmod(a, safe)) // safe
    return np.where(b == 0, -one, np.where(b == -1, np.negative(a), quotient))


def remainder(a: Array, b: Array) -> Array:
    """Remainders with the sign of the dividend. Integers: x rem 0 is x, INT_MIN rem -1 is 0."""
    if is_float(a.dtype):
        return np.fmod(a, b)
    trap = b == 0 if a.dtype.kind == "u" else (b == 0) | (b == -1)
    return np.where(trap, np.where(b == 0, a, np.zeros_like(a)), np.fmod(a, np.where(trap, np.ones_like(b), b)))


def power(a: Array, b: Array) -> Array:
    """Powers. Integers wrap; to a negative exponent 1 gives 1, -1 gives 1 or -1, 0 the greatest, others 0."""
    if is_float(a.dtype):
        return np.float_power(a, b)  # np.power takes the exponent 0.5 for sqrt, wrong at -inf and -0
    exponent = b if a.dtype.kind == "u" else np.maximum(b, np.zeros_like(b))
    result, base = np.ones_like(a * b), a
    for _ in range(8 * a.dtype.itemsize):
        result = np.where(exponent & 1, result * base, result)
        base, exponent = base * base, exponent >> 1
    if a.dtype.kind == "u":
        return result
    one = np.ones_like(result)
    flipped = np.where(b & 1, -one, one)
    inverse = np.where(a == 1, one, np.where(a == -1, flipped, np.where(a == 0, np.iinfo(a.dtype).max, 0)))
    return np.where(b < 0, inverse.astype(a.dtype), result)


def _unsigned(x: Array) -> Array:
    return np.ascontiguousarray(x).view(f"uint{8 * x.dtype.itemsize}").reshape(x.shape)


def _signed(x: Array) -> Array:
    return np.ascontiguousarray(x).view(f"int{8 * x.dtype.itemsize}").reshape(x.shape)


def shift_left(a: Array, n: Array) -> Array:
    """`a` shifted left by `n` bits; 0 where `n` is negative or not less than the width."""
    return _shift_bits(np.left_shift, a, n)


def shift_right_logical(a: Array, n: Array) -> Array:
    """`a` shifted right by `n` bits, zeros coming in; 0 where `n` is negative or not less than the width."""
    return _shift_bits(np.right_shift, a, n)


def _shift_bits(shift: Meaning, a: Array, n: Array) -> Array:
    bits, count = _unsigned(a), _unsigned(n)
    inside = count < 8 * a.dtype.itemsize
    zero = np.zeros_like(bits)
    return np.where(inside, shift(bits, np.where(inside, count, zero)), zero).view(a.dtype)


def shift_right_arithmetic(a: Array, n: Array) -> Array:
    """`a` shifted right by `n` bits, its top bit coming in; all sign where `n` is negative or too great."""
    last = 8 * a.dtype.itemsize - 1
    count = np.minimum(_unsigned(n), np.array(last, _unsigned(n).dtype))
    return np.right_shift(_signed(a), count.astype(_signed(a).dtype)).view(a.dtype)


def sign(x: Array) -> Array:
    """-1, 0 or 1; NaN and both zeros stay as they are."""
    if not is_float(x.dtype):
        return np.sign(x)
    return np.where((x == 0) | np.isnan(x), x, np.copysign(1.0, x))


def round_half_away(x: Array) -> Array:
    """The nearest whole number, halves away from zero."""
    size = np.abs(x)
    whole = np.floor(size)
    return np.copysign(whole + (size - whole >= 0.5), x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), exact in both tails."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), exact in both tails."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def erf(x: Array) -> Array:
    """The error function, to the last bits of f64."""
    return np.asarray(cast(Any, _erf(x)), dtype=np.float64)


_ROOT_HALF = (0.7071067811865476, -4.833646656726457e-17)
"""sqrt(1/2) as a double, and the rest."""


def gelu(x: Array) -> Array:
    """x times the normal distribution function: x * erfc(-x / sqrt 2) / 2.

    In the lower tail erfc falls so fast that what rounding takes from its argument counts: its slope is about -2t.
    """
    first, rest = _ROOT_HALF
    t = -x * first
    inside = (t > 0) & (t < 64)
    y = np.where(inside, -x, 0.0)
    lost = np.where(inside, _product_error(y, np.float64(first), np.where(inside, t, 0.0)) + y * rest, 0.0)
    share = np.asarray(cast(Any, _erfc(t)), dtype=np.float64)
    return 0.5 * x * share * np.exp(-2 * np.where(inside, t, 0.0) * lost)


def _product_error(a: Array, b: np.float64, product: Array) -> Array:
    """What rounding took from a product (Dekker, "A floating-point technique", Numerische Mathematik 1971)."""
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(np.asarray(b))
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(x: Array) -> tuple[Array, Array]:
    """A double as a sum of two with half of its bits."""
    scaled = x * 134217729.0
    high = scaled - (scaled - x)
    return high, x - high


def saturate(x: Array, dtype: DType) -> Array:
    """Floats to integers: toward zero, held to the range of `dtype`, NaN is 0."""
    info = np.iinfo(dtype)
    whole = np.trunc(np.where(np.isnan(x), 0.0, x))
    low, high = whole <= float(info.min), whole >= float(info.max)
    inside = np.where(low | high, 0.0, whole).astype(dtype)
    return np.where(low, np.array(info.min, dtype), np.where(high, np.array(info.max, dtype), inside))
