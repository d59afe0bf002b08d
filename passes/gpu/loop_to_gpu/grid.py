"""The loops outside: those marked `grid` and `block` become ids, under conditions where there are too many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.ir import Block
from xdsl.rewriter import InsertPoint

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import ForOp, IfOp, Linear, linear, loop_of
from weft.passes.gpu.loop_to_gpu.ids import Ids
from weft.passes.loops.kernels import erase, insert, label, replace_counter

GREATEST_ALONG = 65535
"""The most blocks along y and z."""


@dataclass
class Grid:
    """The blocks of a launch: an axis has factors, whose product, divided by `divisor` and rounded up, counts."""

    factors: list[list[Linear]] = field(default_factory=lambda: [[], [], []])
    divisor: int = 1


def peel(block: Block, ids: Ids) -> Grid:
    """Replace the loops at the top of a function's body by ids. What was in them stands in their place.

    Raises :class:`WeftError` where such a loop has no bound that holds for all blocks.
    """
    grid = Grid()
    chain = outer_loops(block)
    if not chain:
        return grid
    if chain[0].kind() == "grid":
        grid.divisor = chain[0].number()
        grid.factors[0] = [extent(loop) for loop in chain]
        number = linear(ids.block(0)) * grid.divisor + ids.thread(0)
        forms = dict(zip(chain, ids.digits(number, grid.factors[0], _below(grid)), strict=True))
    else:
        forms: dict[ForOp, Linear] = {}
        for axis, loops in _by_axis(chain).items():
            grid.factors[axis] = [extent(loop) for loop in loops]
            digits = ids.digits(linear(ids.block(axis)), grid.factors[axis], _below(grid))
            forms.update(zip(loops, digits, strict=True))
    whole = None if _is_whole(grid) else chain[0]
    _unwrap(chain, forms, whole)
    return grid


def _unwrap(chain: Sequence[ForOp], forms: Mapping[ForOp, Linear], ragged: ForOp | None) -> None:
    """Put what is inside the chain in its place, under the bounds that the ids do not keep by themselves.

    The number of the loop `ragged` may exceed its extent; all others stay inside theirs.
    """
    guards: list[Linear] = []
    for loop in chain:
        kept = None if loop is ragged else extent(loop)
        form = forms[loop]
        replace_counter(loop, form)
        guards += [row - form - 1 for row in loop.forms() if row != kept]
    body = list(chain[-1].block.ops)
    for op in body:
        op.detach()
    for guard in reversed(guards):
        body = [IfOp(guard, body)]
    insert(body, InsertPoint.before(chain[0]), chain[0])
    erase(chain[0])


def outer_loops(block: Block) -> list[ForOp]:
    """The loops marked `grid` or `block` at the top of a body, outermost first, with nothing beside them."""
    chain: list[ForOp] = []
    op = block.first_op
    while isinstance(op, ForOp) and op is block.last_op and op.kind() in ("grid", "block"):
        if chain and op.mark != chain[0].mark and "grid" in (op.kind(), chain[0].kind()):
            break
        chain.append(op)
        block = op.block
        op = block.first_op
    return chain


def _by_axis(chain: Sequence[ForOp]) -> dict[int, list[ForOp]]:
    """The loops of each axis; those that have, or may have, too many blocks for y and z go to x."""
    axes: dict[int, list[ForOp]] = {}
    for loop in chain:
        axes.setdefault(loop.number(), []).append(loop)
    for axis in (1, 2):
        extents = [extent(loop) for loop in axes.get(axis, [])]
        if any(not e.is_constant for e in extents) or prod(e.constant for e in extents) > GREATEST_ALONG:
            moved = axes.pop(axis)
            axes[0] = [loop for loop in chain if loop in axes.get(0, []) or loop in moved]
    return axes


def extent(loop: ForOp) -> Linear:
    """A bound of a loop that no counter moves: a constant, or of symbols."""
    forms = [form for form in loop.forms() if all(loop_of(v) is None for v in form.values)]
    constants = [form for form in forms if form.is_constant]
    if constants:
        return linear(max(0, min(form.constant for form in constants)))
    if forms:
        return forms[0]
    raise error_at(
        loop,
        f"the loop '{label(loop)}' is mapped to '{loop.kind()}' and has no bound that holds for all blocks",
        "map a loop outside of it, or tile it",
        code=codes.CANNOT_LOWER,
    )


def _below(grid: Grid) -> int | None:
    """A number that ids stay below; None where only the run knows."""
    extents = [e for factors in grid.factors for e in factors]
    if any(not e.is_constant for e in extents):
        return None
    return prod(e.constant for e in extents) + grid.divisor


def _is_whole(grid: Grid) -> bool:
    """Whether the grid has as many threads as there are iterations."""
    number = _below(grid)
    return grid.divisor == 1 or (number is not None and number % grid.divisor == 0)
