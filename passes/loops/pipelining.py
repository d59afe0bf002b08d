"""What of a loop's body can run ahead: the nests that fill buffers in shared memory."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import AllocOp, ForOp, ReadOp, WriteOp
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import Refuse, label


@dataclass(frozen=True)
class Ahead:
    """The buffers of an iteration, the ops that fill them, and the others, which come after these."""

    buffers: tuple[AllocOp, ...]
    fills: tuple[Operation, ...]
    rest: tuple[Operation, ...]


def ahead(loop: ForOp) -> Ahead:
    """The parts of a loop's body. Raises :class:`Refuse` where none of it can run ahead."""
    buffers = [op for op in loop.block.ops if isinstance(op, AllocOp) and op.space.data == "shared"]
    own: set[SSAValue] = {alloc.result for alloc in buffers}
    if not own:
        raise Refuse(f"an iteration of '{label(loop)}' has no buffer in 'shared'")
    written = {access.target for access in accesses(loop) if isinstance(access, WriteOp)}
    fills: list[Operation] = []
    rest: list[Operation] = []
    for op in loop.block.ops:
        if isinstance(op, AllocOp | arith.ConstantOp):
            if op not in buffers:
                fills.append(op)
            continue
        touched = accesses(op)
        filled = {access.target for access in touched if isinstance(access, WriteOp)}
        if not filled & own:
            rest.append(op)
            continue
        if not isinstance(op, ForOp) or filled - own:
            raise Refuse(f"'{label(loop)}' writes more than its own buffers where it fills these")
        if any(isinstance(access, ReadOp) and access.target in written for access in touched):
            raise Refuse(f"'{label(loop)}' fills its buffers with what it computes")
        if rest:
            raise Refuse(f"'{label(loop)}' computes before all its buffers are filled")
        fills.append(op)
    if not rest:
        raise Refuse(f"'{label(loop)}' does nothing with the buffers that it fills")
    return Ahead(tuple(buffers), tuple(fills), tuple(rest))
