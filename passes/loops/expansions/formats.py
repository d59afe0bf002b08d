"""The two floats in which the expansions compute, with what follows from their layout."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import Float32Type, Float64Type, IntegerType, f32, f64, i32, i64


@dataclass(frozen=True)
class Format:
    """A float type, the integer type of its bits, the bits of its mantissa, the bias of its exponent."""

    type: Float32Type | Float64Type
    integer: IntegerType
    mantissa: int
    bias: int

    @property
    def rounder(self) -> float:
        """Adding it to a number below 2**(mantissa - 1) in size rounds it; the low bits hold the whole number."""
        return 1.5 * 2.0**self.mantissa

    @property
    def rounder_bits(self) -> int:
        """The bits of `rounder`."""
        return (self.bias + self.mantissa << self.mantissa) | 1 << (self.mantissa - 1)

    @property
    def least_normal(self) -> float:
        """The least number that is not denormal."""
        return 2.0 ** (1 - self.bias)

    @property
    def half_unit(self) -> float:
        """Half a unit in the last place of 1: what is less than it is lost beside 1."""
        return 2.0 ** (-1 - self.mantissa)

    @property
    def upper_half(self) -> int:
        """The mask of the bits of a number whose square is exact: sign, exponent and half of the mantissa."""
        return -1 << (self.mantissa // 2 + 1)


F32 = Format(f32, i32, 23, 127)
F64 = Format(f64, i64, 52, 1023)
