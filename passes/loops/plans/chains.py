"""Plans for loops that stay scalar: rows of chains side by side, and short bodies written out."""

from __future__ import annotations

from collections.abc import Sequence

from weft.dialects.loop import AllocOp, ForOp, WriteOp
from weft.dialects.loop.schedule import Jam, Partition, Unroll
from weft.passes.loops.kernels import loops
from weft.passes.loops.nest_shape import Leaf
from weft.passes.loops.plans.common import Names, trip
from weft.passes.loops.recurrences import recurrences
from weft.passes.loops.trial import Trial

ROWS = 4
"""How many chains of operations run side by side: each then has as many cycles for one of its operations."""

SHORT_BODY, COPIES, LEAST_TRIP = 12, 4, 16
"""A body of so few ops is written out so often, where the loop has so many iterations."""

LONGEST_BODY = 48
"""A body of more ops keeps a machine busy by itself, and so many copies of it are too much code."""


def jam_rows(trial: Trial, outer: Sequence[ForOp], leaves: Sequence[Leaf], names: Names) -> dict[str, str]:
    """Jam the rows of the nests that no other plan was found for, where that is legal.

    `outer` are the loops around the nests. The loops that were jammed, and what the loops over their tiles are called.
    """
    found: dict[str, str] = {}
    for nest in leaves:
        around = [*outer, *nest.loops[:-1]]
        inner = loops(trial.copy, nest.loops[-1].label.data)
        if not around or len(inner) != 1 or inner[0].kind() != "seq" or not _waits(inner[0]):
            continue
        rows = around[-1]
        if trip(rows) < 2 * ROWS or len(nest.body) > LONGEST_BODY:
            continue
        tiles, row = names.new(f"{rows.label.data}o"), names.new(f"{rows.label.data}r")
        jam = Jam(rows.label.data, ROWS, tiles, row)
        if trial.attempt([jam, Partition(tiles)]):
            found[rows.label.data] = tiles
    return found


def write_out(trial: Trial, leaves: Sequence[Leaf]) -> None:
    """Write short bodies of loops that stayed as they are out a few times: counting costs as much as they do."""
    for nest in leaves:
        name = nest.loops[-1].label.data
        inner = loops(trial.copy, name)
        alone = len(inner) == 1 and inner[0].kind() == "seq" and trip(inner[0]) >= LEAST_TRIP
        if alone and len(nest.body) <= SHORT_BODY and _is_straight(inner[0]):
            trial.attempt([Unroll(name, COPIES)])


def _is_straight(loop: ForOp) -> bool:
    """Whether a loop holds no others, but for the few rows that were jammed into it."""
    inside = [op for op in loop.block.ops if isinstance(op, ForOp)]
    return all(op.kind() == "unroll" and op.trip() == ROWS and _is_straight(op) for op in inside)


def _waits(loop: ForOp) -> bool:
    """Whether an iteration of a loop needs what one before it computed."""
    kept = (op.target.owner for op in loop.block.ops if isinstance(op, WriteOp))
    return any(isinstance(alloc, AllocOp) and alloc.space.data == "reg" for alloc in kept) or bool(recurrences(loop))
