"""What several threads would do alike, as no loop around it tells them apart: it has to mean the same done often."""

from __future__ import annotations

from xdsl.ir import Block, Operation, SSAValue

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp, AllocOp, ReadOp, ReduceOp, WriteOp, buffer_name
from weft.dialects.loop.nest import loops_around
from weft.passes.gpu.loop_to_gpu.barriers import OWN
from weft.passes.gpu.loop_to_gpu.places import Place, Places, is_shared
from weft.passes.gpu.loop_to_gpu.reductions import across


def check_replicas(body: Block, places: Places) -> None:
    """Refuse what threads may not do alike: an update in place, as each of them would update what another one left.

    A write alone may be done often, since all write the same. A buffer that is read in the loop or the condition where
    it is written may not: there is no barrier inside, and a thread that is ahead changes what the others read. Shared
    memory has its barriers inside loops, too; only a reduction into it reads and writes in one.

    Raises :class:`WeftError` at the op.
    """
    accesses = [op for op in body.walk() if isinstance(op, AccessOp)]
    for op in accesses:
        if not isinstance(op, WriteOp) or _is_own(op.target) or not _is_replicated(op, places):
            continue
        if isinstance(op, ReduceOp) and not _is_one_store(op):
            raise _refused(op, op.target)
        if is_shared(op.target):
            continue
        others = [other for other in accesses if other.target is op.target and other is not op]
        reads = [other for other in others if isinstance(other, ReadOp | ReduceOp)]
        if any(_unordered(op, read, places) for read in reads):
            raise _refused(op, op.target)


def _refused(op: Operation, buffer: SSAValue) -> WeftError:
    name = buffer_name(buffer) or buffer.name_hint or "a buffer"
    return error_at(
        op,
        f"'{name}' is updated in place where several threads of the block would do the same update, one after another",
        "map a loop around the update to 'thread', such that each thread has updates of its own, or map no loop of"
        " this nest to 'thread' or 'warp'",
        code=codes.CANNOT_LOWER,
    )


def _is_own(buffer: SSAValue) -> bool:
    return isinstance(alloc := buffer.owner, AllocOp) and alloc.space.data in OWN


def _is_one_store(op: ReduceOp) -> bool:
    """Whether threads combine all values of a reduction, and only the result is written."""
    over = {loop.counter for loop in across(op)}
    return bool(op.over) and all(counter in over for counter in op.over)


def _is_replicated(op: Operation, places: Places) -> bool:
    """Whether threads that no mapped loop around an op tells apart all run it."""
    around: list[Place] = []
    for loop in loops_around(op):
        if loop in places.of:
            around.append(places.of[loop])
        if loop in places.restarts:
            break
    for axis, size in enumerate(places.threads):
        along = [place for place in around if place.axis == axis]
        if size > 1 and (not along or min(place.divisor for place in along) > 1):
            return True
        if any(place.extent == 1 and place.room > place.divisor for place in along):
            return True
    return False


def _unordered(write: Operation, read: Operation, places: Places) -> bool:
    """Whether a read and a write stand in an op inside which no barrier is put for memory outside of the block.

    In the place of a mapped loop there are conditions, with barriers between them, but none between ops side by side.
    """
    inside = write.parent_op()
    while inside is not None:
        if inside in places.of:
            if write.parent is inside.regions[0].block is read.parent:
                return True
        elif inside.is_ancestor(read):
            return True
        inside = inside.parent_op()
    return False
