"""Ids of blocks and threads as symbols at the head of a function of the device, and parts of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, i32
from xdsl.ir import Attribute, Operation, SSAValue

from weft.dialects import gpu
from weft.dialects.loop import IndexOp, Linear, linear
from weft.passes.rewriting import LocatedBuilder

INDEX = IndexType()
AXES = "xyz"
SMALL = 1 << 31
"""Below this, ids are divided in 32 bits, which is several times faster."""


class Ids:
    """Makes ids, each once, where `builder` stands: after the symbols that came with the kernel."""

    def __init__(self, builder: LocatedBuilder) -> None:
        self.builder = builder
        self._made: dict[object, SSAValue] = {}

    def block(self, axis: int) -> SSAValue:
        """The id of the block along an axis."""
        return self._once(("block", axis), lambda: gpu.BlockIdOp(AXES[axis]), "b")

    def thread(self, axis: int) -> SSAValue:
        """The id of the thread in its block along an axis."""
        return self._once(("thread", axis), lambda: gpu.ThreadIdOp(AXES[axis]), "t")

    def part(self, value: SSAValue, modulus: int | None, divisor: int) -> SSAValue:
        """`(value mod modulus) / divisor` of a thread id."""
        rest = value if modulus is None else self.divided(value, modulus, SMALL)[1]
        return rest if divisor == 1 else self.divided(rest, divisor, SMALL)[0]

    def digits(self, number: Linear, extents: Sequence[Linear], below: int | None) -> list[Linear]:
        """A number, less than `below`, as counters of nested loops of these extents, the last one fastest."""
        if len(extents) == 1:
            return [number]
        rest = self.value(number)
        found: list[Linear] = []
        for extent in reversed(extents[1:]):
            divisor: SSAValue | int = extent.constant if extent.is_constant else self.value(extent)
            rest, digit = self.divided(rest, divisor, below)
            found.append(linear(digit))
        return [linear(rest), *reversed(found)]

    def divided(self, value: SSAValue, divisor: SSAValue | int, below: int | None) -> tuple[SSAValue, SSAValue]:
        """Quotient and rest; a divisor of 0 gives anything, as then no iteration runs."""
        if divisor == 1:
            return value, self._constant(0, INDEX)
        narrow = below is not None and below <= SMALL and isinstance(divisor, int)
        type_ = i32 if narrow else INDEX
        dividend = self._cast(value, i32) if narrow else value
        by = self._constant(divisor, type_) if isinstance(divisor, int) else divisor
        made = [
            self._once((kind, dividend, by), lambda kind=kind: kind(dividend, by), None)
            for kind in (arith.DivUIOp, arith.RemUIOp)
        ]
        quotient, rest = (self._cast(part, INDEX) if narrow else part for part in made)
        return quotient, rest

    def value(self, form: Linear) -> SSAValue:
        """The value of a form."""
        if form.terms and form == linear(form.values[0]):
            return form.values[0]
        return self._once(("form", form), lambda: IndexOp(form), None)

    def _cast(self, value: SSAValue, type_: Attribute) -> SSAValue:
        return self._once(("cast", value, type_), lambda: arith.IndexCastOp(value, type_), None)

    def _constant(self, number: int, type_: IndexType | IntegerType) -> SSAValue:
        return self._once(("constant", number, type_), lambda: arith.ConstantOp(IntegerAttr(number, type_)), None)

    def _once(self, key: object, make: Callable[[], Operation], hint: str | None) -> SSAValue:
        if key not in self._made:
            self._made[key] = self.builder.insert(make()).results[0]
            self._made[key].name_hint = hint
        return self._made[key]
