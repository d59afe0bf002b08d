"""What the plans for products share: tiles of sums, and tiles of the inputs in shared memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from weft.dialects.loop import AccessOp, ForOp, LoadOp
from weft.dialects.loop.schedule import Map, Pad, Step, Tile, Unroll, Vectorize
from weft.passes.gpu.plans.plan import VECTOR_BYTES, Choice, starts_whole
from weft.passes.loops.nest_shape import element_bytes
from weft.passes.loops.plans.roles import Roles
from weft.passes.loops.ranges import greatest_trip

MOST_PIECES = 8
"""The pieces of 16 bytes that lie in all banks of shared memory."""

UNKNOWN = 1024
"""The rows or columns that are assumed where only the run knows them."""

GROUP = 8
"""So many rows of tiles are next to each other in time, so that their inputs are still in the second cache."""

T = TypeVar("T")


@dataclass(frozen=True)
class Block:
    """The tile of sums of a block, and how deep the tiles of the inputs are.

    `quality` is how good it is as a part of what a multiprocessor can do, where there are tiles enough for all.
    """

    rows: int
    columns: int
    depth: int
    threads: int
    quality: float


def best(sizes: Sequence[tuple[T, Block]], found: Roles, choice: Choice) -> T:
    """The tile that takes the least time: so many rounds of blocks over the multiprocessors, each as long as its tile
    is large and bad."""

    def cost(block: Block) -> float:
        tiles = found.times * ceil(_trip(found.rows) / block.rows) * ceil(_trip(found.lanes) / block.columns)
        rounds = ceil(tiles / choice.gpu.multiprocessors)
        depth = ceil(_trip(found.over[0]) / block.depth) * block.depth
        return rounds * block.rows * block.columns * depth / block.quality

    return min(sizes, key=lambda pair: cost(pair[1]))[0]


def _trip(loop: ForOp | None) -> int:
    trip = None if loop is None else greatest_trip(loop)
    return UNKNOWN if trip is None else max(1, trip)


def grouped(found: Roles, block: Block, labels_: tuple[str, str], choice: Choice) -> tuple[list[Step], tuple[str, ...]]:
    """Steps that bring tiles of some rows together, and the loops over blocks in their order."""
    rows, columns = labels_
    trip = None if found.rows is None else found.rows.trip()
    tiles = 1 if trip is None else ceil(trip / block.rows)
    size = next(size for size in (GROUP, GROUP // 2, 2, 1) if tiles % size == 0)
    if size == 1:
        return [], (rows, columns)
    outer, inner = choice.names.new(f"{rows}o"), choice.names.new(f"{rows}i")
    return [Tile(rows, size, outer, inner)], (outer, columns, inner)


def is_deep(load: AccessOp, side: ForOp, depth: ForOp) -> bool:
    """Whether what is summed comes after the rows (or columns) in the dimensions of an input."""
    for form in reversed(load.index()):
        if form.coefficient(depth.counter) or form.coefficient(side.counter):
            return bool(form.coefficient(depth.counter))
    return False


@dataclass(frozen=True)
class Panel:
    """A tile of an input: its name, what it is of, rows and columns as they lie in memory, elements of a copy."""

    name: str
    load: LoadOp
    shape: tuple[int, int]
    lanes: int

    @staticmethod
    def of(name: str, load: LoadOp, side: ForOp | None, size: int, depth: ForOp, deep: int) -> Panel:
        """The tile of `size` rows (or columns) times `deep` of what is summed."""
        assert side is not None
        if is_deep(load, side, depth):
            return Panel(name, load, (size, deep), _widest(load, depth))
        return Panel(name, load, (deep, size), _widest(load, side))


def _widest(access: AccessOp, along: ForOp) -> int:
    """How many neighbours along a loop one copy can take: 16 bytes, or less where rows start at any place."""
    lanes = VECTOR_BYTES // element_bytes(access)
    while lanes > 1 and not starts_whole(access, along, lanes):
        lanes //= 2
    return lanes


def swizzle(row_bytes: int) -> int:
    """The groups in which pieces of a row change places, so that a column of 8 rows meets all banks; 0 for none."""
    pieces = row_bytes // VECTOR_BYTES
    whole = row_bytes % VECTOR_BYTES == 0 and pieces & (pieces - 1) == 0
    return min(pieces, MOST_PIECES) if whole and pieces > 1 else 0


def fill(panel: Panel, threads: int, choice: Choice) -> list[Step]:
    """The threads of a block fill a tile: side by side along its rows, in vectors, then some rows at once. Sizes and
    the number of threads are powers of two."""
    rows, columns = panel.shape
    row, column = f"{panel.name}.0", f"{panel.name}.1"
    steps: list[Step] = []
    if panel.lanes > 1:
        outer, inner = choice.names.new(f"{column}o"), choice.names.new(f"{column}v")
        steps += [Tile(column, panel.lanes, outer, inner), Vectorize(inner, panel.lanes)]
        column = outer
    across = columns // panel.lanes
    if across > threads:
        column = _part(column, threads, choice, steps)
    steps.append(Map(column, "thread"))
    at_once = max(1, threads // across)
    if rows > at_once:
        row = _part(row, at_once, choice, steps)
    return [*steps, Map(row, "thread")]


def _part(loop: str, size: int, choice: Choice, steps: list[Step]) -> str:
    """So many iterations of a loop at once; the label of these."""
    outer, inner = choice.names.new(f"{loop}u"), choice.names.new(f"{loop}s")
    steps += [Tile(loop, size, outer, inner), Unroll(outer)]
    return inner


def pads(
    found: Roles, block: Block, sums: str, rows: tuple[str, ...], columns: tuple[str, ...], depth: tuple[str, ...]
) -> list[Step]:
    """Ragged tiles run whole: the nest that starts the sums, then that of the products, innermost loops first. The last
    of the rows and columns are the warps."""
    sides = ((columns, found.lanes, block.columns), (rows, found.rows, block.rows))
    ragged = [loops for loops, loop, size in sides if _is_ragged(loop, size)]
    inside = [each for loops in ragged for each in loops[:-1]]
    deep = depth if _is_ragged(found.over[0], block.depth) else ()
    warps = [loops[-1] for loops in ragged]
    return [*(Pad(f"{sums}.0.{each}") for each in inside), *(Pad(each) for each in (*deep, *inside, *warps))]


def _is_ragged(loop: ForOp | None, size: int) -> bool:
    """Whether a loop does not run a known number of whole tiles."""
    whole = loop.trip() if loop is not None else None
    return whole is None or whole % size != 0
