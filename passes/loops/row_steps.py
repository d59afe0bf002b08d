"""The steps of a default schedule that are chosen for a kernel as a whole: nests that share rows, and large results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from math import ceil

from xdsl.dialects.builtin import MemRefType

from weft.dialects.loop import AllocOp, ForOp, StoreOp, buffer_name
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Contract, Fuse, Nontemporal, Step
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import find, find_buffer, label
from weft.passes.loops.nest_shape import buffer_bytes, leaf, trip_or
from weft.passes.loops.plans.common import PARALLEL_WORK, balance, trip
from weft.passes.loops.shared_rows import is_flat, nests_of, share_elements, share_rows
from weft.passes.loops.trial import Trial

HALF = 0.5
"""Where a loop keeps threads busy for so small a share of the time, other loops are better for them."""


def fuse_rows(trial: Trial, around: str | None = None, threads: int = 1) -> None:
    """Fuse neighbours that share rows, in the kernel or in the loop of that label, then what they hold in turn.

    Where rows are few and long, nests stay apart, so that threads can share each row out.
    """
    block = trial.copy.body.block if around is None else find(trial.copy, around).block
    names = [nest.label.data for nest in nests_of(block)]
    fused: list[str] = []
    for name in names:
        pair = [find(trial.copy, loop) for loop in (*fused[-1:], name)]
        few = any(_is_few_and_long(loop, threads) for loop in pair)
        wanted = bool(fused) and not few and share_rows(pair[0], pair[-1])
        if not wanted or not trial.attempt([Fuse((fused[-1], name))]):
            fused.append(name)
    for name in fused if len(fused) < len(names) else ():
        fuse_rows(trial, name)


def _is_few_and_long(loop: ForOp, threads: int) -> bool:
    """Whether iterations of a loop are too few for the threads, and each of them is worth threads itself."""
    nest = leaf(loop)
    few = threads > 1 and balance(trip(loop), threads) <= HALF
    return few and nest is not None and nest.work() >= PARALLEL_WORK * trip(loop)


def fuse_elements(trial: Trial) -> None:
    """Fuse innermost loops that follow each other, where one reads the elements that the one before it stores."""
    tried: set[str] = set()
    while _fuse_one(trial, tried):
        pass


def _fuse_one(trial: Trial, tried: set[str]) -> bool:
    """Fuse the first such pair that was not tried; whether the loops are worth another look."""
    innermost = [op for op in trial.copy.walk() if isinstance(op, ForOp) and is_flat(op)]
    for first in [loop for loop in innermost if label(loop) not in tried]:
        second = _next_loop(first)
        wanted = second is not None and share_elements(first, second)
        if second is not None and wanted and trial.attempt([Fuse((label(first), label(second)))]):
            return True
        tried.add(label(first))
        if wanted:
            return True  # the copy is another one after a refusal
    return False


def _next_loop(loop: ForOp) -> ForOp | None:
    op = loop.next_op
    while op is not None and not isinstance(op, ForOp):
        op = op.next_op
    return op


def joined(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps, fusions into one loop that follow each other as one."""
    waiting: Fuse | None = None
    for step in steps:
        if isinstance(step, Fuse) and waiting is not None and step.loops[0] == waiting.loops[0]:
            waiting = Fuse((*waiting.loops, *step.loops[1:]))
            continue
        if waiting is not None:
            yield waiting
        waiting = step if isinstance(step, Fuse) else None
        if waiting is None:
            yield step
    if waiting is not None:
        yield waiting


def contract_rows(trial: Trial) -> None:
    """Contract the buffers of the kernel to the rows that are needed at a time, not to single elements."""
    allocs = [op for op in trial.copy.walk() if isinstance(op, AllocOp)]
    for name in [alloc.buffer_name.data for alloc in allocs]:
        for loop in _around(trial, name):
            trial.attempt([Contract(name, loop)])


def _around(trial: Trial, name: str) -> list[str]:
    """The labels of the loops that stand around all accesses of a buffer that is made outside of them, fewer than it
    has dimensions."""
    buffer = find_buffer(trial.copy, name)
    touching = accesses(trial.copy, buffer)
    if not touching or not isinstance(buffer.owner, AllocOp):
        return []
    inside = takewhile(lambda loop: loop is not buffer.owner.parent_op(), loops_around(touching[0]))
    common = [label(loop) for loop in inside][::-1]
    for access in touching[1:]:
        names = {label(loop) for loop in loops_around(access)}
        common = [name for name in common if name in names]
    return common[: len(touching[0].index()) - 1]


STREAMED = 8
"""More stores side by side than these are not written twice, past the caches and not."""


def stream_results(trial: Trial, least: int) -> None:
    """Write results of `least` bytes or more past the caches, which could not hold them.

    Where only the run knows the size the code asks for it. Then every store stands there twice, so that is left where
    there are many: they are the results of products, which take longer than their stores.
    """
    names = [buffer_name(a) or "" for a in trial.copy.body.block.args if isinstance(a.type, MemRefType)]
    for name in names:
        buffer = find_buffer(trial.copy, name)
        if not memref_of(buffer).has_static_shape():
            stores = [access for access in accesses(trial.copy, buffer) if isinstance(access, StoreOp)]
            if stores and sum(map(side_by_side, stores)) <= STREAMED:
                trial.attempt([Nontemporal(name, least)])
        elif buffer_bytes(buffer) >= least:
            trial.attempt([Nontemporal(name)])


def side_by_side(store: StoreOp) -> int:
    """How many stores the code has for one, where its loops are written out."""
    count = 1
    for loop in loops_around(store):
        kind, trip = loop.kind(), trip_or(loop, 1)
        if kind == "unroll":
            count *= min(trip, loop.number() or trip)
        elif kind == "vector":
            count *= ceil(trip / (loop.number() or 1))
    return count
