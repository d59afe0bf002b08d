"""How often a loop steps, and where its counter is at each step."""

from __future__ import annotations

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType
from xdsl.ir import Attribute, SSAValue

from weft.passes.graph.constants import index_of, new_index
from weft.passes.rewriting import LocatedBuilder


def as_index(builder: LocatedBuilder, value: SSAValue, type_: Attribute | None = None) -> SSAValue:
    """An integer as an `index`, or as another such type."""
    wanted = type_ or IndexType()
    return value if value.type == wanted else builder.insert(arith.IndexCastOp(value, wanted)).result


class Steps:
    """The steps of an `scf.for`. What it computes stands before the loop."""

    def __init__(self, loop: scf.ForOp) -> None:
        before = LocatedBuilder.before(loop)
        low, high, step = (index_of(value) for value in (loop.lb, loop.ub, loop.step))
        self.type = loop.lb.type
        self.low = as_index(before, loop.lb)
        self.step = as_index(before, loop.step)
        self.is_plain = low == 0 and step == 1
        self.static = DYNAMIC_INDEX
        if low is not None and high is not None and step is not None and step > 0:
            self.static = max(0, -((low - high) // step))
        self.count = (
            self._count(before, as_index(before, loop.ub)) if self.static < 0 else new_index(before, self.static)
        )

    def _count(self, before: LocatedBuilder, high: SSAValue) -> SSAValue:
        """The greater of ceil((high - low) / step) and 0."""
        zero = new_index(before, 0)
        if self.is_plain:
            return before.insert(arith.MaxSIOp(high, zero)).result
        distance = before.insert(arith.SubiOp(high, self.low)).result
        steps = before.insert(arith.CeilDivSIOp(distance, self.step)).result
        return before.insert(arith.MaxSIOp(steps, zero)).result

    def bounds(self, builder: LocatedBuilder) -> tuple[SSAValue, SSAValue, SSAValue]:
        """The bounds of a loop that counts the steps."""
        return new_index(builder, 0), self.count, new_index(builder, 1)

    def number(self, builder: LocatedBuilder, counter: SSAValue) -> SSAValue:
        """The number of the step, from 0, at which the counter has a value."""
        counter = as_index(builder, counter)
        if self.is_plain:
            return counter
        distance = builder.insert(arith.SubiOp(counter, self.low)).result
        return builder.insert(arith.DivSIOp(distance, self.step)).result

    def from_the_end(self, builder: LocatedBuilder, place: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The number of the step that stands at a place counted from the end, and the counter there."""
        last = builder.insert(arith.SubiOp(self.count, new_index(builder, 1))).result
        number = builder.insert(arith.SubiOp(last, place)).result
        if self.is_plain:
            return number, as_index(builder, number, self.type)
        distance = builder.insert(arith.MuliOp(number, self.step)).result
        counter = builder.insert(arith.AddiOp(self.low, distance)).result
        return number, as_index(builder, counter, self.type)
