"""Plans for reductions: partial results in vectors, or a strip of results in registers."""

from __future__ import annotations

from weft.dialects.loop import ForOp, ReadOp, ReduceOp
from weft.dialects.loop.schedule import Interchange, Parallelize, Partition, Rfactor, Stage, Step, Tile, Vectorize
from weft.passes.loops.nest_shape import Leaf, labels, stride
from weft.passes.loops.plans.common import Machine, Names, is_tileable, lane_loop, name, strip_size, threads_for
from weft.passes.loops.ranges import greatest_trip


def is_short(loop: ForOp, nest: Leaf, machine: Machine) -> bool:
    """Whether a loop has fewer iterations than a vector has lanes, as one over a small window."""
    trip = greatest_trip(loop)
    return trip is not None and trip < machine.lanes(nest.element_bytes)


def partials(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """Partial results in the lanes of a few vectors, along the loop that moves the loads by one element."""
    inner = nest.loops[-1]
    if any(not _reduces_over(reduction, inner) for reduction in nest.reductions):
        return []
    loads = [access for access in nest.accesses if isinstance(access, ReadOp)]
    if loads and not any(stride(load, inner.counter) == 1 for load in loads):
        return []
    lanes = machine.lanes(nest.element_bytes)
    loop = inner.label.data
    outer, strip = names.new(f"{loop}o"), names.new(f"{loop}v")
    steps: list[Step] = [*threads_for(nest, machine)]
    if not is_tileable(inner, strip_size(nest, inner, lanes)):
        return [*steps, Vectorize(loop, lanes)]
    steps += [Tile(loop, strip_size(nest, inner, lanes), outer, strip), Vectorize(strip, lanes)]
    for reduction in nest.reductions:
        around = _reduced_around(nest, reduction, outer)
        steps.append(Rfactor(name(reduction), names.new(f"{name(reduction)}_p"), around, strip))
    return [*steps, Partition(outer)]


def _reduces_over(reduction: ReduceOp, loop: ForOp) -> bool:
    """Whether all iterations of a loop reduce into one place, and none of them starts anew."""
    if any(form.coefficient(loop.counter) for form in reduction.index()):
        return False
    return not reduction.over or loop.counter in reduction.over


def _reduced_around(nest: Leaf, reduction: ReduceOp, inner: str) -> str:
    """The label of the outermost of the loops that stand directly around the innermost and are reduced too."""
    label = inner
    for loop in reversed(nest.loops[:-1]):
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
    steps: list[Step] = [
        Tile(loop, strip_size(nest, along, lanes), outer, strip),
        Interchange((*order, *labels(over), strip)),
    ]
    if machine.wants_threads(nest.work()):
        steps.append(Parallelize(order[0]))
    steps.append(Vectorize(strip, lanes))
    if over:
        steps.append(Stage(name(first), outer, names.new(f"{name(first)}_r"), "reg"))
    return [*steps, Partition(outer)]
