"""Building blocks of the expansions: f32 arithmetic, polynomials, powers of two by their bits.

All hold whether or not products and sums are joined into fused operations later.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32, i32
from xdsl.ir import SSAValue

from weft.passes.loops.ml_to_loop.body import Body

MANTISSA_BITS = 23
BIAS = 127

ROUNDER = 1.5 * 2.0**MANTISSA_BITS
"""Adding it to a number below 2**22 in size rounds that to a whole number, which its low bits then hold."""


class Floats:
    """f32 (and i32) arithmetic in a body."""

    def __init__(self, body: Body) -> None:
        self.body = body

    def number(self, value: float) -> SSAValue:
        """An f32 constant."""
        return self.body.constant(value, f32)

    def integer(self, value: int) -> SSAValue:
        """An i32 constant."""
        return self.body.constant(value, i32)

    def add(self, a: SSAValue, b: SSAValue | float) -> SSAValue:
        """a + b."""
        return self.body.put(arith.AddfOp(a, self._value(b)))

    def sub(self, a: SSAValue | float, b: SSAValue | float) -> SSAValue:
        """a - b."""
        return self.body.put(arith.SubfOp(self._value(a), self._value(b)))

    def mul(self, a: SSAValue, b: SSAValue | float) -> SSAValue:
        """a * b."""
        return self.body.put(arith.MulfOp(a, self._value(b)))

    def div(self, a: SSAValue | float, b: SSAValue) -> SSAValue:
        """a / b."""
        return self.body.put(arith.DivfOp(self._value(a), b))

    def magnitude(self, x: SSAValue) -> SSAValue:
        """|x|."""
        return self.body.put(math.AbsFOp(x))

    def signed_as(self, size: SSAValue, sign: SSAValue) -> SSAValue:
        """`size` with the sign of `sign`."""
        return self.body.put(math.CopySignOp(size, sign))

    def clamp(self, low: float, x: SSAValue, high: float) -> SSAValue:
        """x between two numbers; NaN stays."""
        least = self.body.put(arith.MaximumfOp(x, self.number(low)))
        return self.body.put(arith.MinimumfOp(least, self.number(high)))

    def where(self, predicate: str, a: SSAValue, b: float, yes: SSAValue, no: SSAValue) -> SSAValue:
        """`yes` where `a` compares so with a number, else `no`."""
        return self.body.select(self.body.cmpf(predicate, a, self.number(b)), yes, no)

    def polynomial(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        """c0 + c1*x + c2*x**2 + ..., by Horner's rule."""
        result = self.number(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            result = self.add(self.mul(result, x), coefficient)
        return result

    def round(self, x: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The nearest whole number to an x below 2**22 in size, as f32 and as i32."""
        shifted = self.add(x, ROUNDER)
        whole = self.sub(shifted, ROUNDER)
        zero = self.body.put(arith.BitcastOp(self.number(ROUNDER), i32))
        return whole, self.body.put(arith.SubiOp(self.bits(shifted), zero))

    def bits(self, x: SSAValue) -> SSAValue:
        """The bits of an f32 as i32."""
        return self.body.put(arith.BitcastOp(x, i32))

    def from_bits(self, n: SSAValue) -> SSAValue:
        """The f32 of some bits."""
        return self.body.put(arith.BitcastOp(n, f32))

    def power_of_two(self, n: SSAValue) -> SSAValue:
        """2**n for an i32 from -126 to 127."""
        biased = self.body.put(arith.AddiOp(n, self.integer(BIAS)))
        return self.from_bits(self.body.put(arith.ShLIOp(biased, self.integer(MANTISSA_BITS))))

    def scaled(self, x: SSAValue, n: SSAValue) -> SSAValue:
        """x * 2**n for an i32 from -252 to 254, in two steps: what is denormal is rounded once."""
        half = self.body.put(arith.ShRSIOp(n, self.integer(1)))
        rest = self.body.put(arith.SubiOp(n, half))
        return self.mul(self.mul(x, self.power_of_two(half)), self.power_of_two(rest))

    def _value(self, x: SSAValue | float) -> SSAValue:
        return x if isinstance(x, SSAValue) else self.number(x)
