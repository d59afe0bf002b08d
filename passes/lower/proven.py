"""Accesses of loops that are known to be inside their buffers: they need no check.

Each integer has a range that is found from what it is made of (interval arithmetic). What a loop carries is in a range
where every iteration adds a known number at most: a count of what was found, a place to write to next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, MemRefType, UnitAttr
from xdsl.ir import Attribute, BlockArgument, Operation, OpResult, SSAValue
from xdsl.utils.hints import isa

INSIDE = "weft.inside"
"""The attribute of a `memref.load` or `memref.store` that is known to be inside its buffer."""

Range: TypeAlias = tuple[int, int]
"""The least and the greatest value."""

_WIDEST = 1 << 31
"""Ranges beyond it are forgotten: so no sum or product of ranges comes near to wrapping around."""


@dataclass
class Ranges:
    """The ranges of the integers of one function, each found once."""

    _known: dict[SSAValue, Range | None] = field(default_factory=dict["SSAValue", "Range | None"])

    def of(self, value: SSAValue) -> Range | None:
        """The range of an integer; None where it is not known."""
        if value not in self._known:
            self._known[value] = None  # what is asked for while it is found out: nothing is known yet
            self._known[value] = _narrow(self._find(value), value)
        return self._known[value]

    def _find(self, value: SSAValue) -> Range | None:
        if isinstance(value, BlockArgument):
            return self._argument(value)
        op = cast(OpResult, value).op
        if isinstance(op, arith.ConstantOp):
            return (op.value.value.data, op.value.value.data) if isa(op.value, IntegerAttr) else None
        if isinstance(op, scf.IfOp):
            return _union([self.of(end) for end in _ends(op, value)])
        if isinstance(op, scf.ForOp):
            return self._carried(op, op.results.index(cast(OpResult, value)), after=True)
        if isinstance(op, arith.SelectOp):
            return _union([self.of(op.lhs), self.of(op.rhs)])
        rule = _RULES.get(type(op))
        operands = [self.of(operand) for operand in op.operands] if rule is not None else []
        return rule(*operands) if rule is not None and all(operands) else None

    def _argument(self, value: BlockArgument) -> Range | None:
        loop = value.owner.parent_op()
        if not isinstance(loop, scf.ForOp):
            return None
        if value.index:
            return self._carried(loop, value.index - 1, after=False)
        low, high = self.of(loop.lb), self.of(loop.ub)
        return (low[0], max(low[0], high[1] - 1)) if low and high and self._steps(loop) is not None else None

    def _steps(self, loop: scf.ForOp) -> int | None:
        """The most iterations of a loop."""
        low, high, step = self.of(loop.lb), self.of(loop.ub), self.of(loop.step)
        if low is None or high is None or step is None or step[0] < 1:
            return None
        return max(-(-(high[1] - low[0]) // step[0]), 0)

    def _carried(self, loop: scf.ForOp, place: int, *, after: bool) -> Range | None:
        """What a loop carries, in its iterations or after all of them."""
        start, steps = self.of(loop.iter_args[place]), self._steps(loop)
        end = cast(Operation, loop.body.block.last_op).operands[place]
        each = self._added(end, loop.body.block.args[place + 1])
        if start is None or steps is None or each is None:
            return None
        times = steps if after else max(steps - 1, 0)
        return start[0] + min(each[0], 0) * times, start[1] + max(each[1], 0) * times

    def _added(self, value: SSAValue, carried: SSAValue) -> Range | None:
        """How much more a value is than what the loop carries."""
        if value is carried:
            return 0, 0
        op = value.owner
        if isinstance(op, scf.IfOp):
            return _union([self._added(end, carried) for end in _ends(op, value)])
        if isinstance(op, arith.SelectOp):
            return _union([self._added(op.lhs, carried), self._added(op.rhs, carried)])
        if isinstance(op, arith.AddiOp):
            for one, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
                more, most = self._added(one, carried), self.of(other)
                if more is not None and most is not None:
                    return _sum(more, most)
        if isinstance(op, arith.SubiOp):
            more, less = self._added(op.lhs, carried), self.of(op.rhs)
            return None if more is None or less is None else _difference(more, less)
        return None


def mark_inside(accesses: Iterable[memref.LoadOp | memref.StoreOp]) -> None:
    """Mark the accesses that are known to be inside their buffers, of those whose places are not constants; no others,
    whatever the text says."""
    ranges = Ranges()
    for op in accesses:
        op.attributes.pop(INSIDE, None)
        shape = cast("MemRefType[Attribute]", op.memref.type).get_shape()
        if all(isinstance(index.owner, arith.ConstantOp) for index in op.indices):
            continue
        found = [ranges.of(index) for index in op.indices]
        if all(
            range_ is not None and range_[0] >= 0 and range_[1] < size
            for range_, size in zip(found, shape, strict=True)
        ):
            op.attributes[INSIDE] = UnitAttr()


def _ends(op: scf.IfOp, value: SSAValue) -> list[SSAValue]:
    """What a result of a condition may be."""
    place = op.results.index(cast(OpResult, value))
    regions = (op.true_region, op.false_region)
    return [cast(Operation, region.block.last_op).operands[place] for region in regions]


def _narrow(found: Range | None, value: SSAValue) -> Range | None:
    """A range, where the value's type holds all of it."""
    if found is None or not -_WIDEST <= found[0] <= found[1] <= _WIDEST:
        return None
    if isinstance(value.type, IndexType):
        return found
    if not isa(value.type, IntegerType):
        return None
    half = 1 << (value.type.width.data - 1)
    return found if -half <= found[0] and found[1] < half else None


def _union(ranges: Sequence[Range | None]) -> Range | None:
    known = [range_ for range_ in ranges if range_ is not None]
    return (min(a for a, _ in known), max(b for _, b in known)) if len(known) == len(ranges) else None


def _sum(a: Range, b: Range) -> Range:
    return a[0] + b[0], a[1] + b[1]


def _difference(a: Range, b: Range) -> Range:
    return a[0] - b[1], a[1] - b[0]


def _product(a: Range, b: Range) -> Range:
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)


def _least(a: Range, b: Range) -> Range:
    return min(a[0], b[0]), min(a[1], b[1])


def _greatest(a: Range, b: Range) -> Range:
    return max(a[0], b[0]), max(a[1], b[1])


def _same(a: Range) -> Range:
    return a


_RULES: Mapping[type[Operation], Callable[..., Range]] = {
    arith.AddiOp: _sum,
    arith.SubiOp: _difference,
    arith.MuliOp: _product,
    arith.MinSIOp: _least,
    arith.MaxSIOp: _greatest,
    arith.IndexCastOp: _same,
    arith.ExtSIOp: _same,
}
"""The range of a result, by those of the operands. One that its type does not hold is dropped afterwards."""
