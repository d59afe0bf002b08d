"""Run-time checks of sizes: `cf.assert`s that say what is and what should be, once each."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from xdsl.dialects import arith, cf, memref, scf, tensor
from xdsl.dialects.builtin import IntegerAttr, i1
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.passes.loops.lists import Size
from weft.passes.loops.reify import Reifier, constant_index
from weft.passes.rewriting import LocatedBuilder

Relation: TypeAlias = Literal["==", "<=", "<"]

PREDICATES: dict[Relation, tuple[str, Callable[[int, int], bool]]] = {
    "==": ("eq", operator.eq),
    "<=": ("sle", operator.le),
    "<": ("slt", operator.lt),
}

COMMUTES = (arith.AddiOp, arith.MuliOp)

_Key: TypeAlias = int | SSAValue | tuple[object, ...]


class HoistingReifier(Reifier):
    """A reifier that asks for a size where the value is made, and once in a function."""

    def __init__(self, builder: LocatedBuilder, known: dict[tuple[SSAValue, int], SSAValue]) -> None:
        super().__init__(builder)
        self.location = builder.location
        self.known = known

    def index(self, value: SSAValue) -> Size:
        """The value of an `index` operand; a size that the program asked for is the size itself."""
        owner = value.owner
        if isinstance(owner, tensor.DimOp) and (axis := constant_index(owner.index)) is not None:
            return self.dim(owner.source, axis)
        return super().index(value)

    def leaf(self, value: SSAValue, axis: int) -> Size:
        """The size of a value that the walk cannot look behind."""
        key = (value, axis)
        if key not in self.known:
            owner = value.owner
            where = InsertPoint.after(owner) if isinstance(owner, Operation) else InsertPoint.at_start(owner)
            origin = owner if isinstance(owner, Operation) else owner.parent_op()
            location = self.location if origin is None else origin.location
            builder = LocatedBuilder(where, location)
            number = builder.insert(arith.ConstantOp(IntegerAttr.from_index_int_value(axis))).result
            kind = tensor.DimOp if value.type.name == "tensor" else memref.DimOp
            self.known[key] = builder.insert(kind(value, number)).result
        return self.known[key]


@dataclass
class Checker:
    """The checks of one function, in program order."""

    known: dict[tuple[SSAValue, int], SSAValue] = field(default_factory=dict[tuple[SSAValue, int], SSAValue])
    said: dict[Block, set[_Key]] = field(default_factory=dict[Block, set[_Key]])

    def sizes(self, op: Operation) -> Reifier:
        """The sizes that an op sees."""
        return HoistingReifier(LocatedBuilder.before(op), self.known)

    def require(self, op: Operation, left: Size, relation: Relation, right: Size, message: str) -> None:
        """Before `op`, assert that `left relation right`, unless it is known, or was asserted on the way to `op`."""
        name, holds = PREDICATES[relation]
        if _key(left) == _key(right) and relation != "<":
            return
        if isinstance(left, int) and isinstance(right, int) and holds(left, right):
            return
        if _counts_inside(left, relation, right):
            return
        key = (relation, _key(left), _key(right))
        if self._was_said(op, key):
            return
        builder = LocatedBuilder.before(op)
        numbers = Reifier(builder)
        if isinstance(left, int) and isinstance(right, int):
            condition = builder.insert(arith.ConstantOp(IntegerAttr(0, i1))).result
        else:
            compare = arith.CmpiOp(numbers.value(left), numbers.value(right), name)
            condition = builder.insert(compare).result
        builder.insert(cf.AssertOp(condition, message))

    def _was_said(self, op: Operation, key: _Key) -> bool:
        """Whether a check stands before `op` on every path; if not, note that it does from now on."""
        here = block = op.parent_block()
        while block is not None:
            if key in self.said.get(block, ()):
                return True
            block = block.parent_block()
        if here is not None:
            self.said.setdefault(here, set()).add(key)
        return False


def _key(size: Size) -> _Key:
    """What makes two sizes equal: the same number, value, or arithmetic on equal sizes."""
    if isinstance(size, int):
        return size
    if (constant := constant_index(size)) is not None:
        return constant
    if isinstance(owner := size.owner, arith.SignlessIntegerBinaryOperation):
        parts = tuple(_key(operand) for operand in owner.operands)
        return (owner.name, frozenset(Counter(parts).items()) if isinstance(owner, COMMUTES) else parts)
    return size


def _counts_inside(left: Size, relation: Relation, right: Size) -> bool:
    """Whether the bounds of an `scf.for` say it: its counter is the left side, or is compared with 0."""
    if relation == "<" and isinstance(right, int) and (bounds := _counter_bounds(left)) is not None:
        return bounds[1] <= right
    if relation == "<=" and isinstance(left, int) and (bounds := _counter_bounds(right)) is not None:
        return left <= bounds[0]
    return False


def _counter_bounds(value: Size) -> tuple[int, int] | None:
    """The first value of a loop's counter and the end of its range, where both are constants."""
    if not isinstance(value, BlockArgument) or value.index:
        return None
    loop = value.owner.parent_op()
    if not isinstance(loop, scf.ForOp):
        return None
    bounds = constant_index(loop.lb), constant_index(loop.ub), constant_index(loop.step)
    if bounds[0] is None or bounds[1] is None or bounds[2] is None or bounds[2] <= 0:
        return None
    return bounds[0], bounds[1]
