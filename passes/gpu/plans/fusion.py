"""Which nests of a kernel one launch does row by row: those for which the plan for rows has enough blocks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from weft.dialects.loop import ForOp
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Fuse
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.plan import Choice
from weft.passes.gpu.plans.rows import rows
from weft.passes.loops.kernels import find
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, perfect, trip_or
from weft.passes.loops.plans.common import Names
from weft.passes.loops.row_steps import fuse_rows
from weft.passes.loops.shared_rows import nests_of, share_rows
from weft.passes.loops.trial import Trial

LONG = 1 << 14
"""Rows of more elements are cut into parts, where they are few."""


def fuse_for_blocks(trial: Trial, choice: Choice) -> None:
    """Fuse neighbours that share rows, as many at once as threads of a block can do.

    Elsewhere a fused nest would have the iterations of its outermost loop only to share out: nests stay apart.
    """
    names = [nest.label.data for nest in nests_of(trial.copy.body.block)]
    while names:
        names = names[_fuse_first(trial, names, choice) :]


def _fuse_first(trial: Trial, names: list[str], choice: Choice) -> int:
    """Fuse the first nest with those after it; how many nests became one."""
    before = len(trial.steps)
    first, *others = names
    count = 1
    for name in others:
        if not share_rows(find(trial.copy, first), find(trial.copy, name)) or not trial.attempt([Fuse((first, name))]):
            break
        count += 1
    for size in range(count, 1, -1):
        trial.back_to(before + size - 1)
        fuse_rows(trial, first)
        if _has_plan(find(trial.copy, first), choice):
            return size
    trial.back_to(before)
    return 1


def _has_plan(nest: ForOp, choice: Choice) -> bool:
    """Whether threads can share the rows of a nest, and these are enough for all multiprocessors, or short."""
    if not rows(nest, Choice(choice.gpu, Names(set(choice.names.used)))):
        return False
    chain = perfect(nest)
    free = independent(chain)
    if prod(trip_or(loop, UNKNOWN_TRIP) for loop in free) * 4 >= choice.blocks:
        return True
    inside = [loop for loop in nest.walk() if isinstance(loop, ForOp) and loop not in free]
    return all(_iterations(loop, free) <= LONG for loop in inside)


def _iterations(loop: ForOp, free: Sequence[ForOp]) -> int:
    """How often the body of a loop runs for one row."""
    around = [loop, *(outer for outer in loops_around(loop) if outer not in free)]
    return prod(trip_or(each, UNKNOWN_TRIP) for each in around)
