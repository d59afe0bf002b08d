"""Where buffers lie in one workspace: those that never live at once share memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import cast

from weft.passes.loops.memory.lifetimes import Lifetime, overlap


@dataclass
class Slot:
    """Memory that buffers of run-time sizes take in turn: as large as the largest of them."""

    buffers: list[Lifetime] = field(default_factory=list[Lifetime])


@dataclass
class Layout:
    """A workspace: first the buffers of known size at fixed offsets, then the slots."""

    offsets: dict[Lifetime, int]
    static_bytes: int
    slots: list[Slot]

    def slot_of(self, buffer: Lifetime) -> int:
        """The number of the slot that holds a buffer."""
        return next(n for n, slot in enumerate(self.slots) if buffer in slot.buffers)


def pack(buffers: Sequence[Lifetime], reuse: bool) -> Layout:
    """Place all buffers; without `reuse`, each gets memory of its own."""
    known = [buffer for buffer in buffers if buffer.bytes is not None]
    offsets, total = _place(known) if reuse else _in_a_row(known)
    unknown = [buffer for buffer in buffers if buffer.bytes is None]
    slots = _share(unknown) if reuse else [Slot([buffer]) for buffer in unknown]
    return Layout(offsets, total, slots)


def peak(buffers: Sequence[Lifetime]) -> int:
    """The most bytes of known size that live at once: no layout needs less."""
    events = [(b.first, b.bytes or 0) for b in buffers] + [(b.last, -(b.bytes or 0)) for b in buffers]
    # at one place, what begins to live meets what is read for the last time
    events.sort(key=lambda event: (event[0], event[1] < 0))
    return max(accumulate(change for _, change in events), default=0)


def _in_a_row(buffers: Sequence[Lifetime]) -> tuple[dict[Lifetime, int], int]:
    offsets: dict[Lifetime, int] = {}
    total = 0
    for buffer in buffers:
        offsets[buffer] = total
        total += cast(int, buffer.bytes)
    return offsets, total


def _place(buffers: Sequence[Lifetime]) -> tuple[dict[Lifetime, int], int]:
    """Greedy by size: the largest first, each into the smallest gap between the neighbours it must not touch."""
    offsets: dict[Lifetime, int] = {}
    for buffer in sorted(buffers, key=lambda b: (-cast(int, b.bytes), b.first)):
        taken = [(at, at + cast(int, other.bytes)) for other, at in offsets.items() if overlap(buffer, other)]
        offsets[buffer] = _smallest_gap(sorted(taken), cast(int, buffer.bytes))
    return offsets, max((at + cast(int, buffer.bytes) for buffer, at in offsets.items()), default=0)


def _smallest_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    """The start of the smallest gap of `size` bytes or more; after everything where there is none."""
    best: tuple[int, int] | None = None
    end = 0
    for start, stop in taken:
        gap = start - end
        if gap >= size and (best is None or gap < best[0]):
            best = gap, end
        end = max(end, stop)
    return end if best is None else best[1]


def _share(buffers: Sequence[Lifetime]) -> list[Slot]:
    """Each buffer takes a free slot, rather one that held a buffer of the same sizes; a new one where none is free."""
    slots: list[Slot] = []
    for buffer in buffers:
        free = [slot for slot in slots if not any(overlap(buffer, other) for other in slot.buffers)]
        alike = [slot for slot in free if any(_same_size(buffer, other) for other in slot.buffers)]
        if not free:
            free = [Slot()]
            slots.append(free[0])
        (alike or free)[0].buffers.append(buffer)
    return slots


def _same_size(a: Lifetime, b: Lifetime) -> bool:
    return a.type == b.type and tuple(a.alloc.dynamic_sizes) == tuple(b.alloc.dynamic_sizes)
