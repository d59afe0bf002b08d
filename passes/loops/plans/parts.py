"""Reductions in parts: where loops of the results keep threads idle, parts of the reduction have their own results."""

from __future__ import annotations

from math import prod

from weft.dialects.loop import ForOp, ReduceOp
from weft.dialects.loop.schedule import Interchange, Partials, Step, Tile
from weft.dialects.target import Cpu
from weft.passes.loops.nest_shape import Leaf, factors, leaf, stride
from weft.passes.loops.plans.common import WELL_BALANCED, Machine, Names, balance, lane_loop, name, strip_size, trip
from weft.passes.loops.ranges import greatest_trip
from weft.passes.loops.shared_rows import nests_of
from weft.passes.loops.trial import Trial

LEAST, MOST = 4, 16
"""So many parts a thread gets: few cost little to combine, many even out; parts of one size are preferred."""

ROWS = 32
"""So many rows of a product are one share: fewer of them may be tiles of one pass over the right input."""

LEAST_GAIN = 64
"""So many times the ops that combine the parts a nest must have itself."""


def reduce_in_parts(trial: Trial, cpu: Cpu, names: Names) -> None:
    """Cut the reductions at the top of a kernel that threads could not share otherwise."""
    for loop in nests_of(trial.snapshot().body.block):
        nest = leaf(loop)
        if nest is not None and (steps := _parts(nest, Machine(cpu, parallel=True), names)):
            trial.attempt(steps)


def _parts(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """The steps that cut the longest loop that is reduced over; none where threads have enough of the others."""
    if len(nest.reductions) != 1 or nest.stores or not machine.wants_threads(nest.work()):
        return []
    (reduction,) = nest.reductions
    over = [loop for loop in nest.loops if loop.counter in reduction.over]
    kept = [loop for loop in nest.loops if loop not in over]
    if not over or any(greatest_trip(loop) is None for loop in nest.loops):
        return []
    threads = machine.cpu.threads
    if any(balance(count, threads) >= WELL_BALANCED for count in _shares(nest, reduction, kept, machine)):
        return []
    deep = max(over, key=trip)
    size = _size(trip(deep), threads, machine.lanes(nest.element_bytes) if deep is nest.loops[-1] else 1)
    parts = -(-trip(deep) // size)
    if parts < 2 or LEAST_GAIN * parts * prod(trip(loop) for loop in kept) > nest.work():
        return []
    block, rest = names.new(f"{deep.label.data}b"), names.new(f"{deep.label.data}p")
    inside = [rest if loop is deep else loop.label.data for loop in nest.loops]
    return [
        Tile(deep.label.data, size, block, rest),
        *([Interchange((block, *inside))] if nest.loops[0] is not deep else []),
        Partials(name(reduction), block, names.new(f"{name(reduction)}_b")),
    ]


def _shares(nest: Leaf, reduction: ReduceOp, kept: list[ForOp], machine: Machine) -> list[int]:
    """How many shares each loop of the results has: fewer than iterations where these go in tiles and strips."""
    products = factors(reduction) is not None
    inner = nest.loops[-1]
    if not products and inner not in kept and any(stride(read, inner.counter) == 1 for read in nest.accesses):
        return [trip(loop) for loop in kept]  # vectors go along what is reduced
    along = lane_loop(reduction, kept)
    strip = 1 if along is None else strip_size(nest, along, machine.lanes(nest.element_bytes))
    rows = ROWS if products else 1
    return [-(-trip(loop) // (strip if loop is along else rows)) for loop in kept]


def _size(count: int, threads: int, lanes: int) -> int:
    """The iterations of a part: whole vectors, and all parts alike where that can be."""
    fewest = -(-count // (MOST * threads))
    for whole in (4 * lanes, lanes, 1):
        first = -(-fewest // whole) * whole
        for size in range(first, count // (LEAST * threads) + 1, whole):
            if count % size == 0:
                return size
            if size - first > 4096 * whole:
                break
    size = -(-count // (MOST // 2 * threads))
    return -(-size // lanes) * lanes if size > lanes else size
