"""`loop-interchange`: another order of the loops of a perfect nest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from weft.dialects.loop import AccessOp, ForOp, ReduceOp, loop_of
from weft.dialects.loop.schedule import Interchange
from weft.passes.loops.dependence import (
    accesses,
    determined,
    fixed_counters,
    inner_counters,
    say,
    written_buffers,
)
from weft.passes.loops.kernels import Refuse, find, label
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import against_mark


@dataclass(frozen=True)
class LoopInterchange(Interchange, StepPass):
    """Put the loops of a perfect nest into the given order: `interchange (j, k, i)`.

    **Before**
    ```mlir
    loop.for "i" %i to 8 { loop.for "j" %j to 8 { loop.for "k" %k to 8 {
      loop.reduce add %p into %C[%i, %j] over (%k) : memref<8x8xf32>
    } } }
    ```
    **After**
    ```mlir
    loop.for "j" %j to 8 { loop.for "k" %k to 8 { loop.for "i" %i to 8 {
      loop.reduce add %p into %C[%i, %j] over (%k) : memref<8x8xf32>
    } } }
    ```
    **Needs** loops that stand directly in each other; bounds that still see their counters; and iterations
    whose order does not matter: those that touch one place keep their order, or are reductions of one kind only.

    **Leaves alone** the body and the marks; an order in which a mark cannot stand is refused.
    """

    name = "loop-interchange"

    def transform(self, kernel: FuncOp) -> None:
        """Reorder the nest."""
        wanted = [find(kernel, name) for name in self.loops]
        if len(set(wanted)) != len(wanted) or len(wanted) < 2:
            raise Refuse("an order is of two or more different loops")
        nest = _perfect(wanted)
        for position, loop in enumerate(wanted):
            for value in loop.counters:
                if (other := loop_of(value)) in wanted[position:] and other is not None:
                    raise Refuse(f"the bound of '{label(loop)}' needs '{label(other)}' outside of it")
        why = order_matters(nest, wanted)
        if why is not None:
            raise Refuse(why)
        _permute(nest, wanted)
        why = next((why for loop in wanted if (why := against_mark(loop)) is not None), None)
        if why is not None:
            _permute(wanted, nest)
            raise Refuse(why)


def _perfect(wanted: Sequence[ForOp]) -> list[ForOp]:
    """The loops from the outermost in. Raises :class:`Refuse` where they are no perfect nest."""
    outermost = next(loop for loop in wanted if not any(o is not loop and o.is_ancestor(loop) for o in wanted))
    nest = [outermost]
    while len(nest) < len(wanted):
        block = nest[-1].block
        inner = block.first_op
        if not isinstance(inner, ForOp) or inner is not block.last_op or inner not in wanted:
            raise Refuse(f"the loops are not perfectly nested: '{label(nest[-1])}' holds something else")
        nest.append(inner)
    return nest


def order_matters(nest: Sequence[ForOp], wanted: Sequence[ForOp]) -> str | None:
    """Why the iterations of a nest cannot take the wanted order; None where it gives the same."""
    outer = nest[0]
    moved: set[SSAValue] = {loop.counter for loop in nest if loop.trip() != 1}
    free = inner_counters(outer)
    for buffer in written_buffers(outer):
        touching = accesses(outer, buffer)
        loose = moved - fixed_counters(touching, moved, free)
        if [loop for loop in nest if loop.counter in loose] == [loop for loop in wanted if loop.counter in loose]:
            continue
        if not all(isinstance(access, ReduceOp) for access in touching):
            return f"{say(buffer)} is touched by several iterations, not only by reductions"
        for access in touching:
            if (restarts := _restarting(access, moved, free)) is not None:
                return f"the reduction into {say(buffer)} starts anew in each iteration of '{restarts}'"
    return None


def _restarting(access: AccessOp, moved: set[SSAValue], free: set[SSAValue]) -> str | None:
    """The label of a moved loop that a reduction with `over` neither covers nor is indexed by."""
    assert isinstance(access, ReduceOp)
    if not access.over:
        return None
    kept = determined(access, free) | set(access.over)
    return next((label(loop) for v in moved if v not in kept and (loop := loop_of(v))), None)


def _permute(nest: Sequence[ForOp], wanted: Sequence[ForOp]) -> None:
    body = list(nest[-1].block.ops)
    place = nest[0]
    marker = InsertPoint.before(place)
    block, following = marker.block, place.next_op
    for op in body:
        op.detach()
    for loop in reversed(nest):
        loop.detach()
    for loop, inner in pairwise(wanted):
        loop.block.add_op(inner)
    wanted[-1].block.add_ops(body)
    at = InsertPoint.at_end(block) if following is None else InsertPoint.before(following)
    Rewriter.insert_op(wanted[0], at)
