"""Every buffer has one owner: it is handed on once, or freed after its last use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from xdsl.dialects import func, memref
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.walking import inside
from weft.passes.loops.buffers.aliases import VIEWS, accesses, block_of, hands_on
from weft.passes.rewriting import LocatedBuilder


def free_owned(function: func.FuncOp, owned: Iterable[SSAValue]) -> None:
    """Insert a `memref.dealloc` for each owned buffer that is not handed on, after its last use.

    Raises :class:`WeftError` for a buffer that lives across the blocks of a control-flow graph.
    """
    order = {op: number for number, op in enumerate(inside(function))}
    for buffer in sorted(owned, key=lambda value: _born(value, order)):
        if not any(hands_on(use) for use in accesses(buffer)):
            _free(buffer, order)


def drop_unused(function: func.FuncOp) -> None:
    """Erase views, sizes and constants that nobody uses, so that no buffer lives for them."""
    for op in reversed(inside(function)):
        if isinstance(op, (*VIEWS, memref.DimOp, memref.GetGlobalOp)) and not op.results[0].uses:
            Rewriter.erase_op(op)


def _born(buffer: SSAValue, order: dict[Operation, int]) -> tuple[int, int]:
    owner = buffer.owner
    op = owner.parent_op() if isinstance(owner, Block) else owner
    return order[cast(Operation, op)], getattr(buffer, "index", 0)


def _free(buffer: SSAValue, order: dict[Operation, int]) -> None:
    block = cast(Block, block_of(buffer))
    last: Operation | None = buffer.owner if isinstance(buffer.owner, Operation) else None
    for use in accesses(buffer):
        op = block.find_ancestor_op_in_block(use.operation)
        if op is None:
            raise error_at(
                use.operation,
                "a tensor must not be used in another block than the one that makes it, where blocks branch",
                "write the control flow with scf.if, scf.for or scf.while",
                code=codes.CANNOT_LOWER,
            )
        if last is None or order[op] > order.get(last, -1):
            last = op
    where = InsertPoint.at_start(block) if last is None else InsertPoint.after(last)
    location = cast(Operation, block.parent_op() if last is None else last).location
    LocatedBuilder(where, location).insert(memref.DeallocOp.get(buffer))
