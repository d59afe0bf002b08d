"""How the accesses of a warp lie in memory: which are uncoalesced, and which meet in a bank of shared memory.

Both are found in a sample of the accesses: those of the first clusters, as many as there is room for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from weft.backends.sim.layout import SHARED, Finding

Table = np.ndarray[Any, np.dtype[Any]]

_SECTOR = 32
"""What global memory is read and written in, in bytes."""

_FEW = 4
"""So many sectors more than needed are no matter: two rows whose elements are read by all, an odd start."""

_BANKS, _BANK_BYTES = 32, 4
_WARP = 32


@dataclass(frozen=True)
class Pattern:
    """What the accesses at a place cost: of `count` accesses of a warp that were looked at, `bad` take more than they
    need; together they take `taken` sectors (or passes over the banks) where `needed` would do. The example is the
    worst of them: its unit, the threads in it, and their addresses."""

    finding: Finding
    site: int
    count: int
    bad: int
    taken: int
    needed: int
    unit: int
    threads: tuple[int, ...]
    addresses: tuple[int, ...]


def find_patterns(samples: Table, threads_in_block: int) -> list[Pattern]:
    """The places where an access takes twice the sectors that its bytes fill and a few more, or more passes over the
    banks than it must. `samples` are records of :data:`weft.backends.sim.layout.SAMPLE`."""
    if not len(samples):
        return []
    rank = samples["thread"] // threads_in_block
    warp = samples["thread"] % threads_in_block // _WARP
    order = np.lexsort((samples["thread"], samples["occurrence"], warp, rank, samples["unit"], samples["site"]))
    kept = samples[order]
    keys = np.stack([kept["site"], kept["unit"], rank[order], warp[order], kept["occurrence"]], axis=-1)
    group = np.concatenate([[0], np.cumsum((keys[1:] != keys[:-1]).any(axis=1))])
    shared = (kept["kind"] & SHARED) != 0
    found: list[Pattern] = []
    for which, finding, costs in ((~shared, Finding.UNCOALESCED, _sectors), (shared, Finding.BANK_CONFLICT, _passes)):
        if which.any():
            found += _judged(kept[which], _renumbered(group[which]), finding, costs)
    return found


def _renumbered(group: Table) -> Table:
    return np.unique(group, return_inverse=True)[1]


def _judged(rows: Table, group: Table, finding: Finding, costs: Any) -> Iterator[Pattern]:
    taken, needed = costs(rows, group)
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    sites = rows["site"][starts]
    bad = taken > needed
    if finding is Finding.UNCOALESCED:
        bad = (taken >= 2 * needed) & (taken >= needed + _FEW)
    for site in np.unique(sites[bad]):
        here = sites == site
        worst = int(np.argmax(np.where(here, taken - needed, -1)))
        example = rows[group == worst]
        yield Pattern(
            finding,
            int(site),
            int(here.sum()),
            int((bad & here).sum()),
            int(taken[here].sum()),
            int(needed[here].sum()),
            int(example["unit"][0]),
            tuple(int(n) for n in example["thread"]),
            tuple(int(n) for n in example["address"]),
        )


def _spread(rows: Table, group: Table, unit: int) -> tuple[Table, Table]:
    """Each piece of `unit` bytes that an access touches: its group and the number of the piece, each pair once."""
    first = rows["address"] // unit
    last = (rows["address"] + rows["bytes"] - 1) // unit
    counts = last - first + 1
    at = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    pieces = first[at] + within
    least = int(pieces.min())
    width = int(pieces.max()) - least + 1  # groups times this fit: addresses have 48 bits, groups 16
    keys = np.unique(group[at] * width + (pieces - least))
    return keys // width, keys % width + least


def _sectors(rows: Table, group: Table) -> tuple[Table, Table]:
    """For each group the sectors that it touches, and those that its bytes would fill if they lay together."""
    count = int(group[-1]) + 1
    bits = int(np.bitwise_or.reduce(rows["address"] | rows["bytes"]))
    grain = min(_SECTOR, bits & -bits)
    sectors = np.bincount(_spread(rows, group, _SECTOR)[0], minlength=count)
    bytes_ = np.bincount(_spread(rows, group, grain)[0], minlength=count) * grain
    return sectors, (bytes_ + _SECTOR - 1) // _SECTOR


def _passes(rows: Table, group: Table) -> tuple[Table, Table]:
    """For each group the passes over the banks, and the fewest that its words need: a pass gives each bank's word once,
    to all who ask for it. Lanes that access 8 (or 16, 32) bytes go in 2 (or 4, 8) parts."""
    lanes = rows["thread"] % _WARP
    parts = np.maximum(1, rows["bytes"] // _BANK_BYTES)
    most_parts = int(parts.max())
    part = group * most_parts + lanes * parts // _WARP
    owner, word = _spread(rows, part, _BANK_BYTES)
    bank = owner * _BANKS + word % _BANKS
    banks, words = np.unique(bank, return_counts=True)
    most = np.zeros(int(part.max()) + 1, np.int64)
    np.maximum.at(most, banks // _BANKS, words)
    count = int(group[-1]) + 1
    passes = np.zeros(count, np.int64)
    np.add.at(passes, np.arange(len(most)) // most_parts, most)
    least = np.zeros(count, np.int64)
    np.add.at(least, np.arange(len(most)) // most_parts, most > 0)
    return passes, least
