"""Selections that are accumulations in disguise: a minimum by a comparison, and an accumulation under a condition."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from weft.dialects.loop import LoadOp, StoreOp, kinds_of, neutral
from weft.dialects.loop.base import FLOATS
from weft.passes.loops.raising.kinds import KINDS
from weft.passes.rewriting import LocatedBuilder

_EXTREMES: Mapping[int, type[arith.MinSIOp | arith.MaxSIOp | arith.MinUIOp | arith.MaxUIOp]] = {
    2: arith.MinSIOp,
    3: arith.MinSIOp,
    4: arith.MaxSIOp,
    5: arith.MaxSIOp,
    6: arith.MinUIOp,
    7: arith.MinUIOp,
    8: arith.MaxUIOp,
    9: arith.MaxUIOp,
}
"""What `a if a PREDICATE b else b` is, by the predicate of `arith.cmpi`: slt, sle, sgt, sge, ult, ule, ugt, uge."""

_OPPOSITE: Mapping[int, int] = {2: 5, 3: 4, 4: 3, 5: 2, 6: 9, 7: 8, 8: 7, 9: 6}
"""The predicate that holds where another does not."""


def plain_accumulations(block: Block) -> None:
    """Write the selections of a kernel whose result is stored as what they are.

    `a if a < b else b` of integers is a minimum. `C[x] + v if p else C[x]` is `C[x] + (v if p else 0)`, and so for all
    kinds of accumulation; it is written so where it is stored to `C[x]`.
    """
    for op in [op for op in block.walk() if isinstance(op, arith.SelectOp)]:
        _extreme(op)
    for store in [op for op in block.walk() if isinstance(op, StoreOp)]:
        if isinstance(store.value.owner, arith.SelectOp):
            _guarded(store, store.value.owner)


def _extreme(op: arith.SelectOp) -> None:
    """A selection between the two integers that it compares is the lesser or the greater of them."""
    test = op.cond.owner
    if not isinstance(test, arith.CmpiOp) or not isinstance(op.result.type, IntegerType):
        return
    predicate = test.predicate.value.data
    if (op.lhs, op.rhs) == (test.rhs, test.lhs):
        predicate = _OPPOSITE.get(predicate, -1)
    elif (op.lhs, op.rhs) != (test.lhs, test.rhs):
        return
    made = _EXTREMES.get(predicate)
    if made is None or made not in KINDS:
        return
    new = LocatedBuilder.before(op).insert(made(test.lhs, test.rhs))
    op.result.replace_all_uses_with(new.result)
    Rewriter.erase_op(op)
    if not test.result.uses:
        Rewriter.erase_op(test)


def _guarded(store: StoreOp, choice: arith.SelectOp) -> None:
    """Accumulate the neutral value where the condition does not hold."""
    for combine, load, first in (
        (choice.lhs.owner, choice.rhs.owner, True),
        (choice.rhs.owner, choice.lhs.owner, False),
    ):
        if isinstance(combine, Operation) and isinstance(load, LoadOp) and _fits(store, choice, combine, load):
            value = next(operand for operand in combine.operands if operand is not load.result)
            builder = LocatedBuilder.before(store)
            start = builder.insert(arith.ConstantOp(_nothing(KINDS[type(combine)], value.type))).result
            picked = (value, start) if first else (start, value)
            guarded = builder.insert(arith.SelectOp(choice.cond, *picked)).result
            _combine(combine, load.result, guarded, store)
            for op in (choice, combine):
                Rewriter.erase_op(op)
            return


def _fits(store: StoreOp, choice: arith.SelectOp, combine: Operation, load: LoadOp) -> bool:
    """Whether a selection is between what a place holds and that combined with something else, for that place."""
    kind = KINDS.get(type(combine))
    if kind is None or kind not in kinds_of(store.memref.element_type):
        return False
    if load.buffer is not store.buffer or load.index() != store.index() or not choice.result.has_one_use():
        return False
    users = {use.operation for use in load.result.uses}
    ours = sum(operand is load.result for operand in combine.operands)
    ordered = not isinstance(combine, arith.SubfOp | arith.SubiOp) or combine.lhs is load.result
    return ours == 1 and ordered and users == {combine, choice} and combine.results[0].has_one_use()


def _nothing(kind: str, type_: Attribute) -> FloatAttr | IntegerAttr:
    """The value that changes nothing; of a float sum it is -0.0: plus 0.0 would turn -0.0 into 0.0."""
    if kind == "add" and isinstance(type_, FLOATS):
        return FloatAttr(-0.0, type_)
    return neutral(kind, type_)


def _combine(combine: Operation, old: SSAValue, value: SSAValue, store: StoreOp) -> None:
    """Store the old value combined with another, by an op as `combine`."""
    made = type(combine).create(
        operands=[old, value],
        result_types=[old.type],
        properties=combine.properties,
        attributes=combine.attributes,
    )
    LocatedBuilder.before(store).insert(made)
    store.operands[0] = made.results[0]
