"""The first steps of plans for few results of many elements: partial results, which a second nest combines."""

from __future__ import annotations

from math import prod

from weft.dialects.loop import ForOp, ReduceOp
from weft.dialects.loop.schedule import Interchange, Partials, Step, Tile
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.plan import BLOCK, Choice
from weft.passes.gpu.plans.rows import shares_rows
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import Leaf
from weft.passes.loops.plans.common import name
from weft.passes.loops.ranges import greatest_trip

PIECE = BLOCK * 16 * 4
"""The least elements of a part: some vectors for each thread of a block."""

WHOLE = 1 << 14
"""Parts are multiples of it: so many elements are whole vectors for all threads of a block, whatever their type."""

LEAST_DEPTH = 32
"""The least elements that a thread adds up of a column."""

UNKNOWN_ROWS = 16
"""The rows of a part, where only the run knows how long they are."""

UNKNOWN_DEPTHS = (1024, LEAST_DEPTH)
"""What a thread adds up of a column at most whose depth only the run knows, in the first stage and in the second."""

LEAST_ROW = BLOCK * 8
"""The least elements that the threads of a block add up together."""

PARTS = 4
"""The least parts that are worth a second launch."""

WAVES = 4
"""So many times the threads that the machine holds are wanted."""


def parts(nest: Leaf, choice: Choice) -> list[Step]:
    """Cut the outermost loop of a nest that reduces everything to one place into parts; nothing where it is short."""
    if len(nest.reductions) != 1 or independent(nest.loops):
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
    if any(greatest_trip(loop) is None for loop in nest.loops[1:]):
        size = UNKNOWN_ROWS
    if trip is not None:
        size = max(size, -(-trip // (4 * choice.blocks)))
    size = -(-size // WHOLE) * WHOLE if size > WHOLE else size
    block, rest = choice.tiles(outer, "b", "r")
    partial = choice.names.new(f"{name(reduction)}_b")
    return [Tile(label(outer), size, block, rest), Partials(name(reduction), block, partial)]


def columns(nest: Leaf, choice: Choice, times: int = 0) -> list[Step]:
    """Cut the depth of a reduction along columns into parts where there are too few columns for all threads.

    The threads of a block then stand side by side in a row, each with a column, and parts of the depth are blocks.
    Where the last dimension is reduced too, threads of a block share each of its rows, if these are long enough;
    parts are cut where there are too few blocks for all multiprocessors. A depth that only the run knows is cut into
    parts of a fixed size, those of columns twice (`times` counts the cuts before).
    """
    if len(nest.reductions) != 1:
        return []
    (reduction,) = nest.reductions
    over = [loop for loop in nest.loops if loop.counter in reduction.over]
    kept = [loop for loop in nest.loops if loop not in over]
    if not over or not kept or any(loop.counter not in reduction.counters for loop in kept):
        return []
    trips = [greatest_trip(loop) for loop in over]
    across = prod(greatest_trip(loop) or 0 for loop in kept)
    if not across:
        return []
    if None in trips:
        return _parts_of_any(nest, over, across, times, choice, reduction)
    depth = prod(trip or 0 for trip in trips)
    if shares_rows(nest):
        least, wanted, whole = LEAST_ROW, choice.blocks, WHOLE
    else:
        least, wanted, whole = LEAST_DEPTH, WAVES * choice.blocks * BLOCK, PARTS * LEAST_DEPTH
    if depth <= whole:
        return []
    deep = max(over, key=trip_of)
    if shares_rows(nest) and len(over) > 1 and trip_of(over[-2]) >= PARTS:
        deep = over[-2]  # and rows stay whole
    return _cut(nest, deep, min(depth // least, -(-wanted // across), trip_of(deep)), reduction, choice)


def _parts_of_any(
    nest: Leaf, over: list[ForOp], across: int, times: int, choice: Choice, reduction: ReduceOp
) -> list[Step]:
    """Cut a depth that only the run knows, where there are few results: the outermost of its loops that is so."""
    deep = next(loop for loop in over if greatest_trip(loop) is None)
    if shares_rows(nest):
        if across >= choice.blocks or times or deep is not nest.loops[-1]:
            return []
        return _sized(nest, deep, WHOLE, reduction, choice)
    if across >= WAVES * choice.blocks * BLOCK or times >= len(UNKNOWN_DEPTHS):
        return []
    return _sized(nest, deep, UNKNOWN_DEPTHS[times], reduction, choice)


def _cut(nest: Leaf, deep: ForOp, pieces: int, reduction: ReduceOp, choice: Choice) -> list[Step]:
    """The steps that make so many parts of a loop; none where they are no more than one, or of one element."""
    if pieces < 2:
        return []
    size = -(-trip_of(deep) // pieces)
    if deep is nest.loops[-1]:  # whole vectors for all threads that share a row
        size = -(-size // WHOLE) * WHOLE if size > WHOLE else 1 << (size - 1).bit_length()
    return _sized(nest, deep, size, reduction, choice)


def _sized(nest: Leaf, deep: ForOp, size: int, reduction: ReduceOp, choice: Choice) -> list[Step]:
    """The steps that make parts of such a size of a loop."""
    block, rest = choice.tiles(deep, "b", "r")
    inside = [rest if loop is deep else label(loop) for loop in nest.loops]
    partial = choice.names.new(f"{name(reduction)}_b")
    return [
        Tile(label(deep), size, block, rest),
        *([Interchange((block, *inside))] if nest.loops[0] is not deep else []),
        Partials(name(reduction), block, partial),
    ]


def trip_of(loop: ForOp) -> int:
    """The iterations of a loop that are known, or 0."""
    return greatest_trip(loop) or 0
