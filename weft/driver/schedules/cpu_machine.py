"""What `--explain` says of a CPU: vectors, threads, and how fast it can be at best."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import ForOp
from weft.dialects.loop.nest import loops_around
from weft.dialects.target import Cpu
from weft.driver.schedules.amounts import count_text, size_text
from weft.driver.schedules.cost import Cost, Floor, floor_of
from weft.driver.schedules.nests import all_loops, vector_loops
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, Leaf, leaf, trip_or
from weft.passes.loops.plans import common


@dataclass(frozen=True)
class CpuMachine:
    """A CPU, with its threads."""

    cpu: Cpu

    def described(self) -> str:
        """Its facts, in a line."""
        cpu = self.cpu
        return (
            f"machine: {cpu.threads} thread{'s' if cpu.threads > 1 else ''}, vectors of {cpu.vector_bytes} bytes in "
            f"{cpu.vector_registers} registers, L2 {size_text(cpu.l2_bytes)}, L3 {size_text(cpu.l3_bytes)}, at most "
            f"{cpu.gflops} GFLOP/s in f32 a thread, {cpu.gbytes} GB/s between memory and all threads"
        )

    def units(self, before: FuncOp, after: FuncOp) -> Iterator[tuple[str, Iterable[str]]]:
        """Vectors and threads."""
        yield "vectors", _vectors(after)
        yield "threads", _threads(before, after, self.cpu)

    def floor(self, cost: Cost, after: FuncOp) -> Floor | None:
        """By the threads that the kernel is shared out to."""
        is_parallel = any(loop.kind() == "parallel" for loop in all_loops(after))
        return floor_of(cost, self.cpu, self.cpu.threads if is_parallel else 1)

    def stays_in_caches(self, cost: Cost) -> bool:
        """Whether all that a kernel moves fits into the last cache."""
        return cost.bytes is not None and cost.bytes <= self.cpu.l3_bytes


def _vectors(after: FuncOp) -> Iterator[str]:
    """Which loops run in vectors, and which innermost ones do not, and why."""
    yield from vector_loops(after)
    for nest in _scalar_nests(after):
        yield f"none in {nest.loops[-1].label.data}: {_why_scalar(nest)}"


def _scalar_nests(after: FuncOp) -> Iterator[Leaf]:
    """The innermost nests without a vector loop."""
    return (nest for nest in _leaves(after) if not any(loop.kind() == "vector" for loop in nest.loops))


def _why_scalar(nest: Leaf) -> str:
    trip = nest.loops[-1].greatest_trip()
    if trip is not None and trip < 4:
        return f"it runs {trip} time{'s' if trip != 1 else ''} at most"
    if nest.calls():
        return "its body calls functions that have no vector form"
    return "no plan for its accesses was legal" if nest.accesses else "it touches no buffer"


def _threads(before: FuncOp, after: FuncOp, cpu: Cpu) -> Iterator[str]:
    """Which loops are shared out, and if none is, why."""
    shared = [loop for loop in all_loops(after) if loop.kind() == "parallel"]
    if shared:
        pieces = [f"{loop.label.data} ({loop.greatest_trip() or '?'} pieces)" for loop in shared]
        yield ", ".join(dict.fromkeys(pieces))
    elif cpu.threads == 1:
        yield "none: the program was compiled for one"
    else:
        work = sum(_work_of(nest) for nest in _leaves(before))
        enough = common.Machine(cpu, parallel=True).wants_threads(work)
        few = f"{count_text(work)} scalar operations are too few to wake threads for"
        yield "none: no loop that may be shared out was found" if enough else f"none: {few}"


def _leaves(kernel: FuncOp) -> Iterator[Leaf]:
    """The perfect nests of a kernel."""
    for loop in all_loops(kernel):
        parent = loop.parent_op()
        nest = None if isinstance(parent, ForOp) and leaf(parent) is not None else leaf(loop)
        if nest is not None:
            yield nest


def _work_of(nest: Leaf) -> int:
    """The scalar operations of a nest and of the loops around it."""
    return nest.work() * prod(trip_or(loop, UNKNOWN_TRIP) for loop in loops_around(nest.loops[0]))
