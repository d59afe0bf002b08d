"""Blocks of rows: sums of products that hand rows to each other run one block of rows at a time.

A group is nests that follow each other, from a sum of products to another one that takes its rows, whatever is done
to the rows in between; attention is one, and so are two layers of a network. Its shared loops but the last are
fused, the last one, over rows, is tiled, and the loops over blocks are fused: what one nest hands to the next is then
a block of rows, in memory of the thread that works on it, which stays in the second cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, prod

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import SSAValue

from weft.dialects.loop import AccessOp, AllocOp, ForOp, Linear, LoadOp, buffer_name, linear
from weft.dialects.loop.schedule import Contract, Fuse, Step, Tile
from weft.dialects.target import Cpu
from weft.passes.loops.dependence import accesses, apart, inner_counters, written_buffers
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, element_bytes, factors, leaf, perfect, trip_or
from weft.passes.loops.plans.common import WELL_BALANCED, Names, balance
from weft.passes.loops.row_steps import fuse_rows
from weft.passes.loops.shared_rows import nests_of, sums_products
from weft.passes.loops.trial import Trial

LEAST_ROWS = 8
"""A block of fewer rows does not pay for reading the right sides of the products again."""

MOST_ROWS = 64
"""With more rows a block gains nothing."""

SHARE = 4
"""A block takes one part in so many of the second cache; the right sides need room, too."""

CHUNK = 64
"""How many blocks a thread takes at once where only the run knows how many there are."""


def block_rows(trial: Trial, cpu: Cpu, names: Names) -> None:
    """Run the first group of the kernel that is worth it in blocks of rows."""
    nests = nests_of(trial.copy.body.block)
    group = _group(nests)
    if group is None:
        return
    size = _rows(group, cpu)
    if isinstance(size, str):
        trial.refused.append(size)
        return
    before = len(trial.steps)
    outer, rows = group.labels[:-1], group.labels[-1]
    blocks = [names.new(f"{label}b") for label in rows]
    chunks = _chunks(group, size, blocks[0], cpu, names)
    steps: list[Step] = [Fuse(level) for level in outer]
    steps += [Tile(label, size, block, label) for label, block in zip(rows, blocks, strict=True)]
    if not trial.attempt([*steps, Fuse(tuple(blocks)), *chunks]):
        return
    if not _contract(trial, group, [*(level[0] for level in outer), *(tile.outer for tile in chunks), blocks[0]]):
        trial.refused.append(f"blocks of rows: no buffer between the nests is one of '{blocks[0]}'")
        trial.back_to(before)
        return
    fuse_rows(trial, blocks[0])


@dataclass(frozen=True)
class _Group:
    """Nests with `depth` shared loops, the last of which runs over rows."""

    nests: tuple[ForOp, ...]
    depth: int

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The labels of the shared loops of all nests, level by level."""
        chains = [perfect(nest) for nest in self.nests]
        return [tuple(chain[level].label.data for chain in chains) for level in range(self.depth)]

    @property
    def rows(self) -> ForOp:
        """The loop over rows of the first nest."""
        return perfect(self.nests[0])[self.depth - 1]

    @property
    def shared(self) -> set[SSAValue]:
        """The counters of the shared loops of all nests."""
        return {loop.counter for nest in self.nests for loop in perfect(nest)[: self.depth]}

    def between(self) -> list[SSAValue]:
        """The buffers of the kernel alone that only these nests touch."""
        written = dict.fromkeys(buffer for nest in self.nests for buffer in written_buffers(nest))
        return [b for b in written if isinstance(b.owner, AllocOp) and all(map(self._holds, _uses(b)))]

    def _holds(self, access: AccessOp) -> bool:
        return any(nest.is_ancestor(access) for nest in self.nests)


def _uses(buffer: SSAValue) -> list[AccessOp]:
    return [use.operation for use in buffer.uses if isinstance(use.operation, AccessOp)]


def _group(nests: Sequence[ForOp]) -> _Group | None:
    """The nests from the first sum of products to the last, and those beside them that share as many loops."""
    products = [place for place, nest in enumerate(nests) if sums_products(nest)]
    if len(products) < 2 or nests[0].parent_block() is None:
        return None
    first, last = products[0], products[-1] + 1
    depth = _common_depth(nests[first:last])
    if not depth:
        return None
    while first and _common_depth(nests[first - 1 : last]) == depth:
        first -= 1
    while last < len(nests) and _common_depth(nests[first : last + 1]) == depth:
        last += 1
    return _Group(tuple(nests[first:last]), depth)


