"""The plan for sums of products: a block computes a tile of sums, from tiles of both inputs in shared memory.

The lanes of a warp are 4 rows times 8 columns of threads, each of which has 8 x 8 sums in registers, or fewer. What
the threads of a warp read at once lies in different banks: along the depth of an input, next to each other in its other
dimension; where that dimension is the one whose elements lie side by side, in vectors of 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from weft.dialects.loop import ForOp, LoadOp
from weft.dialects.loop.schedule import Interchange, Map, Pipeline, Stage, StageTile, Step, Tile, Unroll, Vectorize
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.panels import Block, Panel, best, fill, grouped, is_deep, pads, swizzle
from weft.passes.gpu.plans.plan import VECTOR_BYTES, WARP, Choice, Plan
from weft.passes.gpu.plans.tensors import is_tensor_product, tensors
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import Leaf, element_bytes, labels, leaf
from weft.passes.loops.plans.common import name, trip
from weft.passes.loops.plans.roles import Roles, roles

LANES = (4, 8)
"""The threads of a warp along rows and columns."""

VECTOR = 4
"""The elements that a thread reads at once."""

DEPTH = 16
"""How deep the tiles of the inputs are."""

LEAST = 64
"""The least rows, columns and depth that are worth a tile."""

NARROW = 8
"""The least rows and columns that are worth one of tensor cores, which do 16 of each as soon as one."""

NEEDS = 80
"""The compute capability that copies by itself; others fill one tile, and wait."""

STAGES = 3


@dataclass(frozen=True)
class Sizes:
    """The warps of a block along rows and columns, the sums of a thread, and how good that is (see `Block`)."""

    warps: tuple[int, int]
    each: tuple[int, int]
    quality: float

    @property
    def block(self) -> Block:
        """The tile of sums."""
        rows, columns = (w * n * e for w, n, e in zip(self.warps, LANES, self.each, strict=True))
        return Block(rows, columns, DEPTH, self.warps[0] * self.warps[1] * WARP, self.quality)


SIZES = (
    Sizes((4, 2), (8, 8), 1.0),
    Sizes((2, 2), (8, 8), 0.97),
    Sizes((2, 2), (8, 4), 0.96),
    Sizes((2, 2), (4, 4), 0.85),
)
"""The tiles that are tried, from 128 x 128 down to 32 x 64."""


def is_product(nest: ForOp, choice: Choice) -> bool:
    """Whether a nest is worth a tile."""
    alone = leaf(nest)
    return alone is not None and _found(alone, choice) is not None


def products(nest: Leaf, choice: Choice) -> list[Plan]:
    """The plans for a nest that sums products of two inputs, if it has many rows and columns; none for others."""
    found = _found(nest, choice)
    if found is None:
        return []
    if min(trip(found.rows), trip(found.lanes)) < LEAST:
        return tensors(found, choice)
    sizes = best([(each, each.block) for each in SIZES], found, choice)
    return [*tensors(found, choice), _Tile(found, sizes, choice).plan()]


def _found(nest: Leaf, choice: Choice) -> Roles | None:
    found = next((one for one in roles(nest) if not one.scattered), None)
    if found is None or found.rows is None or len(found.over) != 1 or trip(found.over[0]) < LEAST:
        return None
    sides = min(trip(found.rows), trip(found.lanes))
    if sides < LEAST and (sides < NARROW or not is_tensor_product(found, choice)):
        return None
    free = independent(nest.loops)
    return found if all(loop in free for loop in (found.rows, found.lanes, *found.outer)) else None


@dataclass(frozen=True)
class _Side:
    """Rows or columns of the sums: the labels of blocks, of warps, and of what is inside, lanes and vectors there."""

    steps: tuple[Step, ...]
    block: str
    warp: str
    again: str
    lane: str
    vector: str | None

    @property
    def inside(self) -> tuple[str, ...]:
        return (self.again, self.lane, *([self.vector] if self.vector is not None else []))


class _Tile:
    """The plan in the making."""

    def __init__(self, found: Roles, sizes: Sizes, choice: Choice) -> None:
        assert found.rows is not None
        self.found, self.sizes, self.choice = found, sizes, choice
        self.rows = self._side(found.rows, found.left, 0)
        self.columns = self._side(found.lanes, found.right, 1)

    def _side(self, loop: ForOp, load: LoadOp, axis: int) -> _Side:
        """Lanes lie next to each other, or, where elements do, vectors and then lanes."""
        block, warp, whole, again, lanes, lane = self.choice.tiles(loop, "b", "w", "p", "m", "l", "t")
        each, name_ = self.sizes.each[axis], label(loop)
        steps: list[Step] = []
        vector: str | None = None
        if not is_deep(load, loop, self.found.over[0]):
            (vectors, vector) = self.choice.tiles(loop, "4", "v")
            steps.append(Tile(name_, VECTOR, vectors, vector))
            each, name_ = each // VECTOR, vectors
        steps += [
            Tile(name_, LANES[axis], lanes, lane),
            Tile(lanes, each, whole, again),
            Tile(whole, self.sizes.warps[axis], block, warp),
        ]
        return _Side(tuple(steps), block, warp, again, lane, vector)

    def plan(self) -> Plan:
        found, choice, rows, columns = self.found, self.choice, self.rows, self.columns
        kb, k4, kq, kv = choice.tiles(found.over[0], "b", "4", "q", "v")
        out, left, right = name(found.out), name(found.left), name(found.right)
        sums, a, b = (choice.names.new(f"{each}{word}") for each, word in ((out, "_r"), (left, "_s"), (right, "_s")))
        block = self.sizes.block
        groups, blocks = grouped(found, block, (rows.block, columns.block), choice)
        panels = (
            Panel.of(a, found.left, found.rows, block.rows, found.over[0], DEPTH),
            Panel.of(b, found.right, found.lanes, block.columns, found.over[0], DEPTH),
        )
        inside = (*rows.inside, *columns.inside)
        kept = [loop for loop in inside if loop != columns.vector]
        steps: list[Step] = [
            *rows.steps,
            *columns.steps,
            Tile(label(found.over[0]), VECTOR, k4, kv),
            Tile(k4, DEPTH // VECTOR, kb, kq),
            *groups,
            Interchange(
                (*labels(found.outer), *blocks, rows.warp, columns.warp, kb, kq, kv, *rows.inside, *columns.inside)
            ),
            *(Map(each, "block") for each in (*labels(found.outer), *blocks)),
            *(Map(each, "warp") for each in (rows.warp, columns.warp)),
            *(Map(each, "thread") for each in (rows.lane, columns.lane)),
            *(Unroll(each) for each in (kq, kv, *kept) if each not in (rows.lane, columns.lane)),
            *([Vectorize(columns.vector, VECTOR)] if columns.vector is not None else []),
            Stage(out, columns.warp, sums, "reg"),
            StageTile(left, kb, a, "shared", _swizzle(panels[0], rows)),
            StageTile(right, kb, b, "shared", _swizzle(panels[1], columns)),
            *pads(found, block, sums, (*rows.inside[::-1], rows.warp), (*columns.inside[::-1], columns.warp), (kv, kq)),
            *self._registers(panels[0], rows, kq, kv),
            *(self._registers(panels[1], columns, kq, kv) if columns.vector is None else []),
            *(step for panel in panels for step in fill(panel, block.threads, choice)),
            *([Pipeline(kb, STAGES)] if choice.gpu.capability >= NEEDS else []),
        ]
        return Plan(steps)

    def _registers(self, panel: Panel, side: _Side, kq: str, kv: str) -> list[Step]:
        """What a thread reads of an input, in vectors: of the depth for some of it, or of a row or column."""
        copy = self.choice.names.new(f"{panel.name}_r")
        at, along = (kq, kv) if side.vector is None else (kv, side.vector)
        layout = (side.again, side.lane, along)
        return [Stage(panel.name, at, copy, "reg", layout), Vectorize(f"{copy}.{along}", VECTOR)]


def _swizzle(panel: Panel, side: _Side) -> int:
    """A column of a tile is read by lanes at once only where lanes, not vectors, lie next to each other."""
    size = element_bytes(panel.load)
    fits = side.vector is None and VECTOR * size <= VECTOR_BYTES
    return swizzle(panel.shape[1] * size) if fits else 0
