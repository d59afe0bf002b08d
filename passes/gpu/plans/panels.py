"""Tiles of inputs in shared memory: how the threads of a block fill them, and how they lie there."""

from __future__ import annotations

from collections.abc import Sequence

from weft.dialects.loop import AccessOp, ForOp
from weft.dialects.loop.schedule import Map, Step, Tile, Unroll, Vectorize
from weft.passes.gpu.plans.plan import VECTOR_BYTES, Choice, starts_whole
from weft.passes.loops.nest_shape import element_bytes

MOST_PIECES = 8
"""The pieces of 16 bytes that lie in all banks of shared memory."""


def widest(access: AccessOp, along: ForOp) -> int:
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


def fill(panel: str, shape: Sequence[int], lanes: int, threads: int, choice: Choice) -> list[Step]:
    """The threads of a block fill a tile: side by side along its rows, in vectors of `lanes` elements, then some rows
    at once. Sizes and the number of threads are powers of two."""
    rows, columns = shape
    row, column = f"{panel}.0", f"{panel}.1"
    steps: list[Step] = []
    if lanes > 1:
        outer, inner = choice.names.new(f"{column}o"), choice.names.new(f"{column}v")
        steps += [Tile(column, lanes, outer, inner), Vectorize(inner, lanes)]
        column = outer
    across = columns // lanes
    if across > threads:
        again, column = _tile(column, threads, choice, steps)
        steps.append(Unroll(again))
    steps.append(Map(column, "thread"))
    at_once = max(1, threads // across)
    if rows > at_once:
        again, row = _tile(row, at_once, choice, steps)
        steps.append(Unroll(again))
    return [*steps, Map(row, "thread")]


def _tile(loop: str, size: int, choice: Choice, steps: list[Step]) -> tuple[str, str]:
    outer, inner = choice.names.new(f"{loop}u"), choice.names.new(f"{loop}s")
    steps.append(Tile(loop, size, outer, inner))
    return outer, inner
