"""The numbers by which bits of a float are rounded to fewer bits."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float32Type, Float64Type
from xdsl.ir import Attribute

MANTISSA_BITS: dict[Attribute, int] = {Float16Type(): 10, BFloat16Type(): 7, Float32Type(): 23, Float64Type(): 52}
"""The bits of the mantissa that a float type stores."""

WIDTHS: dict[Attribute, int] = {Float16Type(): 16, BFloat16Type(): 16, Float32Type(): 32, Float64Type(): 64}


@dataclass(frozen=True)
class Rounding:
    """Masks and numbers on the bits of a float.

    To round: add `bias`, and the bit above the `dropped` ones, and keep `kept`. An exponent (under the mask
    `exponent`) above `greatest` becomes infinity; one up to `least` becomes zero, if the format `flushes`.
    """

    dropped: int
    bias: int
    kept: int
    sign: int
    exponent: int
    greatest: int
    least: int
    flushes: bool
    loses_nan: bool


def rounding(element: Attribute, exponent_bits: int, mantissa_bits: int) -> Rounding:
    """How floats of a type are rounded to a format. Raises KeyError for a type that is no float."""
    width, mantissa = WIDTHS[element], MANTISSA_BITS[element]
    exponent_width = width - 1 - mantissa
    dropped = max(0, mantissa - mantissa_bits)
    all_ones = (1 << width) - 1
    middle = (1 << (exponent_width - 1)) - 1
    reach = (1 << (min(exponent_bits, exponent_width) - 1)) - 1
    flushes = exponent_bits < exponent_width
    return Rounding(
        dropped=dropped,
        bias=((1 << dropped) >> 1) - 1 if dropped else 0,
        kept=all_ones ^ ((1 << dropped) - 1),
        sign=1 << (width - 1),
        exponent=((1 << exponent_width) - 1) << mantissa,
        greatest=(middle + reach if flushes else (1 << exponent_width) - 1) << mantissa,
        least=(middle - reach if flushes else 0) << mantissa,
        flushes=flushes,
        loses_nan=mantissa_bits == 0,
    )
