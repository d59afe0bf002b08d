"""Plans for reductions: partial results in vectors, or a strip of results in registers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from weft.dialects.loop import ForOp, LoadOp, ReadOp, ReduceOp
from weft.dialects.loop.schedule import (
    Interchange,
    Parallelize,
    Partition,
    Prefetch,
    Rfactor,
    Stage,
    Step,
    Tile,
    Vectorize,
)
from weft.passes.loops.nest_shape import Leaf, labels, stride
from weft.passes.loops.plans.common import (
    SECOND_CACHE,
    Machine,
    Names,
    is_tileable,
    lane_loop,
    name,
    strip_size,
    threads_for,
    trip,
)
from weft.passes.loops.ranges import greatest_trip

PAGE_BYTES = 4096
"""The memory that a prefetcher looks ahead in."""

ROWS_AT_A_TIME = 8
"""How many rows of an input are read side by side where each is read to its end."""

AHEAD_IN_MEMORY = 16
"""How many strips are asked for before their turn, where a run of them comes from memory."""


def is_short(loop: ForOp, nest: Leaf, machine: Machine) -> bool:
    """Whether a loop has fewer iterations than a vector has lanes, as one over a small window."""
    trip = greatest_trip(loop)
    return trip is not None and trip < machine.lanes(nest.element_bytes)


def in_order(nest: Leaf) -> list[ForOp]:
    """The loops of a nest, those of one iteration outermost: vectors are for the others."""
    return sorted(nest.loops, key=lambda loop: loop.trip() != 1)


def partials(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """Partial results in the lanes of a few vectors, along the loop that moves the loads by one element."""
    order = in_order(nest)
    inner = order[-1]
    if any(not _reduces_over(reduction, inner) for reduction in nest.reductions):
        return []
    loads = [access for access in nest.accesses if isinstance(access, ReadOp)]
    if loads and not any(stride(load, inner.counter) == 1 for load in loads):
        return []
    lanes = machine.lanes(nest.element_bytes)
    loop = inner.label.data
    outer, strip = names.new(f"{loop}o"), names.new(f"{loop}v")
    steps: list[Step] = [] if order == list(nest.loops) else [Interchange(labels(order))]
    steps += threads_for(nest, machine)
    if not is_tileable(inner, strip_size(nest, inner, lanes)):
        return [*steps, Vectorize(loop, lanes)]
    steps += [Tile(loop, strip_size(nest, inner, lanes), outer, strip), Vectorize(strip, lanes)]
    for reduction in nest.reductions:
        around = _reduced_around(order, reduction, outer)
        steps.append(Rfactor(name(reduction), names.new(f"{name(reduction)}_p"), around, strip))
    if (inner.trip() or 0) * nest.element_bytes > machine.cpu.l3_bytes:
        streams = [name(load) for load in loads if isinstance(load, LoadOp) and stride(load, inner.counter) == 1]
        steps += [Prefetch(stream, outer, AHEAD_IN_MEMORY, SECOND_CACHE) for stream in dict.fromkeys(streams)]
    return [*steps, Partition(outer)]


def _reduces_over(reduction: ReduceOp, loop: ForOp) -> bool:
    """Whether all iterations of a loop reduce into one place, and none of them starts anew."""
    if any(form.coefficient(loop.counter) for form in reduction.index()):
        return False
    return not reduction.over or loop.counter in reduction.over


def _reduced_around(order: Sequence[ForOp], reduction: ReduceOp, inner: str) -> str:
    """The label of the outermost of the loops that stand directly around the innermost and are reduced too."""
    label = inner
    for loop in reversed(order[:-1]):
        if loop.counter not in reduction.over:
            break
        label = loop.label.data
    return label


def strip(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """A strip of results in registers, along the last dimension of the output."""
    first = nest.reductions[0]
    kept = [loop for loop in nest.loops if loop.counter in first.counters]
    along = lane_loop(first, kept)
    if along is None or len(nest.reductions) > 1 or nest.stores:
        return []
    lanes = machine.lanes(nest.element_bytes)
    loop = along.label.data
    outer, strip = names.new(f"{loop}o"), names.new(f"{loop}v")
    over = [other for other in nest.loops if other not in kept]
    order = [*labels([other for other in kept if other is not along]), outer]
    threads = machine.wants_threads(nest.work())
    rows = over[0] if over and not threads and _streams(nest, over[0], along, machine) else None
    steps: list[Step] = [Tile(loop, strip_size(nest, along, lanes), outer, strip)]
    inner, last = list(labels(over)), [Partition(outer)]
    if rows is not None:
        block, row = names.new(f"{rows.label.data}o"), names.new(f"{rows.label.data}r")
        steps.append(Tile(rows.label.data, ROWS_AT_A_TIME, block, row))
        order, inner = [block, *order], [row, *inner[1:]]
        last.append(Partition(block))
    steps.append(Interchange((*order, *inner, strip)))
    if threads:
        steps.append(Parallelize(order[0]))
    steps.append(Vectorize(strip, lanes))
    if over:
        steps.append(Stage(name(first), outer, names.new(f"{name(first)}_r"), "reg"))
    return [*steps, *last]


def _streams(nest: Leaf, rows: ForOp, along: ForOp, machine: Machine) -> bool:
    """Whether rows longer than a page of memory come from far: then they are read a few at a time, each to its end.

    Down a strip of columns each load would be on another page, which no prefetcher follows.
    """
    wide = nest.element_bytes * trip(along)
    if wide < PAGE_BYTES or trip(rows) < 2 * ROWS_AT_A_TIME:
        return False
    size = nest.element_bytes * prod(trip(loop) for loop in nest.loops)
    loads = [access for access in nest.accesses if isinstance(access, ReadOp)]
    return size > machine.cpu.l2_bytes and any(all(stride(load, loop.counter) for loop in nest.loops) for load in loads)
