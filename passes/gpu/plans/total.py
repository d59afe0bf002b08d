"""The first step of a plan for one long reduction: blocks leave partial results, which a second nest combines."""

from __future__ import annotations

from weft.dialects.loop.schedule import Partials, Step, Tile
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.plan import BLOCK, Choice
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import Leaf
from weft.passes.loops.plans.common import name
from weft.passes.loops.ranges import greatest_trip

PIECE = BLOCK * 16 * 4
"""The least elements of a part: some vectors for each thread of a block."""

WHOLE = 1 << 14
"""Parts are multiples of it: so many elements are whole vectors for all threads of a block, whatever their type."""


def parts(nest: Leaf, choice: Choice) -> list[Step]:
    """Cut the outermost loop of a nest that reduces everything to one place into parts; nothing where it is short."""
    if len(nest.reductions) != 1 or nest.stores or independent(nest.loops):
        return []
    (reduction,) = nest.reductions
    outer = nest.loops[0]
    if outer.counter not in reduction.over or reduction.counters:
        return []
    trip = greatest_trip(outer)
    inner = 1
    for loop in nest.loops[1:]:
        inner *= greatest_trip(loop) or 1
    if trip is not None and trip * inner <= 2 * PIECE:
        return []
    size = max(1, PIECE // inner)
    if trip is not None:
        size = max(size, -(-trip // (4 * choice.blocks)))
    size = -(-size // WHOLE) * WHOLE if size > WHOLE else size
    block, rest = choice.tiles(outer, "b", "r")
    partial = choice.names.new(f"{name(reduction)}_b")
    return [Tile(label(outer), size, block, rest), Partials(name(reduction), block, partial)]
