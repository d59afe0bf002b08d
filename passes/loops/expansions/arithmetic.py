"""Building blocks of the expansions: arithmetic on f32 or f64, polynomials, powers of two by their bits.

All hold whether or not products and sums are joined into fused operations later.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, math
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import SSAValue

from weft.dialects.loop import LookupOp, ScaleOp
from weft.passes.loops.expansions.formats import F32, F64, Format
from weft.passes.loops.ml_to_loop.body import Body

BY_MACHINE = arith.FastMathFlagsAttr([FastMathFlag.APPROX_FUNC])
"""What an op of `math` says that is the machine's own instruction, of which the numbers it is given are right."""


class Floats:
    """Arithmetic on the floats of one format, and on integers as wide, in a body."""

    def __init__(self, body: Body, format_: Format, *, tables: bool = False, powers: bool = False) -> None:
        self.body = body
        self.format = format_
        self.powers = powers and format_ is F32
        """Whether the machine has an instruction for powers of two, right to 2 ulp, and a fused multiply-add."""
        self.tables = tables
        """Whether the machine scales by powers of two and looks numbers up in a register (`loop.scale`, `loop.lookup`)
        in one instruction each, and has a fused multiply-add."""

    @property
    def is_wide(self) -> bool:
        """Whether these are f64."""
        return self.format is F64

    def number(self, value: float) -> SSAValue:
        """A constant."""
        return self.body.constant(value, self.format.type)

    def integer(self, value: int) -> SSAValue:
        """An integer constant."""
        return self.body.constant(value, self.format.integer)

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

    def negate(self, x: SSAValue) -> SSAValue:
        """-x."""
        return self.body.put(arith.NegfOp(x))

    def magnitude(self, x: SSAValue) -> SSAValue:
        """|x|."""
        return self.body.put(math.AbsFOp(x))

    def signed_as(self, size: SSAValue, sign: SSAValue) -> SSAValue:
        """`size` with the sign of `sign`."""
        return self.body.put(math.CopySignOp(size, sign))

    def at_least(self, low: float, x: SSAValue) -> SSAValue:
        """The greater of x and a number; NaN stays."""
        return self.where("olt", x, low, self.number(low), x)

    def at_most(self, x: SSAValue, high: float) -> SSAValue:
        """The lesser of x and a number; NaN stays."""
        return self.where("ogt", x, high, self.number(high), x)

    def clamp(self, low: float, x: SSAValue, high: float) -> SSAValue:
        """x between two numbers; NaN stays."""
        return self.at_most(self.at_least(low, x), high)

    def where(self, predicate: str, a: SSAValue, b: SSAValue | float, yes: SSAValue, no: SSAValue) -> SSAValue:
        """`yes` where `a` compares so with a number, else `no`."""
        return self.body.select(self.compare(predicate, a, b), yes, no)

    def compare(self, predicate: str, a: SSAValue, b: SSAValue | float) -> SSAValue:
        """Whether `a` compares so with a number."""
        return self.body.cmpf(predicate, a, self._value(b))

    def polynomial(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        """c0 + c1*x + c2*x**2 + ..., by Horner's rule."""
        result = self.number(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            result = self.add(self.mul(result, x), coefficient)
        return result

    def round(self, x: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The nearest whole number to an x below 2**(mantissa - 1) in size, as a float and as an integer."""
        shifted = self.add(x, self.format.rounder)
        whole = self.sub(shifted, self.format.rounder)
        zero = self.integer(self.format.rounder_bits)
        return whole, self.body.put(arith.SubiOp(self.bits(shifted), zero))

    def looked_up(self, x: SSAValue, numbers: Sequence[float]) -> SSAValue:
        """The number at the place that the lowest bits of a float say."""
        return self.body.put(LookupOp(self.bits(x), numbers, self.format.type))

    def fma(self, a: SSAValue, b: SSAValue | float, c: SSAValue | float) -> SSAValue:
        """a * b + c, rounded once."""
        return self.body.put(math.FmaOp(a, self._value(b), self._value(c)))

    def power_near(self, r: SSAValue) -> SSAValue:
        """2**r by the machine's instruction, for a small r."""
        return self.body.put(math.Exp2Op(r, fastmath=BY_MACHINE))

    def whole(self, n: SSAValue) -> SSAValue:
        """An integer below 2**(mantissa - 1) in size as a float. f64 and i64 are not converted by every machine."""
        if not self.is_wide:
            return self.body.put(arith.SIToFPOp(n, self.format.type))
        shifted = self.body.put(arith.AddiOp(n, self.integer(self.format.rounder_bits)))
        return self.sub(self.from_bits(shifted), self.format.rounder)

    def bits(self, x: SSAValue) -> SSAValue:
        """The bits of a float."""
        return self.body.put(arith.BitcastOp(x, self.format.integer))

    def from_bits(self, n: SSAValue) -> SSAValue:
        """The float of some bits."""
        return self.body.put(arith.BitcastOp(n, self.format.type))

    def upper_half(self, x: SSAValue) -> SSAValue:
        """x with half of its mantissa: products of two such numbers are exact."""
        mask = self.integer(self.format.upper_half)
        return self.from_bits(self.body.put(arith.AndIOp(self.bits(x), mask)))

    def power_of_two(self, n: SSAValue) -> SSAValue:
        """2**n for an integer n that is the exponent of a normal number."""
        biased = self.body.put(arith.AddiOp(n, self.integer(self.format.bias)))
        return self.from_bits(self.body.put(arith.ShLIOp(biased, self.integer(self.format.mantissa))))

    def scaled(self, x: SSAValue, n: SSAValue) -> SSAValue:
        """x * 2**n for an n up to twice as large as an exponent; what is denormal is rounded once.

        Where the machine does not do that itself, n is an integer, and there are two steps.
        """
        if self.tables:
            power = n if n.type == self.format.type else self.body.put(arith.SIToFPOp(n, self.format.type))
            return self.body.put(ScaleOp(x, power))
        half = self.body.put(arith.ShRSIOp(n, self.integer(1)))
        rest = self.body.put(arith.SubiOp(n, half))
        return self.mul(self.mul(x, self.power_of_two(half)), self.power_of_two(rest))

    def _value(self, x: SSAValue | float) -> SSAValue:
        return x if isinstance(x, SSAValue) else self.number(x)
