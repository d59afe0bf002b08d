"""The first steps of plans for few results of many elements: partial results, which a second nest combines."""

from __future__ import annotations

from math import prod

from weft.dialects.loop.schedule import Interchange, Partials, Step, Tile
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.plan import BLOCK, Choice
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import Leaf, labels, stride
from weft.passes.loops.plans.common import name
from weft.passes.loops.ranges import greatest_trip

PIECE = BLOCK * 16 * 4
"""The least elements of a part: some vectors for each thread of a block."""

WHOLE = 1 << 14
"""Parts are multiples of it: so many elements are whole vectors for all threads of a block, whatever their type."""

LEAST_DEPTH = 32
"""The least elements that a thread adds up of a column."""

WAVES = 4
"""So many times the threads that the machine holds are wanted."""


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


def columns(nest: Leaf, choice: Choice) -> list[Step]:
    """Cut the depth of a reduction along columns into parts where there are too few columns for all threads.

    The threads of a block then stand side by side in a row, each with a column, and parts of the depth are blocks.
    """
    if len(nest.reductions) != 1 or nest.stores:
        return []
    (reduction,) = nest.reductions
    over = [loop for loop in nest.loops if loop.counter in reduction.over]
    kept = [loop for loop in nest.loops if loop not in over]
    if not over or not kept or kept != independent(nest.loops):
        return []
    reads = [access for access in nest.accesses if access is not reduction and over[-1].counter in access.counters]
    depth, across = greatest_trip(over[0]), prod(greatest_trip(loop) or 0 for loop in kept)
    if any(stride(access, over[-1].counter) == 1 for access in reads) or depth is None or not across:
        return []
    pieces = min(depth // LEAST_DEPTH, -(-WAVES * choice.blocks * BLOCK // across))
    if pieces < 2:
        return []
    deep = label(over[0])
    block, rest = choice.tiles(over[0], "b", "r")
    others = labels([loop for loop in nest.loops if loop is not over[0]])
    partial = choice.names.new(f"{name(reduction)}_b")
    return [
        *([Interchange((deep, *others))] if nest.loops[0] is not over[0] else []),
        Tile(deep, -(-depth // pieces), block, rest),
        Partials(name(reduction), block, partial),
    ]
