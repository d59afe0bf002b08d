"""The plan for sums of products of 16-bit floats: warps compute tiles of sums by the tensor cores.

A block has a tile of the sums, each of its warps a part of that, in registers. Tiles of both inputs lie in shared
memory, several of them in turn, and are filled ahead by asynchronous copies; a swizzle keeps `ldmatrix` free of bank
conflicts. Ragged tiles run whole on zeros and are cut where sums are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float32Type

from weft.dialects.loop import AccessOp, ForOp
from weft.dialects.loop.schedule import (
    Interchange,
    Map,
    Pad,
    Pipeline,
    Stage,
    StageTile,
    Step,
    Tensorize,
    Tile,
    Unroll,
    Vectorize,
)
from weft.passes.gpu.plans.panels import fill, swizzle, widest
from weft.passes.gpu.plans.plan import WARP, Choice, Plan
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import labels, stride
from weft.passes.loops.plans.common import name, trip
from weft.passes.loops.plans.roles import Roles

ELEMENT_BYTES = 2
SQUARE = 16
"""The rows, columns and depth of a product of tensor cores (two of 8 columns)."""

NEEDS = 80
"""The compute capability that has `cp.async`, and products of 16 x 8 x 16."""

MOST_STAGES = 4
GROUP = 8
"""So many rows of tiles are next to each other in time, so that their inputs are still in the second cache."""


@dataclass(frozen=True)
class Sizes:
    """The tile of a block: warps along rows and columns, squares of a warp along both, and of the depth; how good it is
    as a part of what tensor cores can do, where there are tiles enough for all multiprocessors."""

    warps: tuple[int, int]
    squares: tuple[int, int]
    depth: int
    quality: float

    @property
    def rows(self) -> int:
        return self.warps[0] * self.squares[0] * SQUARE

    @property
    def columns(self) -> int:
        return self.warps[1] * self.squares[1] * SQUARE

    @property
    def threads(self) -> int:
        return self.warps[0] * self.warps[1] * WARP

    @property
    def stage_bytes(self) -> int:
        """The shared memory of one stage."""
        return (self.rows + self.columns) * self.depth * SQUARE * ELEMENT_BYTES


SIZES = (
    Sizes((2, 4), (4, 4), 4, 1.0),
    Sizes((2, 4), (4, 4), 2, 0.97),
    Sizes((2, 2), (4, 4), 4, 0.95),
    Sizes((2, 2), (4, 4), 2, 0.92),
    Sizes((2, 2), (2, 4), 4, 0.75),
    Sizes((2, 2), (2, 2), 4, 0.6),
    Sizes((2, 2), (2, 2), 2, 0.55),
)
"""The tiles that are tried, from 128 x 256 down to 64 x 64."""


def is_tensor_product(found: Roles, choice: Choice) -> bool:
    """Whether tensor cores can do a sum of products."""
    types = {type(load.memref.element_type) for load in (found.left, found.right)}
    narrow = types in ({Float16Type}, {BFloat16Type})
    rows, depth = found.rows, found.over[0]
    if not narrow or not isinstance(found.out.memref.element_type, Float32Type) or rows is None:
        return False
    straight = any(stride(found.left, loop.counter) == 1 for loop in (rows, depth))
    return choice.gpu.capability >= NEEDS and straight and _side(found.right, depth, found.lanes) is not None


def tensors(found: Roles, choice: Choice) -> list[Plan]:
    """The plan for a sum of products that tensor cores can do; none for others."""
    if not is_tensor_product(found, choice):
        return []
    sizes = best(found, choice)
    return [] if sizes is None else [_plan(found, sizes, choice)]


def best(found: Roles, choice: Choice) -> Sizes | None:
    """The tile that takes the least time: so many rounds of blocks over the multiprocessors, each as long as its tile
    is large and bad."""

    def cost(sizes: Sizes) -> float:
        tiles = found.times * ceil(trip(found.rows) / sizes.rows) * ceil(trip(found.lanes) / sizes.columns)
        rounds = ceil(tiles / choice.gpu.multiprocessors)
        depth = ceil(trip(found.over[0]) / (sizes.depth * SQUARE)) * sizes.depth
        return rounds * sizes.rows * sizes.columns * depth / sizes.quality

    fitting = [sizes for sizes in SIZES if stages(sizes, choice) >= 2]
    return min(fitting, key=cost, default=None)


def stages(sizes: Sizes, choice: Choice) -> int:
    """How many tiles of the inputs there is room for in shared memory; two blocks of few threads share it."""
    together = 2 if sizes.threads <= 4 * WARP else 1
    room = choice.gpu.shared_bytes // together - 1024
    return min(MOST_STAGES, room // sizes.stage_bytes)


def _side(load: AccessOp, *loops: ForOp) -> ForOp | None:
    """The loop along which neighbours of an input lie side by side."""
    return next((loop for loop in loops if stride(load, loop.counter) == 1), None)


def _plan(found: Roles, sizes: Sizes, choice: Choice) -> Plan:
    assert found.rows is not None
    i8, ig, i16, ih, iw, im, ib, wi = choice.tiles(found.rows, "8", "g", "16", "h", "p", "m", "b", "w")
    j2, jv, j8, jt, j16, jp, jw, jn, jb, wj = choice.tiles(
        found.lanes, "2", "v", "8", "t", "16", "p", "q", "n", "b", "w"
    )
    k16, kk, kb, ks = choice.tiles(found.over[0], "16", "k", "b", "s")
    out, left, right = name(found.out), name(found.left), name(found.right)
    sums, a, b = (choice.names.new(f"{each}{word}") for each, word in ((out, "_r"), (left, "_s"), (right, "_s")))
    row, column, depth = label(found.rows), label(found.lanes), label(found.over[0])
    blocks = [*labels(found.outer), ib, jb]
    steps: list[Step] = [
        Tile(row, 8, i8, ig),
        Tile(i8, 2, i16, ih),
        Tile(i16, sizes.squares[0], iw, im),
        Tile(iw, sizes.warps[0], ib, wi),
        Tile(column, 2, j2, jv),
        Tile(j2, 4, j8, jt),
        Tile(j8, 2, j16, jp),
        Tile(j16, sizes.squares[1], jw, jn),
        Tile(jw, sizes.warps[1], jb, wj),
        Tile(depth, SQUARE, k16, kk),
        Tile(k16, sizes.depth, kb, ks),
    ]
    tiles = ceil(trip(found.rows) / sizes.rows)
    group = next(size for size in (GROUP, 4, 2, 1) if tiles % size == 0)
    if group > 1 and found.rows.trip() is not None:
        ibo, ibi = choice.tiles(found.rows, "bo", "bi")
        steps.append(Tile(ib, group, ibo, ibi))
        blocks = [*labels(found.outer), ibo, jb, ibi]
    steps += [
        Interchange((*blocks, wi, wj, kb, ks, im, jn, ih, ig, jp, jt, jv, kk)),
        *(Map(each, "block") for each in blocks),
        *(Map(each, "warp") for each in (wi, wj)),
        *(Map(each, "thread") for each in (ig, jt)),
        *(Unroll(each) for each in (ks, im, jn, ih, jp, jv)),
        Stage(out, wj, sums, "reg"),
        *_panels(found, sizes, (a, b), kb),
        *_pads(found, sizes, sums, (ig, ih, im, wi), (jv, jt, jp, jn, wj), (kk, ks)),
        Tensorize(ih),
        *fill(a, _shape(found, sizes, rows=True), widest(found.left, _along(found, rows=True)), sizes.threads, choice),
        *fill(
            b, _shape(found, sizes, rows=False), widest(found.right, _along(found, rows=False)), sizes.threads, choice
        ),
        Pipeline(kb, stages(sizes, choice)),
    ]
    return Plan(steps, [[Vectorize(f"{sums}.out.{jv}", 2)]])


def _along(found: Roles, *, rows: bool) -> ForOp:
    assert found.rows is not None
    load, loop = (found.left, found.rows) if rows else (found.right, found.lanes)
    side = _side(load, found.over[0], loop)
    assert side is not None
    return side


def _shape(found: Roles, sizes: Sizes, *, rows: bool) -> tuple[int, int]:
    """Rows and columns of a tile of an input, as it lies in memory."""
    across, deep = sizes.rows if rows else sizes.columns, sizes.depth * SQUARE
    return (across, deep) if _along(found, rows=rows) is found.over[0] else (deep, across)


def _panels(found: Roles, sizes: Sizes, panels: tuple[str, str], at: str) -> list[Step]:
    """Both inputs, staged."""
    made: list[Step] = []
    for load, panel, rows in ((found.left, panels[0], True), (found.right, panels[1], False)):
        row = _shape(found, sizes, rows=rows)[1] * ELEMENT_BYTES
        made.append(StageTile(name(load), at, panel, "shared", swizzle(row)))
    return made


def _pads(
    found: Roles, sizes: Sizes, sums: str, rows: tuple[str, ...], columns: tuple[str, ...], depth: tuple[str, ...]
) -> list[Step]:
    """Ragged tiles run whole, innermost loops first: the nest that starts the sums, then that of the products."""
    ragged_rows = _ragged(found.rows, sizes.rows)
    ragged_columns = _ragged(found.lanes, sizes.columns)
    both = [*(columns[:-1] if ragged_columns else ()), *(rows[:-1] if ragged_rows else ())]
    made: list[Step] = [Pad(f"{sums}.0.{each}") for each in both]
    if _ragged(found.over[0], sizes.depth * SQUARE):
        made += [Pad(each) for each in depth]
    made += [Pad(each) for each in both]
    return [
        *made,
        *([Pad(columns[-1])] if ragged_columns else []),
        *([Pad(rows[-1])] if ragged_rows else []),
    ]


def _ragged(loop: ForOp | None, size: int) -> bool:
    """Whether a loop does not run a known number of whole tiles."""
    whole = loop.trip() if loop is not None else None
    return whole is None or whole % size != 0
