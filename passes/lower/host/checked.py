"""Arithmetic on sizes that knows when it overflows, and conditions; what is constant is computed here and now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i1, i64

from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_integers import constant_value

Number: TypeAlias = Value | int
Truth: TypeAlias = Value | bool

_PAIR = llvm.LLVMStructType.from_type_list([i64, i1])
_LIMIT = 1 << 63
_PYTHON = {"eq": int.__eq__, "slt": int.__lt__, "sle": int.__le__, "sge": int.__ge__}


class Checked:
    """Signed 64-bit arithmetic; `fits` tells whether all of it was exact so far."""

    def __init__(self, e: Emitter) -> None:
        self.e = e
        self.fits: Truth = True

    def number(self, value: Value) -> Number:
        """The number that a value is known to be, or the value."""
        known = constant_value(value)
        return value if known is None else known

    def numbers(self, values: Sequence[Value]) -> list[Number]:
        """:meth:`number` of several."""
        return [self.number(value) for value in values]

    def value(self, number: Number) -> Value:
        """A number as an llvm value; one that does not fit is 0."""
        if isinstance(number, int):
            return self.e.integer(number if -_LIMIT <= number < _LIMIT else 0)
        return number

    def add(self, a: Number, b: Number) -> Number:
        """`a + b`."""
        return self._binary("sadd", a, b, int.__add__)

    def sub(self, a: Number, b: Number) -> Number:
        """`a - b`."""
        return self._binary("ssub", a, b, int.__sub__)

    def mul(self, a: Number, b: Number) -> Number:
        """`a * b`."""
        return self._binary("smul", a, b, int.__mul__)

    def _binary(self, name: str, a: Number, b: Number, fold: Callable[[int, int], int]) -> Number:
        if isinstance(a, int) and isinstance(b, int):
            result = fold(a, b)
            self.fits = self.both(self.fits, -_LIMIT <= result < _LIMIT)
            return result
        e = self.e
        pair = e.intrinsic(f"{name}.with.overflow", (self.value(a), self.value(b)), _PAIR, (i64,))
        exact = e.xor(e.extract_value(pair, 1, i1), e.integer(1, i1))
        self.fits = self.both(self.fits, exact)
        return e.extract_value(pair, 0, i64)

    # conditions

    def compare(self, predicate: str, a: Number, b: Number) -> Truth:
        """`a` eq, slt, sle or sge `b`."""
        if isinstance(a, int) and isinstance(b, int):
            return bool(_PYTHON[predicate](a, b))
        return self.e.icmp(predicate, self.value(a), self.value(b))

    def within(self, a: Number, limit: Number) -> Truth:
        """`0 <= a < limit`."""
        return self.both(self.compare("sge", a, 0), self.compare("slt", a, limit))

    def both(self, a: Truth, b: Truth) -> Truth:
        """`a` and `b`."""
        if isinstance(a, bool):
            return b if a else False
        if isinstance(b, bool):
            return a if b else False
        return self.e.and_(a, b)

    def either(self, a: Truth, b: Truth) -> Truth:
        """`a` or `b`."""
        if isinstance(a, bool):
            return True if a else b
        if isinstance(b, bool):
            return True if b else a
        return self.e.or_(a, b)