def _common_depth(nests: Sequence[ForOp]) -> int:
    """How many of their outer loops the nests can share: what an iteration touches is its own, in all of them."""
    chains = [perfect(nest) for nest in nests]
    as_first: dict[SSAValue, Linear] = {}
    for depth in range(min(map(len, chains))):
        loops = [chain[depth] for chain in chains]
        if len({frozenset(form.substitute(as_first) for form in loop.forms()) for loop in loops}) > 1:
            return depth
        as_first |= {loop.counter: linear(loops[0].counter) for loop in loops}
        if not _are_apart(loops, as_first):
            return depth
    return min(map(len, chains))


def _are_apart(loops: Sequence[ForOp], as_first: dict[SSAValue, Linear]) -> bool:
    """Whether no iteration of a loop touches what another iteration of another loop writes, or writes what it reads."""
    free = set[SSAValue]().union(*(inner_counters(loop) for loop in loops))
    for buffer in dict.fromkeys(buffer for loop in loops for buffer in written_buffers(loop)):
        touching = [access for loop in loops for access in accesses(loop, buffer)]
        places = [[form.substitute(as_first) for form in access.index()] for access in touching]
        if not apart(places, loops[0].counter, free):
            return False
    return True


def _rows(group: _Group, cpu: Cpu) -> int | str:
    """How many rows a block has; or why blocks are not worth it, in a sentence.

    All rows together are more than the second cache holds, some of them far less; what the products read again for
    each block comes from a cache.
    """
    row = sum(_bytes(_uses(buffer)[0], group.shared) for buffer in group.between())
    whole = sum(_bytes(_uses(buffer)[0], set()) for buffer in group.between())
    again = sum(_bytes(load, group.shared) for load in _right_sides(group))
    if whole <= cpu.l2_bytes:
        return f"blocks of rows: all {whole} bytes between the nests fit into the second cache"
    if row * LEAST_ROWS > cpu.l2_bytes // 2:
        return f"blocks of rows: {LEAST_ROWS} rows are {row * LEAST_ROWS} bytes, more than half of the second cache"
    if again > cpu.l3_bytes // 2:
        return f"blocks of rows: each would read {again} bytes again, more than half of the last cache"
    trip = trip_or(group.rows, UNKNOWN_TRIP)
    most = max(LEAST_ROWS, min(MOST_ROWS, cpu.l2_bytes // SHARE // max(row, 1)) // LEAST_ROWS * LEAST_ROWS)
    if trip <= most:
        return max(1, trip)
    return next((size for size in range(most, most // 2, -LEAST_ROWS) if trip % size == 0), most)


def _right_sides(group: _Group) -> Iterable[LoadOp]:
    """The inputs of the sums of products that do not move along the rows."""
    for nest in group.nests:
        found = leaf(nest)
        loads = [factors(out) for out in found.reductions] if found is not None else []
        rows = perfect(nest)[group.depth - 1].counter
        yield from (load for pair in loads if pair is not None for load in pair if rows not in load.counters)


def _bytes(access: AccessOp, without: set[SSAValue]) -> int:
    """The size of the accessed buffer, less the dimensions along which any of some counters move the access."""
    sizes = [
        UNKNOWN_TRIP if size == DYNAMIC_INDEX else size
        for form, size in zip(access.index(), access.memref.get_shape(), strict=True)
        if not without & set(form.values)
    ]
    return prod(sizes) * element_bytes(access)


def _chunks(group: _Group, size: int, block: str, cpu: Cpu, names: Names) -> list[Tile]:
    """A loop over chunks of blocks, where the loops outside are none, or too few for all threads."""
    outside = [trip_or(loop, UNKNOWN_TRIP) for loop in perfect(group.nests[0])[: group.depth - 1]]
    if any(balance(trip, cpu.threads) >= WELL_BALANCED for trip in outside):
        return []
    trip = group.rows.trip()
    chunk = CHUNK if trip is None else ceil(ceil(trip / size) / cpu.threads)
    return [Tile(block, max(1, chunk), names.new(f"{block}c"), block)]


def _contract(trial: Trial, group: _Group, loops: Sequence[str]) -> bool:
    """Make each buffer between the nests anew in each block; whether that was possible for one at least."""
    done = False
    for name in [buffer_name(buffer) or "" for buffer in group.between()]:
        taken = [trial.attempt([Contract(name, loop)]) for loop in loops]
        done |= taken[-1]
    return done
