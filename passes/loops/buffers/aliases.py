"""Which values are the same memory, and what an op does to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from xdsl.dialects import func, memref, scf
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.dialects.linalg.ops import BroadcastOp, ReduceOp
from xdsl.ir import Block, Operation, SSAValue, Use

Writes: TypeAlias = Mapping[str, tuple[bool, ...]]
"""For each function, by name: which of its arguments it may write."""

VIEWS = (
    memref.CastOp,
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.ReinterpretCastOp,
    memref.SubviewOp,
    memref.ViewOp,
)
"""Ops whose result is another view of their first operand's memory."""

READS: Mapping[type[Operation], tuple[int, ...]] = {
    memref.LoadOp: (0,),
    memref.DimOp: (0,),
    memref.CopyOp: (0,),
}
"""The operands that an op only reads, by position; a memref operand that is not listed is written."""


def base(value: SSAValue) -> SSAValue:
    """The value whose memory a view shows: an allocation, an argument, a result."""
    while isinstance(value.owner, VIEWS):
        value = value.owner.operands[0]
    return value


def views(root: SSAValue) -> Iterator[SSAValue]:
    """A value, and all views of its memory."""
    yield root
    for use in root.uses:
        if isinstance(use.operation, VIEWS) and use.index == 0:
            yield from views(use.operation.results[0])


def accesses(root: SSAValue) -> Iterator[Use]:
    """Every use of a value's memory, through views too; making a view is no use."""
    for value in views(root):
        for use in value.uses:
            if not (isinstance(use.operation, VIEWS) and use.index == 0):
                yield use


def is_write(use: Use, writes: Writes) -> bool:
    """Whether an op may change the memory of one of its operands, or hand it on."""
    op = use.operation
    if isinstance(op, func.CallOp):
        flags = writes.get(op.callee.string_value())
        return flags is None or flags[use.index]
    if isinstance(op, LinalgStructuredOperation):
        return use.index >= len(op.inputs)
    if isinstance(op, ReduceOp | BroadcastOp):
        return use.index > 0
    return use.index not in READS.get(type(op), ())


def hands_on(use: Use) -> bool:
    """Whether an operand becomes somebody else's: a result, or the value that a loop carries."""
    return isinstance(use.operation, scf.YieldOp | scf.ConditionOp | scf.ForOp | scf.WhileOp | func.ReturnOp)


def block_of(value: SSAValue) -> Block | None:
    """The block in which a value is made."""
    owner = value.owner
    return owner if isinstance(owner, Block) else owner.parent_block()
