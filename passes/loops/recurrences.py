"""Values that an iteration of a loop reads from memory, and an earlier one of the same loop wrote there.

Kept in registers they need no way through memory, which costs a machine several cycles each time (scalar replacement:
Callahan, Carr, Kennedy, "Improving register allocation for subscripted variables", 1990).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdsl.ir import Block, SSAValue

from weft.dialects.loop import AllocOp, ForOp, Linear, LoadOp, ReduceOp, StoreOp, WriteOp, has_computed, linear
from weft.passes.loops.dependence import accesses
from weft.passes.loops.distances import Range, distance, inner_counters

FARTHEST = 3
"""From so many iterations before a value is kept, each in a register of its own."""


@dataclass(frozen=True)
class Instance:
    """An access as often as the loops around it are written out: the counters of these, and their values."""

    op: LoadOp | StoreOp | ReduceOp
    counters: tuple[SSAValue, ...] = ()
    values: tuple[int, ...] = ()

    def index(self) -> tuple[Linear, ...]:
        """Where it goes."""
        known = {counter: linear(value) for counter, value in zip(self.counters, self.values, strict=True)}
        return tuple(form.substitute(known) for form in self.op.index())


@dataclass(frozen=True)
class Recurrence:
    """What `read` reads is what `source` wrote `distance` iterations before, but in the first ones."""

    read: Instance
    source: Instance
    distance: int


def recurrences(loop: ForOp) -> list[Recurrence]:
    """The recurrences of a loop, among the accesses that stand in its own body or in loops there that are wholly
    written out; at most one for each read.

    Right for kernels whose buffers do not overlap.
    """
    own = list(_instances(loop.block))
    sources = [one for one in own if isinstance(one.op, StoreOp | ReduceOp) and _stays(loop, one.op.target)]
    reads = [one for one in own if isinstance(one.op, LoadOp | ReduceOp)] if sources else []
    order = {one: number for number, one in enumerate(own)}
    found = (_recurrence(loop, read, sources, own, order) for read in reads)
    return [recurrence for recurrence in found if recurrence is not None]


def _instances(block: Block, counters: tuple[SSAValue, ...] = (), values: tuple[int, ...] = ()) -> Iterator[Instance]:
    """The accesses of a body, in the order in which they run."""
    for op in block.ops:
        if isinstance(op, LoadOp | StoreOp | ReduceOp):
            yield Instance(op, counters, values)
        elif isinstance(op, ForOp) and op.kind() == "unroll" and not op.number() and op.trip() is not None:
            for value in range(op.trip() or 0):
                yield from _instances(op.block, (*counters, op.counter), (*values, value))


def _stays(loop: ForOp, buffer: SSAValue) -> bool:
    """Whether a buffer is in memory, and one for all iterations."""
    alloc = buffer.owner
    return not isinstance(alloc, AllocOp) or (alloc.space.data != "reg" and not loop.is_ancestor(alloc))


def _recurrence(
    loop: ForOp, read: Instance, sources: Iterable[Instance], own: list[Instance], order: dict[Instance, int]
) -> Recurrence | None:
    for source in sources:
        if source.op.target is not read.op.target:
            continue
        back = _back(loop, read, source, order[source] < order[read])
        if back is not None and not _overwritten(loop, read, source, back, own):
            return Recurrence(read, source, back)
    return None


def _overwritten(loop: ForOp, read: Instance, source: Instance, back: int, own: list[Instance]) -> bool:
    """Whether anything else may write the place after the source did."""
    free, buffer = inner_counters(loop), read.op.target
    ours = [one for one in own if isinstance(one.op, WriteOp) and one.op.target is buffer]
    places = [one.index() for one in ours if one != source]
    known = {one.op for one in ours}
    places += [op.index() for op in accesses(loop, buffer) if isinstance(op, WriteOp) and op not in known]
    between = (distance(loop, place, read.index(), free).both(Range(0, back)) for place in places)
    return not all(range_.is_empty for range_ in between)


def _back(loop: ForOp, read: Instance, source: Instance, before: bool) -> int | None:
    """How many iterations before, at least one, the source wrote what is read now; None where it did not.

    `before`: the source writes before the read in each iteration.
    """
    places, wanted = source.index(), read.index()
    if any(has_computed(form) for form in (*places, *wanted)) or (before and places == wanted):
        return None
    for back in range(1, FARTHEST + 1):
        earlier = Linear(((loop.counter, 1),), -back)
        if all(a.substitute({loop.counter: earlier}) == b for a, b in zip(places, wanted, strict=True)):
            return back
    return None
