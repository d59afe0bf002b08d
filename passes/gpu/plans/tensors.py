"""The plan for sums of products of narrow numbers: warps compute tiles of sums by the tensor cores.

A block has a tile of the sums, each of its warps a part of that, in registers. Tiles of both inputs lie in shared
memory, several of them in turn, and are filled ahead by asynchronous copies; a swizzle keeps `ldmatrix` free of bank
conflicts. Ragged tiles run whole on zeros and are cut where sums are stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from weft.dialects.loop.schedule import (
    Interchange,
    Map,
    Pipeline,
    Stage,
    StageTile,
    Step,
    Tensorize,
    Tile,
    Unroll,
    Vectorize,
)
from weft.passes.gpu.plans.panels import Block, Panel, best, fill, grouped, is_deep, pads, swizzle
from weft.passes.gpu.plans.plan import WARP, Choice, Plan
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import element_bytes, labels
from weft.passes.loops.plans.common import name, trip
from weft.passes.loops.plans.roles import Roles
from weft.passes.loops.tensor_nest import DEPTH_BYTES, HALF, against_elements

SQUARE = 16
"""The rows and columns of a product of tensor cores (two of 8 columns)."""

NEEDS = 80
"""The compute capability that has `cp.async`, and products of 16 x 8 x 16."""

MOST_STAGES = 4
FEW_THREADS = 128
"""Of blocks of so many threads there are two on a multiprocessor."""


@dataclass(frozen=True)
class Sizes:
    """The warps of a block along rows and columns, the squares of a warp along both, the products along the depth, each
    of 32 bytes, and how good that is (see `Block`)."""

    warps: tuple[int, int]
    squares: tuple[int, int]
    depth: int
    quality: float

    def block(self, bytes_: int = 2) -> Block:
        """The tile of sums of products of elements of so many bytes."""
        rows, columns = (w * s * SQUARE for w, s in zip(self.warps, self.squares, strict=True))
        depth = self.depth * DEPTH_BYTES // bytes_
        return Block(rows, columns, depth, self.warps[0] * self.warps[1] * WARP, self.quality)


SIZES = (
    Sizes((2, 4), (4, 4), 4, 0.89),
    Sizes((2, 4), (4, 4), 2, 0.77),
    Sizes((2, 2), (4, 4), 4, 1.0),
    Sizes((2, 2), (4, 4), 2, 0.97),
    Sizes((2, 2), (2, 4), 4, 0.84),
    Sizes((2, 2), (2, 2), 4, 0.7),
    Sizes((2, 2), (2, 2), 2, 0.69),
    Sizes((1, 4), (1, 1), 8, 0.36),
    Sizes((4, 1), (1, 1), 8, 0.36),
    Sizes((1, 2), (1, 1), 8, 0.25),
    Sizes((2, 1), (1, 1), 8, 0.25),
)
"""The tiles that are tried: from 128 x 256 down to 64 x 64, then those for few rows or few columns."""


def tensors(found: Roles, choice: Choice) -> list[Plan]:
    """The plan for a sum of products that tensor cores can do; none for others."""
    blocks = [(sizes, sizes.block(element_bytes(found.left))) for sizes in SIZES if stages(sizes, choice) >= 2]
    fitting = [(sizes, block) for sizes, block in blocks if _is_filled(block, found)]
    if not fitting or not is_tensor_product(found, choice):
        return []
    return [_plan(found, best(fitting, found, choice), choice)]


def _is_filled(block: Block, found: Roles) -> bool:
    """Whether there are rows and columns for every square of a tile: steps make no larger one of them."""
    sides = ((found.rows, block.rows), (found.lanes, block.columns))
    return all(loop is not None and size <= -(-trip(loop) // SQUARE) * SQUARE for loop, size in sides)


def is_tensor_product(found: Roles, choice: Choice) -> bool:
    """Whether tensor cores of the chip can do a sum of products."""
    depth = found.over[0]
    sides = ((found.left, found.rows), (found.right, found.lanes))
    lies = element_bytes(found.left) == HALF or all(side and is_deep(load, side, depth) for load, side in sides)
    return lies and choice.gpu.capability >= NEEDS and against_elements(found.out, (found.left, found.right)) is None


def stages(sizes: Sizes, choice: Choice) -> int:
    """How many tiles of the inputs there is room for in shared memory; two blocks of few threads share it."""
    block = sizes.block()
    together = 2 if block.threads <= FEW_THREADS else 1
    room = choice.gpu.shared_bytes // together - 1024
    return min(MOST_STAGES, room // ((block.rows + block.columns) * sizes.depth * DEPTH_BYTES))


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
    size = element_bytes(found.left)
    block = sizes.block(size)
    groups, blocks = grouped(found, block, (ib, jb), choice)
    panels = (
        Panel.of(a, found.left, found.rows, block.rows, found.over[0], block.depth),
        Panel.of(b, found.right, found.lanes, block.columns, found.over[0], block.depth),
    )
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
        Tile(depth, DEPTH_BYTES // size, k16, kk),
        Tile(k16, sizes.depth, kb, ks),
        *groups,
        Interchange((*labels(found.outer), *blocks, wi, wj, kb, ks, im, jn, ih, ig, jp, jt, jv, kk)),
        *(Map(each, "block") for each in (*labels(found.outer), *blocks)),
        *(Map(each, "warp") for each in (wi, wj)),
        *(Map(each, "thread") for each in (ig, jt)),
        *(Unroll(each) for each in (ks, im, jn, ih, jp, jv)),
        Stage(out, wj, sums, "reg"),
        *(StageTile(name(p.load), kb, p.name, "shared", swizzle(p.shape[1] * size)) for p in panels),
        *pads(found, block, sums, (ig, ih, im, wi), (jv, jt, jp, jn, wj), (kk, ks)),
        Tensorize(ih),
        *(step for panel in panels for step in fill(panel, block.threads, choice)),
        Pipeline(kb, stages(sizes, choice)),
    ]
    return Plan(steps, [[Vectorize(f"{sums}.out.{jv}", 2)]])
