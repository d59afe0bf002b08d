"""Choices whose last operand is rarely needed (:data:`weft.dialects.loop.hints.UNLIKELY`): jumped over elsewhere."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import i1
from xdsl.ir import Operation

from weft.dialects.loop.hints import UNLIKELY
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.scalars import emit_scalar


def is_rare(op: Operation) -> bool:
    """Whether an op is computed by the choices that need it."""
    if UNLIKELY not in op.attributes or isinstance(op, arith.SelectOp) or len(op.results) != 1:
        return False
    return all(is_choice(use.operation) and use.index == 2 for use in op.results[0].uses)


def is_choice(op: Operation) -> bool:
    """Whether an op is a choice whose last operand, made by an op beside it, is rarely needed."""
    if UNLIKELY not in op.attributes or not isinstance(op, arith.SelectOp):
        return False
    rare = op.rhs.owner
    return isinstance(rare, Operation) and UNLIKELY in rare.attributes and rare.parent is op.parent


def lower_choice(k: Lowering, op: arith.SelectOp) -> None:
    """The usual value; where the condition fails in some lane, by way of a block that computes the other one."""
    rare, e = op.rhs.owner, k.e
    assert isinstance(rare, Operation)
    values = (op.cond, op.lhs, *rare.operands)
    width = k.lanes.width if k.lanes is not None and any(map(k.is_vector, values)) else None
    condition, usual, *operands = (k.value(value, width) for value in values)
    aside, join = e.block(), e.block(usual.type)
    holds = condition
    if width is not None:
        holds = e.intrinsic("vector.reduce.and", (condition,), i1, (condition.type,))
    e.cond_br(holds, join, aside, (usual,))
    e.enter(aside)
    own = k.machine.scalars.get(type(rare))
    results = emit_scalar(e, rare, operands) if own is None else (own(e, rare, operands),)
    assert results is not None
    e.br(join, (e.select(condition, usual, results[0]),))
    e.enter(join)
    k.set_value(op.result, join.args[0])
