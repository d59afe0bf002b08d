"""The services of bulk copies (TMA): what begins them, and what waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from weft import codes
from weft.backends.sim import tensor_maps
from weft.backends.sim.agents import Addresses, Agent
from weft.backends.sim.layout import WRITE
from weft.backends.sim.scene import Scene
from weft.backends.sim.under_way import Load, Store
from weft.diagnostics import WeftError

_BOX_ALIGNMENT = 128
"""Where a box begins in shared memory."""

_READ_KEY, _WRITE_KEY = 1, 2
"""The agents of what a thread copies out of shared memory: behind the address of its record."""

BRINGS = np.dtype(
    [("here", "u8"), ("there", "u8"), ("barrier", "u8"), ("site", "i4"), ("numbers", "i4", (5,)), ("mask", "i4")]
)
"""What a thread brings in its slot: an address of shared memory, one of global memory (or of a tensor map), an
mbarrier, its place, coordinates (or the size in bytes), and the blocks that it is for (0: its own)."""

OFFSETS = {name: int(place[1]) for name, place in (BRINGS.fields or {}).items()}
"""Where each of them lies."""


@dataclass(frozen=True)
class TensorLoad:
    """`cp.async.bulk.tensor` to shared memory, of a tensor with so many dimensions."""

    rank: int

    def serve(self, scene: Scene) -> None:
        """Begin it."""
        brought = scene.brought(BRINGS)
        there, here, width = _box(brought, self.rank)
        _begin_load(scene, brought, there, here, width, _BOX_ALIGNMENT)


@dataclass(frozen=True)
class BytesLoad:
    """`cp.async.bulk` to shared memory."""

    def serve(self, scene: Scene) -> None:
        """Begin it."""
        brought = scene.brought(BRINGS)
        there, here = _lines(brought)
        _begin_load(scene, brought, there, here, _LINE, _LINE)


@dataclass(frozen=True)
class TensorStore:
    """`cp.async.bulk.tensor` out of shared memory, of a tensor with so many dimensions."""

    rank: int

    def serve(self, scene: Scene) -> None:
        """Begin it."""
        brought = scene.brought(BRINGS)
        there, here, width = _box(brought, self.rank)
        _begin_store(scene, brought, there, here, width, _BOX_ALIGNMENT)


@dataclass(frozen=True)
class BytesStore:
    """`cp.async.bulk` out of shared memory."""

    def serve(self, scene: Scene) -> None:
        """Begin it."""
        brought = scene.brought(BRINGS)
        there, here = _lines(brought)
        _begin_store(scene, brought, there, here, _LINE, _LINE)


@dataclass(frozen=True)
class Commit:
    """`cp.async.bulk.commit_group`."""

    def serve(self, scene: Scene) -> None:
        """Do it."""
        scene.stage.transfers.commit(scene.stage, scene.first)


@dataclass(frozen=True)
class Wait:
    """`cp.async.bulk.wait_group`, or that of their reads only."""

    reads_only: bool

    def serve(self, scene: Scene) -> None:
        """Do it."""
        left = int(scene.brought(BRINGS)["numbers"][0])
        scene.stage.transfers.wait(scene.stage, scene.first, left, reads_only=self.reads_only)


_LINE = 16
"""Bulk copies are of multiples of 16 bytes."""


def _box(brought: Any, rank: int) -> tuple[Addresses, Addresses, int]:
    """Where the pieces of a box lie in global and in shared memory, and their bytes."""
    facts = tensor_maps.decoded(int(brought["there"]))
    if rank != len(facts.sizes):
        message = f"a bulk copy with {rank} coordinates is given the map of a tensor with {len(facts.sizes)} dimensions"
        raise WeftError(message, code=codes.WRONG_ARGUMENT)
    at = [int(number) for number in brought["numbers"][:rank]]
    return *tensor_maps.pieces_of(facts, at, int(brought["here"])), facts.width


def _lines(brought: Any) -> tuple[Addresses, Addresses]:
    offsets = np.arange(0, int(brought["numbers"][0]), _LINE, dtype=np.int64)
    return int(brought["there"]) + offsets, int(brought["here"]) + offsets


def _begin_load(scene: Scene, brought: Any, there: Addresses, here: Addresses, width: int, alignment: int) -> None:
    stage, site, barrier = scene.stage, int(brought["site"]), int(brought["barrier"])
    source = Agent(scene, barrier)
    fits = source.may(there[there != 0], width, site, 0) and source.begins_at(brought, alignment, WRITE)
    goals: list[tuple[Addresses, int, int]] = []
    for shift in stage.shifts(scene.first, int(brought["mask"])):
        agent = source if not shift else Agent(scene, barrier + shift)
        places = here.ravel() + shift
        good = agent.may(places, width, site, WRITE) and fits
        goals.append((places if good else places[:0], barrier + shift, agent.clock))
    stage.transfers.loads.append(Load(there.ravel(), width, tuple(goals)))
    stage.transfers.count(stage)


def _begin_store(scene: Scene, brought: Any, there: Addresses, here: Addresses, width: int, alignment: int) -> None:
    stage, site = scene.stage, int(brought["site"])
    reads, writes = Agent(scene, scene.thread_address + _READ_KEY), Agent(scene, scene.thread_address + _WRITE_KEY)
    inside = there.ravel() != 0
    here, there = here.ravel()[inside], there.ravel()[inside]
    good = reads.may(here, width, site, 0) and reads.begins_at(brought, alignment, 0)
    good &= writes.may(there, width, site, WRITE)
    store = Store(here if good else here[:0], there if good else there[:0], width, reads, writes, site)
    stage.transfers.stores.setdefault(scene.first, [[]])[-1].append(store)
    stage.transfers.count(stage)
