"""Integers of any width up to 64 bits, on NumPy scalars and arrays alike.

Values are held sign-extended in the next larger NumPy integer (`i1` as `bool`). Nothing traps:
x / 0 = -1 (all ones unsigned), x rem 0 = x, INT_MIN / -1 = INT_MIN, INT_MIN rem -1 = 0; a shift by the width or
more gives 0 or the sign. What does not fit wraps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from weft.dialects.ml.dtypes import Array

Ints: TypeAlias = Array
"""An array of integers, of any rank."""


@dataclass(frozen=True)
class Width:
    """A number of bits, and the three ways to look at values of that many bits."""

    bits: int

    @property
    def container(self) -> int:
        """The bits of the NumPy integer that holds a value."""
        return next(size for size in (8, 16, 32, 64) if self.bits <= size)

    @property
    def least(self) -> int:
        """The least signed value."""
        return -(1 << (self.bits - 1))

    @property
    def greatest(self) -> int:
        """The greatest signed value."""
        return (1 << (self.bits - 1)) - 1

    @property
    def ones(self) -> int:
        """All bits set, unsigned."""
        return (1 << self.bits) - 1

    def signed(self, x: Ints) -> Ints:
        """Held values as signed integers."""
        return -x.astype(np.int8) if self.bits == 1 else x.astype(f"i{self.container // 8}")

    def unsigned(self, x: Ints) -> Ints:
        """Held values as unsigned integers."""
        wide = x.astype(f"u{self.container // 8}")
        return wide if self.bits == self.container else np.bitwise_and(wide, _like(wide, self.ones))

    def hold(self, x: Ints) -> Ints:
        """The held values of integers of any NumPy integer type: their low bits, sign-extended."""
        if self.bits == 1:
            return (x & x.dtype.type(1)).astype(np.bool_)
        wide = x.astype(f"i{self.container // 8}")
        spare = wide.dtype.type(self.container - self.bits)
        return wide if not spare else (wide << spare) >> spare


def _like(x: Ints, value: int) -> Ints:
    return np.asarray(value, x.dtype)


def _divide(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Quotient rounded to zero, and remainder; a divisor 0 is taken for 1."""
    safe = np.where(b == 0, _like(b, 1), b)
    quotient = a // safe
    rest = a - quotient * safe
    up = (rest != 0) & ((a < 0) != (safe < 0))
    quotient = quotient + up.astype(a.dtype)
    return quotient, a - quotient * safe


def div_s(w: Width, a: Ints, b: Ints) -> Ints:
    """Signed division, rounded to zero."""
    return np.where(b == 0, _like(a, -1), _divide(a, b)[0])


def rem_s(w: Width, a: Ints, b: Ints) -> Ints:
    """Signed remainder, with the sign of the dividend."""
    return np.where(b == 0, a, _divide(a, b)[1])


def floor_div_s(w: Width, a: Ints, b: Ints) -> Ints:
    """Signed division, rounded down."""
    quotient, rest = _divide(a, b)
    down = (rest != 0) & ((a < 0) != (b < 0))
    return np.where(b == 0, _like(a, -1), quotient - down.astype(a.dtype))


def ceil_div_s(w: Width, a: Ints, b: Ints) -> Ints:
    """Signed division, rounded up."""
    quotient, rest = _divide(a, b)
    up = (rest != 0) & ((a < 0) == (b < 0))
    return np.where(b == 0, _like(a, -1), quotient + up.astype(a.dtype))


def div_u(w: Width, a: Ints, b: Ints) -> Ints:
    """Unsigned division, rounded down."""
    return np.where(b == 0, _like(a, w.ones), a // np.where(b == 0, _like(b, 1), b))


def ceil_div_u(w: Width, a: Ints, b: Ints) -> Ints:
    """Unsigned division, rounded up."""
    safe = np.where(b == 0, _like(b, 1), b)
    return np.where(b == 0, _like(a, w.ones), a // safe + (a % safe != 0).astype(a.dtype))


def rem_u(w: Width, a: Ints, b: Ints) -> Ints:
    """Unsigned remainder."""
    return np.where(b == 0, a, a % np.where(b == 0, _like(b, 1), b))


def _shift(w: Width, a: Ints, b: Ints, shift: Callable[[Ints, Ints], Ints], beyond: Ints) -> Ints:
    amount = w.unsigned(b)
    inside = amount < _like(amount, min(w.bits, 255))
    count = np.where(inside, amount, _like(amount, 0)).astype(a.dtype)
    return np.where(inside, shift(a, count), beyond)


def shift_left(w: Width, a: Ints, b: Ints) -> Ints:
    """Bits moved up; zeros come in."""
    return _shift(w, a, b, np.left_shift, _like(a, 0))


def shift_right_u(w: Width, a: Ints, b: Ints) -> Ints:
    """Bits moved down; zeros come in."""
    return _shift(w, a, b, np.right_shift, _like(a, 0))


def shift_right_s(w: Width, a: Ints, b: Ints) -> Ints:
    """Bits moved down; the sign comes in."""
    return _shift(w, a, b, np.right_shift, np.where(a < 0, _like(a, -1), _like(a, 0)))


def wide_product(a: Ints, b: Ints, w: Width) -> tuple[Ints, Ints]:
    """Low and high half of a product of twice the width, as unsigned integers."""
    exact = np.multiply(np.asarray(a, object), np.asarray(b, object))
    ones = w.ones

    def split(product: int) -> tuple[int, int]:
        return product & ones, (product >> w.bits) & ones

    low, high = np.frompyfunc(split, 1, 2)(np.asarray(exact, object))
    return np.asarray(low).astype(np.uint64), np.asarray(high).astype(np.uint64)


def bit_count(w: Width, a: Ints) -> Ints:
    """The number of bits that are set (`a` unsigned)."""
    return np.bitwise_count(a)


def leading_zeros(w: Width, a: Ints) -> Ints:
    """The number of zeros above the highest bit that is set; the width for 0 (`a` unsigned)."""
    for step in (1, 2, 4, 8, 16, 32):
        if step < w.container:
            a = a | (a >> _like(a, step))
    return w.bits - np.bitwise_count(a).astype(np.int64)


def trailing_zeros(w: Width, a: Ints) -> Ints:
    """The number of zeros below the lowest bit that is set; the width for 0 (`a` unsigned)."""
    below = np.bitwise_count((a - _like(a, 1)) & ~a).astype(np.int64)
    return np.minimum(below, w.bits)


def power(w: Width, a: Ints, b: Ints) -> Ints:
    """`a` to the `b`, wrapping; a negative exponent gives 1 / (a to the -b) rounded to zero (0: the greatest)."""
    result, base, left = np.ones_like(a), a, w.unsigned(b)
    for _ in range(w.bits):
        result = np.where((left & _like(left, 1)) != 0, result * base, result)
        base, left = base * base, left >> _like(left, 1)
    odd = (b & _like(b, 1)) != 0
    inverse = np.where(a == 1, 1, np.where(a == -1, np.where(odd, -1, 1), np.where(a == 0, w.greatest, 0)))
    return np.where(b < 0, inverse.astype(result.dtype), result)
