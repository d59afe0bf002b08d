"""Which nests of a kernel go over the same rows, so that one loop over the rows pays."""

from __future__ import annotations

from xdsl.ir import Block, SSAValue

from weft.dialects.loop import ForOp, ReadOp, StoreOp, WriteOp
from weft.dialects.loop.nest import loop_of
from weft.passes.loops.dependence import accesses
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, factors, leaf, trip_or

LEAST_ROW = 16
"""Shorter rows are no work for vectors along them; nests over such rows have other plans."""


def nests_of(block: Block) -> list[ForOp]:
    """The nests of a block, in order."""
    return [op for op in block.ops if isinstance(op, ForOp)]


def share_rows(first: ForOp, second: ForOp) -> bool:
    """Whether it pays to run two nests row by row: what one did to a row, the other finds in the caches.

    Both go over rows of one buffer by their outermost loops; or one does, and the other makes or takes one element
    a row. Products have plans of their own. Whether the nests may be fused is for the step `fuse` to say.
    """
    if sums_products(first) or sums_products(second):
        return False
    rows = _rows(first), _rows(second)
    if rows[0] and rows[1]:
        return bool(rows[0] & rows[1])
    if is_flat(second):
        return bool(rows[0] and _written(first) & _touched(second))
    return bool(rows[1] and _computes_elements(first) and _written(first) & _touched(second))


def _rows(loop: ForOp) -> set[SSAValue]:
    """The buffers of which each iteration of a loop touches rows: runs of elements along the last dimension."""
    return {
        access.target
        for access in accesses(loop)
        if loop.counter in access.counters
        and loop.counter not in access.index()[-1].values
        and any(_is_long(value) for value in access.index()[-1].values)
    }


def sums_products(loop: ForOp) -> bool:
    """Whether a nest is a sum of products of two loads."""
    alone = leaf(loop)
    return alone is not None and any(factors(out) is not None for out in alone.reductions)


def _is_long(counter: SSAValue) -> bool:
    """Whether a loop along a row has enough iterations to be worth vectors, as far as is known."""
    loop = loop_of(counter)
    return loop is not None and trip_or(loop, UNKNOWN_TRIP) >= LEAST_ROW


def is_flat(loop: ForOp) -> bool:
    """Whether a loop has no loops or conditions inside."""
    return not any(op.regions for op in loop.block.ops)


def _computes_elements(loop: ForOp) -> bool:
    """Whether a loop makes one element an iteration from others: more than a start value."""
    return is_flat(loop) and any(isinstance(op, ReadOp) for op in loop.block.ops)


def share_elements(first: ForOp, second: ForOp) -> bool:
    """Whether it pays to run two loops without loops inside at once: the second reads what the first stores."""
    stores = [access for access in accesses(first) if isinstance(access, StoreOp) and first.counter in access.counters]
    reads = {access.target for access in accesses(second) if isinstance(access, ReadOp)}
    is_long = trip_or(first, UNKNOWN_TRIP) >= LEAST_ROW
    return is_long and is_flat(first) and is_flat(second) and any(store.target in reads for store in stores)


def _written(loop: ForOp) -> set[SSAValue]:
    return {access.target for access in accesses(loop) if isinstance(access, WriteOp)}


def _touched(loop: ForOp) -> set[SSAValue]:
    return {access.target for access in accesses(loop)}
