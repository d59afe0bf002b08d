"""What all plans are made with: the machine, new names, sizes of strips, threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from weft.dialects.loop import AccessOp, ForOp, buffer_name, loop_of
from weft.dialects.loop.schedule import Parallelize, Step
from weft.dialects.target import Cpu
from weft.passes.loops.dependence import carried
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, Leaf, stride, trip_or

PARALLEL_WORK = 1 << 23
"""The least number of scalar ops of a nest that is worth waking threads for: about 50 us with vectors of 64 bytes."""

SECOND_CACHE = 2
"""Where what comes from memory is asked for: the first cache is for what is in use."""

VECTORS_IN_A_ROW = 4
"""How many vectors a strip of results or of elements has."""


WELL_BALANCED = 0.9
"""A loop that keeps threads busy for this share of the time is as good for them as any other."""


@dataclass
class Names:
    """Labels and names of buffers that are in use, so that new ones differ."""

    used: set[str] = field(default_factory=set[str])

    def new(self, name: str) -> str:
        """`name`, with `_` behind it as often as it takes."""
        while name in self.used:
            name += "_"
        self.used.add(name)
        return name


@dataclass(frozen=True)
class Machine:
    """The facts that plans are made from."""

    cpu: Cpu
    parallel: bool
    """Whether the nest may start threads."""
    blocked: bool = False
    """Whether the nest stands in loops that it shares with others, as one over blocks of rows."""
    shared: str | None = None
    """The label of the loop around the nest that threads share out."""

    def lanes(self, element_bytes: int) -> int:
        """How many elements a vector has."""
        return max(2, self.cpu.vector_bytes // max(1, element_bytes))

    def wants_threads(self, work: int) -> bool:
        """Whether so many scalar ops are worth threads."""
        return self.parallel and self.cpu.threads > 1 and work >= PARALLEL_WORK


def balance(trip: int, threads: int) -> float:
    """The share of the time that threads have work when they share iterations of equal length."""
    return trip / (threads * max(1, ceil(trip / threads)))


def trip(loop: ForOp | None) -> int:
    """The iterations of a loop, at least 1; 1 for no loop."""
    return 1 if loop is None else max(1, trip_or(loop, UNKNOWN_TRIP))


def strip_size(nest: Leaf, loop: ForOp, lanes: int) -> int:
    """A few vectors, no more than the loop has; one where the body calls functions for each lane."""
    few = 1 if nest.calls() else VECTORS_IN_A_ROW
    return lanes * max(1, min(few, -(-trip(loop) // lanes)))


def is_tileable(loop: ForOp, size: int) -> bool:
    """Whether tiles of a loop can have that size: its bound does not move by less from one outer iteration to the next.

    The rows of a triangle are not: they are vectors as they are, as many as the row at hand has.
    """
    return all(factor % size == 0 for form in loop.forms() for v, factor in form.terms if loop_of(v) is not None)


def lane_loop(access: AccessOp, loops: Sequence[ForOp]) -> ForOp | None:
    """The innermost loop that moves an access by one element; one of a single iteration only where need be."""
    found = [loop for loop in reversed(loops) if stride(access, loop.counter) == 1]
    return next((loop for loop in found if trip(loop) > 1), found[0] if found else None)


def threads_for(nest: Leaf, machine: Machine) -> list[Step]:
    """Threads over the loop of a nest that suits them, where the nest is worth it."""
    if not machine.wants_threads(nest.work()):
        return []
    shared = shared_out(nest.loops, nest.work(), machine.cpu.threads)
    return [] if shared is None else [Parallelize(shared.label.data)]


def shared_out(loops: Sequence[ForOp], work: int, threads: int) -> ForOp | None:
    """Which of loops inside each other to share out: the outermost one that keeps all threads busy, else the best.

    `work` is that of all of them. Iterations must not depend on each other, and what one run of the loop does must be
    worth threads. None where there is no such loop.
    """
    best: ForOp | None = None
    share = 1 / threads
    for loop in loops:
        if work < PARALLEL_WORK:
            break
        found = balance(trip(loop), threads)
        if found > share and carried(loop) is None:
            best, share = loop, found
            if share >= WELL_BALANCED:
                break
        work //= trip(loop)
    return best


def name(access: AccessOp) -> str:
    """The name of the accessed buffer."""
    return buffer_name(access.target) or ""
