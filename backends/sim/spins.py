"""Where a thread may go round and round until another one does something: there it lets the others run."""

from __future__ import annotations

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Block, Operation

from weft.dialects.upstream import llvm as ours


def spins(function: llvm.FuncOp) -> set[Operation]:
    """The accesses in loops by which a thread may see that another one has gone on: exchanges, atomic and volatile
    loads."""
    watching = [op for block in function.body.blocks for op in block.ops if _watches(op)]
    return {op for op in watching if op.parent is not None and _in_loop(op.parent)}


def _watches(op: Operation) -> bool:
    if isinstance(op, ours.AtomicCmpXchgOp):
        return True
    if isinstance(op, ours.AtomicRMWOp):
        return ours.ATOMIC_KINDS[op.bin_op.value.data] == "xchg"
    if not isinstance(op, llvm.LoadOp):
        return False
    ordering = op.get_attr_or_prop("ordering")
    atomic = isinstance(ordering, IntegerAttr) and ordering.value.data != 0
    return atomic or op.get_attr_or_prop("volatile_") is not None


def _in_loop(block: Block) -> bool:
    seen: set[Block] = set()
    work = [block]
    while work:
        last = work.pop().last_op
        for successor in last.successors if last is not None else ():
            if successor is block:
                return True
            if successor not in seen:
                seen.add(successor)
                work.append(successor)
    return False
