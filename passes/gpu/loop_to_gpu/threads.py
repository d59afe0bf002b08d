"""The loops inside a block: those marked `warp` and `thread` become ids."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects import arith
from xdsl.ir import Block, Operation
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AllocOp, ForOp, IfOp, Linear, linear
from weft.passes.gpu.loop_to_gpu.barriers import put_barriers
from weft.passes.gpu.loop_to_gpu.ids import Ids
from weft.passes.gpu.loop_to_gpu.pipelines import expand_pipelines
from weft.passes.gpu.loop_to_gpu.places import MAPPED, Place, Places, is_shared, written_and_read
from weft.passes.gpu.loop_to_gpu.private import drop_thread_dimensions
from weft.passes.gpu.loop_to_gpu.reductions import combine_threads
from weft.passes.gpu.loop_to_gpu.replicas import check_replicas
from weft.passes.gpu.loop_to_gpu.tensors import expand_tensor_nests
from weft.passes.loops.kernels import erase, insert, replace_counter


def map_threads(body: Block, ids: Ids) -> tuple[int, int, int]:
    """Replace the loops over warps and threads by ids; how many threads the block has along each axis.

    What was inside stands in their place, under a condition where there are more ids than iterations. Conditions stand
    around what a thread does by itself only: what threads do together, all of them reach.
    """
    waits = expand_pipelines(body)
    places = Places(body)
    if not places.of:
        return places.threads
    check_replicas(body, places)
    together = waits | combine_threads(body, places, ids)
    drop_thread_dimensions(body, places)
    together |= expand_tensor_nests(body, places, ids)
    _Mapper(places, ids, together).block(body)
    put_barriers(body)
    return places.threads


class _Mapper:
    """Replaces mapped loops; `together` are the ops that all threads run."""

    def __init__(self, places: Places, ids: Ids, together: set[Operation]) -> None:
        self.places = places
        self.ids = ids
        self.together = together
        self.around: list[ForOp] = []

    def block(self, block: Block) -> None:
        """Replace the mapped loops of a block, and of what stands in it."""
        for op in list(block.ops):
            if isinstance(op, ForOp) and op.kind() in MAPPED:
                self._loop(op)
            elif isinstance(op, ForOp):
                self.block(op.block)
            elif isinstance(op, IfOp):
                self.block(op.then.block)
                self.block(op.other.block)

    def _loop(self, loop: ForOp) -> None:
        place = self.places.of[loop]
        restarts = loop in self.places.restarts
        form = self._form(place, restarts or any(outer in self.places.restarts for outer in self.around))
        replace_counter(loop, form)
        guards = [row - form - 1 for row in loop.forms() if not _covered(row, place)]
        self.around.append(loop)
        self.block(loop.block)
        self.around.pop()
        body = list(loop.block.ops)
        for op in body:
            op.detach()
        made = self._under(body, guards)
        insert(made, InsertPoint.before(loop), loop)
        erase(loop)
        if restarts:
            self.together |= set(made)

    def _form(self, place: Place, fills: bool) -> Linear:
        """The id for a loop. One iteration is done by all threads alike, but for what fills shared memory."""
        if place.extent == 1 and (not fills or place.room <= place.divisor):
            return linear(0)
        return linear(self.ids.part(self.ids.thread(place.axis), place.modulus, place.divisor))

    def _under(self, ops: Iterable[Operation], guards: list[Linear]) -> list[Operation]:
        """Ops under conditions, but for those that all threads run: these, and the loops around them, stay outside."""
        made: list[Operation] = []
        run: list[Operation] = []

        def flush() -> None:
            if run:
                made.append(_conditional(list(run), guards))
                run.clear()

        for op in ops if guards else ():
            if op in self.together or isinstance(op, AllocOp | arith.ConstantOp):
                flush()
                made.append(op)
            elif self._holds_together(op):
                flush()
                for region in op.regions:
                    inner = list(region.block.ops)
                    for other in inner:
                        other.detach()
                    region.block.add_ops(self._under(inner, guards))
                made.append(op)
            elif op.regions:
                flush()
                run.append(op)
                flush()
            else:
                run.append(op)
        flush()
        return made if guards else list(ops)

    def _holds_together(self, op: Operation) -> bool:
        """Whether threads do something together inside an op."""
        if not op.regions:
            return False
        if any(inner in self.together for inner in op.walk()):
            return True
        return isinstance(op, ForOp) and any(map(is_shared, written_and_read(op)))


def _conditional(ops: list[Operation], guards: list[Linear]) -> Operation:
    for guard in reversed(guards):
        ops = [IfOp(guard, ops)]
    return ops[0]


def _covered(row: Linear, place: Place) -> bool:
    """Whether no id of a place exceeds a bound."""
    return row.is_constant and row.constant * place.divisor >= place.room
