"""The plan for nests that compute one thing for each element."""

from __future__ import annotations

from weft.dialects.loop.schedule import Interchange, Partition, Step, Tile, Vectorize
from weft.passes.loops.nest_shape import Leaf, labels, stride
from weft.passes.loops.plans.common import Machine, Names, is_tileable, lane_loop, strip_size, threads_for
from weft.passes.loops.ranges import greatest_trip

LONG_BODY = 64
"""So many ops are worth vectors even if their lanes are stored one by one."""


def elements(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """Vectors along the loop that moves the stores by one element, or the innermost one where the body is long."""
    along = lane_loop(nest.stores[-1], nest.loops)
    if along is None and len(nest.body) >= LONG_BODY and stride(nest.stores[-1], nest.loops[-1].counter):
        along = nest.loops[-1]
    if along is None:
        return []
    lanes = machine.lanes(nest.element_bytes)
    loop = along.label.data
    steps: list[Step] = []
    if along is not nest.loops[-1]:
        steps.append(Interchange((*labels([other for other in nest.loops if other is not along]), loop)))
    steps += threads_for(nest, machine)
    size = strip_size(nest, along, lanes)
    trip = greatest_trip(along)
    if (trip is not None and trip <= size) or not is_tileable(along, size):
        return [*steps, Vectorize(loop, lanes)]
    outer, strip = names.new(f"{loop}o"), names.new(f"{loop}v")
    return [*steps, Tile(loop, size, outer, strip), Vectorize(strip, lanes), Partition(outer)]
