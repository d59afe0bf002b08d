"""Plans for sums of products, the cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

from weft.dialects.loop import ForOp
from weft.dialects.loop.schedule import (
    Interchange,
    Parallelize,
    Partition,
    Prefetch,
    Rfactor,
    Stage,
    Step,
    Tile,
    Unroll,
    Vectorize,
)
from weft.passes.loops.nest_shape import Leaf, buffer_bytes, labels, stride
from weft.passes.loops.plans.common import SECOND_CACHE, Machine, Names, name, trip
from weft.passes.loops.plans.packing import packed
from weft.passes.loops.plans.pairs import by_pairs
from weft.passes.loops.plans.panels import paneled, panels_around
from weft.passes.loops.plans.roles import (
    Roles,
    cost_along_lanes,
    cost_of_dots,
    dot_tile,
    register_tile,
    roles,
)
from weft.passes.loops.plans.turned import turned

STREAMED_SUMS = 16
"""How many rows of the right input are added to a tile of sums before the next tile, where there are few."""

VERY_FEW_ROWS = 16
"""Up to so many rows the sums may go in and out of the caches often."""

FEWEST_ROWS = 3
"""Up to so many rows, sums are no work to speak of beside reading the right input."""

FEWEST_SUMS = 8
"""How many rows of the right input are added then: more streams than this at once are read slower."""

CACHED_SUMS = 128
"""The same for a right input that the last cache has room for, and rows in more than one tile: the sums, whose rows
may push each other out of the first cache, then go in and out less often."""

DEEP_SUMS = 256
"""How many rows of the right input are added to a tile of sums where there are more."""

AHEAD_IN_MEMORY = 4
"""How many tiles of columns are asked for before their turn, where the right input comes from memory."""

AHEAD = 32
"""How many rows of the right input are asked for before their turn."""

PACKED_COLUMNS = 512
"""Up to so many columns the right input is read as it stands."""

PACKED_GAIN = 0.7
"""How much less a wide right input costs when it is packed, for the same products."""

FEW_ROWS = 48
"""Up to so many rows a large right input is not worth packing."""

FEW = 10
"""An input of up to so many rows or columns is worth turning for sums along vectors."""

FLAT = 64
"""Up to this depth of the sums, the output is more to move than the inputs."""

WRITTEN_OUT = 32
"""Sums of so few products are written out where only a strip of them is under way: counting would cost as much."""

Make = Callable[[], list[Step]]


def contractions(nest: Leaf, machine: Machine, names: Names) -> Iterator[list[Step]]:
    """The plans of a sum of products, the cheapest first; none for other nests."""
    lanes = machine.lanes(nest.element_bytes)
    found: list[tuple[float, Make]] = []
    for one in roles(nest):
        if one.scattered:
            cost = cost_along_lanes(one, lanes, machine, packed=True)
            found.append((cost, lambda one=one: turned(nest, one, machine, names)))
            continue
        found += _along_lanes(nest, one, lanes, machine, names)
        if _reads_along(one):
            cost = cost_of_dots(one, lanes, machine)
            found.append((cost, lambda one=one: dots(nest, one, machine, names)))
    for _, make in sorted(found, key=lambda pair: pair[0]):
        yield make()


def _along_lanes(nest: Leaf, one: Roles, lanes: int, machine: Machine, names: Names) -> Iterator[tuple[float, Make]]:
    """The plans whose sums are in the lanes of vectors, with what they cost."""
    direct_cost = cost_along_lanes(one, lanes, machine, packed=False)
    bytes_right = trip(one.lanes) * one.depth * nest.element_bytes
    heavy = bytes_right >= machine.cpu.l2_bytes // 2
    if _is_streamed(one) and (trip(one.rows) == 1 or heavy):
        yield direct_cost * 0.99, lambda: streamed(nest, one, machine, names)
    yield direct_cost, lambda: direct(nest, one, machine, names)
    wide = one.rows is not None and one.rows.trip() is not None and (heavy or trip(one.lanes) > PACKED_COLUMNS)
    if _can_pack(one) and trip(one.rows) > (FEW if one.across else FEW_ROWS) and (one.across or wide):
        cost = cost_along_lanes(one, lanes, machine, packed=True)
        cost *= 1 if one.across or one.depth <= FLAT // 2 else PACKED_GAIN
        yield cost, lambda: packed(nest, one, machine, names)
    panels = panels_around(nest, one, machine)
    if panels is not None and (one.across or wide):
        cost = cost_along_lanes(one, lanes, machine, packed=True, times=panels.times)
        cost *= 1 if one.across or one.depth <= FLAT // 2 else PACKED_GAIN
        yield cost, lambda: paneled(nest, one, panels.at, machine, names)


def _can_pack(one: Roles) -> bool:
    """Whether the nest is one of panels: one loop that is reduced over, and a right input of a known size."""
    return len(one.over) == 1 and one.lanes.trip() is not None and one.rows is not None


def _is_streamed(one: Roles) -> bool:
    """Whether a right input that the caches do not hold is best read once, in order: for few rows."""
    static = one.over[-1].trip() is not None
    return static and trip(one.rows) <= FEW_ROWS and not one.outer and not one.across


def _reads_along(one: Roles) -> bool:
    """Whether both inputs have neighbours along the innermost loop that is reduced over; one of them may be of so few
    rows or columns instead that it can be turned first."""
    across = [load for load in (one.left, one.right) if stride(load, one.over[-1].counter) != 1]
    return not across or (len(across) == 1 and _turns(one) is not None)


def _turns(one: Roles) -> ForOp | None:
    """The loop of few rows or columns whose input is turned before sums along vectors; None where none is."""
    for load, loop in ((one.right, one.lanes), (one.left, one.rows)):
        if loop is not None and stride(load, one.over[-1].counter) != 1:
            few = trip(loop) <= FEW and one.over[-1].trip() is not None
            return loop if few and not one.outer else None
    return None


def direct(nest: Leaf, found: Roles, machine: Machine, names: Names) -> list[Step]:
    """Sums in registers, inputs read where they stand."""
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = register_tile(found, lanes, machine)
    column = found.lanes.label.data
    vp, vr = names.new(f"{column}p"), names.new(f"{column}r")
    steps: list[Step] = [Tile(column, columns, vp, vr)]
    tiles = {vp: trip(found.lanes) // columns}
    inner = [vr]
    if found.rows is not None:
        row = found.rows.label.data
        up, ur = names.new(f"{row}p"), names.new(f"{row}r")
        steps.append(Tile(row, rows, up, ur))
        tiles[up] = trip(found.rows) // rows
        inner = [ur, vr]
    # loops that change what is read of the right input stand outside of its columns, the others inside
    moving = [loop for loop in found.outer if loop.counter in found.right.counters]
    resting = [loop for loop in found.outer if loop not in moving]
    outer = [*labels(moving), vp, *labels(resting), *list(tiles)[1:]]
    if (
        found.depth <= FLAT
        and not found.outer
        and found.depth * trip(found.lanes) * nest.element_bytes < (machine.cpu.l2_bytes // 2)
    ):
        outer = outer[::-1]  # the output is written in order, and the right input stays in the caches
    threads = machine.wants_threads(nest.work())
    if threads:
        trips = {loop.label.data: trip(loop) for loop in found.outer} | tiles
        many = [label for label in outer if trips[label] >= machine.cpu.threads]
        first = many[0] if many else max(outer, key=lambda label: trips[label])
        outer = [first, *(label for label in outer if label != first)]
    steps.append(Interchange((*outer, *labels(found.over), *inner)))
    steps += [Parallelize(outer[0])] if threads else []
    steps.append(Vectorize(vr, lanes))
    steps += [Unroll(label) for label in inner[:-1]]
    if found.rows is None and found.depth <= WRITTEN_OUT and all(loop.trip() is not None for loop in found.over):
        steps += [Unroll(label) for label in labels(found.over)]
    steps.append(Stage(name(found.out), outer[-1], names.new(f"{name(found.out)}_r"), "reg"))
    steps += [Partition(label) for label in tiles]
    return by_pairs(steps, found.over[-1].label.data, found, machine, names)


def streamed(nest: Leaf, found: Roles, machine: Machine, names: Names) -> list[Step]:
    """Some rows of the right input, which is read once and in order, are added to all tiles of sums in turn."""
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = _streaming_tile(found, lanes, machine)
    column, depth = found.lanes.label.data, found.over[-1].label.data
    vp, vr = names.new(f"{column}p"), names.new(f"{column}r")
    kc, k = names.new(f"{depth}c"), names.new(f"{depth}i")
    deep = trip(found.rows) > VERY_FEW_ROWS
    sums = DEEP_SUMS if deep else _streamed_sums(found, rows, nest.element_bytes, machine)
    steps: list[Step] = [Tile(column, columns, vp, vr), Tile(depth, sums, kc, k)]
    outer, inner, ragged = [*labels(found.over[:-1]), kc, vp], [vr], [kc, vp]
    if rows == 1:
        outer = [*labels([loop for loop in (found.rows,) if loop is not None]), *outer]
    elif found.rows is not None:
        row = found.rows.label.data
        up, ur = names.new(f"{row}p"), names.new(f"{row}r")
        steps.append(Tile(row, rows, up, ur))
        outer, inner, ragged = [*outer, up], [ur, vr], [*ragged, up]
    threads = machine.wants_threads(nest.work())
    if threads:
        # each thread has its own columns, as many in a row as there are
        vc = names.new(f"{column}c")
        steps.append(Tile(vp, ceil(trip(found.lanes) / columns / machine.cpu.threads), vc, vp))
        outer = [vc, *outer]
    steps.append(Interchange((*outer, k, *inner)))
    steps += [Parallelize(outer[0])] if threads else []
    steps += [Vectorize(vr, lanes), *(Unroll(label) for label in inner[:-1])]
    steps += [Unroll(k)] if rows == 1 else []
    steps.append(Stage(name(found.out), outer[-1], names.new(f"{name(found.out)}_r"), "reg"))
    if deep:
        steps.append(Prefetch(name(found.right), k, AHEAD))
    elif buffer_bytes(found.right.target) > machine.cpu.l3_bytes:
        steps.append(Prefetch(name(found.right), vp, AHEAD_IN_MEMORY, SECOND_CACHE))
    return by_pairs([*steps, *(Partition(label) for label in ragged)], k, found, machine, names)


def _streamed_sums(found: Roles, rows: int, size: int, machine: Machine) -> int:
    """How many rows of the right input are added to a tile of `rows` sums, of `size` bytes each, before the next."""
    if trip(found.rows) <= FEWEST_ROWS:
        return FEWEST_SUMS
    cached = found.depth * trip(found.lanes) * size <= machine.cpu.l3_bytes // 4
    return CACHED_SUMS if cached and trip(found.rows) > rows else STREAMED_SUMS


def _streaming_tile(found: Roles, lanes: int, machine: Machine) -> tuple[int, int]:
    """(rows, columns) of sums in registers: no more rows than needed, as many vectors as there is room for."""
    sums = machine.cpu.vector_registers * 3 // 4
    most = 12 if trip(found.rows) > VERY_FEW_ROWS else 8
    rows = ceil(trip(found.rows) / ceil(trip(found.rows) / most))
    return rows, max(1, min(4, sums // rows, ceil(trip(found.lanes) / lanes))) * lanes


def dots(nest: Leaf, found: Roles, machine: Machine, names: Names) -> list[Step]:
    """Partial sums in vectors along the innermost loop that is reduced over, for a tile of results at once."""
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = dot_tile(found, machine)
    depth = found.over[-1].label.data
    ko, kv = names.new(f"{depth}o"), names.new(f"{depth}v")
    over = [*labels(found.over[:-1]), ko]
    steps: list[Step] = [Tile(depth, lanes, ko, kv)]
    tiles: list[str] = []
    inner: list[str] = []
    trips: dict[str, int] = {loop.label.data: trip(loop) for loop in found.outer}
    for loop, size in ((found.lanes, columns), (found.rows, rows)):
        if loop is not None:
            up, ur = names.new(f"{loop.label.data}p"), names.new(f"{loop.label.data}r")
            steps.append(Tile(loop.label.data, size, up, ur))
            tiles.append(up)
            inner.insert(0, ur)
            trips[up] = trip(loop) // size
    outer = [*labels(found.outer), *tiles]
    threads = machine.wants_threads(nest.work())
    if threads:
        first = max(outer, key=lambda label: trips[label] >= machine.cpu.threads)
        outer = [first, *(label for label in outer if label != first)]
    out = name(found.out)
    sums, partial = names.new(f"{out}_r"), names.new(f"{out}_p")
    turning: list[Step] = []
    if (turned_loop := _turns(found)) is not None:
        load = found.right if turned_loop is found.lanes else found.left
        first, row = (tiles[0], inner[-1]) if turned_loop is found.lanes else (tiles[-1], inner[0])
        outer = [first, *(label for label in outer if label != first)]
        turning = [Stage(name(load), first, names.new(f"{name(load)}_p"), "heap", (row, *over, kv))]
    return [
        *steps,
        Interchange((*outer, *over, *inner, kv)),
        *([Parallelize(outer[0])] if threads else []),
        Vectorize(kv, lanes),
        *(Unroll(label) for label in inner),
        *turning,
        Stage(out, outer[-1], sums, "reg"),
        Rfactor(sums, partial, over[0], kv),
        Partition(ko),
        *(Partition(label) for label in tiles),
    ]
