"""A checked launch: the checker's records, and what is told of it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from weft.backends.sim.findings import Report, ordinal_block, placed_thread, verb
from weft.backends.sim.launching import Stage, coordinates
from weft.backends.sim.layout import (
    CHECK,
    JOINED_ROWS,
    MARKS_BYTES,
    NO_AGENTS,
    REGION,
    SAMPLE,
    TRANSACTIONS,
    WRITE,
    Finding,
    address_of,
)
from weft.backends.sim.memory import DeviceMemory
from weft.backends.sim.patterns import Pattern, find_patterns
from weft.backends.sim.record import MEMORY, Kernel, Record, Site
from weft.diagnostics import Diagnostic, WeftError

REPORT = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 6)

_SAMPLES = 1 << 16
"""So many accesses are looked at for how a warp's lie in memory."""

_MOST_SHADOWED = 1 << 26
"""Larger allocations have no shadow: only their bounds are checked."""

_WORD = (1 << 64) - 1


class Checker:
    """The checker of one launch of a kernel."""

    def __init__(self, stage: Stage, record: Record, name: str, memory: DeviceMemory, arguments: int) -> None:
        self._stage, self._record, self._memory = stage, record, memory
        self._name, self._kernel = name, record.kernels[name]
        self._pointers = _pointers(self._kernel, arguments)
        self._reports: dict[tuple[Finding, int, int], Report] = {}
        count, sites = len(stage.threads), len(record.sites)
        places = (count + (TRANSACTIONS if record.has_agents else 0) + 15) // 16 * 16
        width = 2 * places if record.has_agents else places
        self._counts = np.zeros((len(Finding), max(1, sites)), np.int64)
        self._samples = np.zeros(_SAMPLES, SAMPLE.dtype)
        self._regions = _regions(memory, self._pointers, self._kernel)
        self._first_unit = memory.begin_units(prod(stage.sizes.grid))
        stage.launch["unit"] = self._first_unit
        self._check: np.ndarray[Any, Any] = np.zeros(1, CHECK.dtype)
        self._held: list[object] = []
        fields: Mapping[str, object] = {
            "regions": self._regions,
            "region_count": len(self._regions),
            "clocks": np.zeros(count * width, np.uint32),
            "width": width,
            "first_agent": count if record.has_agents else NO_AGENTS,
            "proxy": places if record.has_agents else 0,
            "agent_clocks": np.zeros(TRANSACTIONS, np.uint32),
            "joined": np.zeros(JOINED_ROWS * width, np.uint32),
            "transactions": np.zeros(TRANSACTIONS, np.int64),
            "transaction_rows": np.zeros(TRANSACTIONS * width, np.uint32),
            "arena": address_of(stage.shared),
            "arena_end": address_of(stage.shared) + len(stage.shared),
            "arena_stride": stage.stride,
            "arena_shadow": np.zeros(len(stage.shared) * MARKS_BYTES, np.uint8),
            "first_unit": self._first_unit,
            "published": np.zeros(prod(stage.sizes.grid) + 1, np.uint8),
            "counts": self._counts,
            "sites": sites,
            "occurrences": np.zeros(count * max(1, sites), np.uint32),
            "samples": self._samples,
            "sample_limit": _SAMPLES,
            "scratch": np.zeros(512, np.uint8),
        }
        for field, value in fields.items():
            self._check[field] = address_of(value) if isinstance(value, np.ndarray) else value
            self._held.append(value)
        stage.launch["check"] = address_of(self._check)

    def report(self, finding: int, site: int, a: int, b: int, c: int, d: int) -> None:
        """Called for the first findings of each kind and place."""
        kind = Finding(finding)
        make = {
            Finding.RACE: self._race,
            Finding.OUT_OF_BOUNDS: self._outside,
            Finding.UNWRITTEN: self._unwritten,
            Finding.DIVERGENT_BARRIER: self._divergent,
            Finding.EXITED_BARRIER: self._exited,
            Finding.DIVERGENT_WARP: self._divergent_warp,
            Finding.MISALIGNED: self._misaligned,
            Finding.UNFINISHED: self._unfinished,
            Finding.UNFENCED: self._unfenced,
            Finding.ABANDONED: self._abandoned,
            Finding.SHUFFLED: self._shuffled,
        }[kind]
        other = a & 0xFFFFFFFF if kind is Finding.RACE else 0
        if (kind, site, other) not in self._reports:
            self._reports[kind, site, other] = make(site, a, b, c, d)

    def results(self) -> list[Report]:
        """Everything that was found, in the order of the text; a race that was seen from both of its ends once."""
        reports = [
            replace(report, count=int(self._counts[finding, site]))
            for (finding, site, _), report in self._reports.items()
            if finding is not Finding.RACE or not self._seen_from(site, _)
        ]
        samples = self._samples[: int(self._check["sample_count"][0])]
        reports += [self._pattern(p) for p in find_patterns(samples, self._stage.threads_in_block)]
        return sorted(reports, key=lambda report: (not report.is_error, report.site.line, report.site.column))

    def stuck(self, error: WeftError) -> None:
        """Note that threads wait for each other."""
        said = error.diagnostic
        place = Site(said.where.file, said.where.line, said.where.column, "")
        self._reports[Finding.DEADLOCK, 0, 0] = Report(
            Finding.DEADLOCK, self._name, place, said.message, None, said.notes
        )
        self._counts[Finding.DEADLOCK, 0] = 1

    def _seen_from(self, site: int, other: int) -> bool:
        return other < site and (Finding.RACE, other, site) in self._reports

    # in words

    def _report(self, kind: Finding, site: int, message: str, hint: str | None = None, other: Any = None) -> Report:
        return Report(kind, self._name, self._record.sites[site], message, hint, (other,) if other is not None else ())

    def _race(self, site: int, other: int, address: int, me: int, who: int) -> Report:
        there = self._record.sites[other & 0xFFFFFFFF]
        here = self._record.sites[site]
        their_verb = ("reads", "writes")[other >> 32 & 1] if verb(there) == "accesses" else verb(there)
        message = f"data race: {self._who(me)} {verb(here)} {self._place(address)}"
        note = f"{self._who(who)} {their_verb} it here, and "
        if other >> 33:
            note += "no fence lets what goes on by itself see that"
            hint = "put a fence.proxy of async.shared (async for global memory) behind it, before the barrier"
        elif self._is_agent(who):
            note += "nobody has waited for that"
            hint = "wait for the phase of its mbarrier, or for its group, and let others know by a barrier"
        else:
            note += "nothing orders the two"
            near = self._is_agent(me) or (me >> 16 == who >> 16 and self._block(me) == self._block(who))
            hint = "put a barrier between them" if near else "blocks run in any order: use an atomic, or two launches"
        return self._report(Finding.RACE, site, message, hint, Diagnostic(note, there.where, "note"))

    def _outside(self, site: int, address: int, packed: int, low: int, high: int) -> Report:
        me, how = packed & (1 << 40) - 1, packed >> 40 & 0xFFFFFF
        does = "writes" if how & WRITE else "reads"
        what = f"{how >> 8} bytes"
        if not high:
            message = (
                f"out of bounds: {self._who(me)} {does} {what} at {address & _WORD:#x}, where nothing is allocated"
            )
        else:
            name, base = self._owner(low)
            message = (
                f"out of bounds: {self._who(me)} {does} {what} at byte {address - base} of {name}, "
                f"which has {high - base}"
            )
        return self._report(Finding.OUT_OF_BOUNDS, site, message, "let only threads whose index is inside do it")

    def _unwritten(self, site: int, _: int, address: int, me: int, __: int) -> Report:
        message = f"{self._who(me)} reads {self._place(address)}, which nobody has written"
        return self._report(Finding.UNWRITTEN, site, message, "what shared memory holds at first is not defined")

    def _divergent(self, site: int, other: int, me: int, who: int, _: int) -> Report:
        message = f"barrier in divergent flow: {self._member(me)} waits here"
        note = f"{self._member(who)} waits at this one"
        hint = "all threads of a block must come to the same barrier: put it outside of the condition"
        where = self._record.sites[other].where
        return self._report(Finding.DIVERGENT_BARRIER, site, message, hint, Diagnostic(note, where, "note"))

    def _exited(self, site: int, _: int, me: int, who: int, __: int) -> Report:
        message = (
            f"barrier in divergent flow: {self._member(me)} waits here, and {self._member(who)} has ended before it"
        )
        return self._report(Finding.EXITED_BARRIER, site, message, "all threads of a block must come to a barrier")

    def _divergent_warp(self, site: int, mask: int, me: int, who: int, _: int) -> Report:
        message = f"{self._member(me)} waits here for {self._member(who)}, which is in its mask and has ended"
        return self._report(Finding.DIVERGENT_WARP, site, message, f"the mask is {mask & 0xFFFFFFFF:#x}")

    def _misaligned(self, site: int, alignment: int, address: int, me: int, _: int) -> Report:
        message = f"misaligned: {self._who(me)} {verb(self._record.sites[site])} {self._place(address)}"
        return self._report(Finding.MISALIGNED, site, f"{message}, which is not a multiple of {alignment} bytes")

    def _unfinished(self, site: int, _: int, me: int, __: int, ___: int) -> Report:
        message = f"{self._member(me)} reads a register of a product for which it has not waited"
        return self._report(Finding.UNFINISHED, site, message, "put a wgmma.wait.group before it")

    def _unfenced(self, site: int, _: int, me: int, __: int, ___: int) -> Report:
        message = f"{self._member(me)} begins a product, and its registers are not fenced"
        return self._report(Finding.UNFENCED, site, message, "put a wgmma.fence before the first product")

    def _abandoned(self, site: int, *_: int) -> Report:
        message = "the block ends, and nobody has waited until the bulk copy that begins here has read shared memory"
        hint = "commit its group, and wait for that by cp.async.bulk.wait_group (read is enough)"
        return self._report(Finding.ABANDONED, site, message, hint)

    def _shuffled(self, site: int, lane: int, me: int, __: int, ___: int) -> Report:
        message = f"{self._member(me)} reads lane {lane} of its warp, which has ended or is not in the mask"
        hint = "what it gets is not defined: let that lane come too, or read from one that does"
        return self._report(Finding.SHUFFLED, site, message, hint)

    def _pattern(self, pattern: Pattern) -> Report:
        shown = f"thread {pattern.threads[0] % self._stage.threads_in_block} at {self._place(pattern.addresses[0])}"
        if len(pattern.threads) > 1:
            shown += f", the next at {self._place(pattern.addresses[1])}"
        if pattern.finding is Finding.UNCOALESCED:
            message = (
                f"uncoalesced: {pattern.bad} of {pattern.count} accesses of a warp take {pattern.taken} sectors of "
                f"32 bytes in all, {pattern.needed} would do; {shown}"
            )
            hint = "let neighbouring threads access neighbouring elements"
        else:
            message = (
                f"bank conflict: {pattern.bad} of {pattern.count} accesses of a warp take {pattern.taken} passes over "
                f"the banks in all, {pattern.needed} would do; {shown}"
            )
            hint = "pad the rows by an element, or swizzle them"
        return self._report(pattern.finding, pattern.site, message, hint)

    def _who(self, mark: int) -> str:
        """A thread, as marks have it, or what goes on by itself."""
        if self._is_agent(mark):
            return "what begins here"
        return f"{placed_thread(self._thread(mark & 0xFFFF))} of {ordinal_block(self._block(mark))}"

    def _is_agent(self, mark: int) -> bool:
        return self._record.has_agents and mark & 0xFFFF >= len(self._stage.threads)

    def _member(self, index: int) -> str:
        """A thread of the cluster that runs, by its number in it."""
        return self._who((int(self._stage.launch["unit"][0]) + 1) << 16 | index)

    def _thread(self, index: int) -> tuple[int, ...]:
        number = np.array([index % self._stage.threads_in_block])
        return tuple(int(n) for n in coordinates(number, self._stage.sizes.block)[0])

    def _block(self, mark: int) -> tuple[int, ...]:
        sizes = self._stage.sizes
        clusters = [grid // cluster for grid, cluster in zip(sizes.grid, sizes.cluster, strict=True)]
        unit = coordinates(np.array([(mark >> 16) - 1 - self._first_unit]), clusters)[0]
        inside = coordinates(np.array([(mark & 0xFFFF) // self._stage.threads_in_block]), sizes.cluster)[0]
        return tuple(int(u * c + i) for u, c, i in zip(unit, sizes.cluster, inside, strict=True))

    def _place(self, address: int) -> str:
        """An address in words."""
        name, base = self._owner(address)
        return f"byte {address - base} of {name}"

    def _owner(self, address: int) -> tuple[str, int]:
        """What an address lies in, and where that begins."""
        arena = address_of(self._stage.shared)
        if arena <= address < arena + len(self._stage.shared):
            block = (address - arena) // self._stage.stride * self._stage.stride + arena
            inside = address - block
            for name in self._kernel.shared:
                offset, size = self._record.shared[name]
                if offset <= inside and (size is None or inside < offset + size):
                    return f"@{name}", block + offset
            return "shared memory", block
        found = self._memory.nearest(address)
        start = found[0] if found is not None else 0
        names = [
            f"%{name}" for name, pointer in zip(self._kernel.names, self._pointers, strict=True) if pointer == start
        ]
        return names[0] if names else f"the allocation at {start:#x}", start


def _pointers(kernel: Kernel, arguments: int) -> list[int | None]:
    """The values of those arguments that are pointers."""
    found: list[int | None] = []
    for n, type_ in enumerate(kernel.arguments):
        place: int = ctypes.c_uint64.from_address(arguments + 8 * n).value
        found.append(ctypes.c_uint64.from_address(place).value if type_ == "ptr" else None)
        if type_ == MEMORY:
            found[-1] = place
    return found


def _regions(memory: DeviceMemory, pointers: list[int | None], kernel: Kernel) -> np.ndarray[Any, Any]:
    """What may be accessed, by address, with the shadow of each."""
    known = dict(memory.regions())
    passed = {p: 128 for p, t in zip(pointers, kernel.arguments, strict=True) if t == MEMORY and p is not None}
    known.update({start: size for start, size in passed.items() if start not in known})
    regions: np.ndarray[Any, Any] = np.zeros(len(known), REGION.dtype)
    for n, start in enumerate(sorted(known)):
        size = known[start]
        regions[n]["base"], regions[n]["end"] = start, start + size
        if 0 < size <= _MOST_SHADOWED and start not in passed:
            regions[n]["shadow"] = address_of(memory.shadow(start))
    return regions
