"""Launches: the records that the scheduler works on, and what it asks of Python."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from weft.backends.sim.layout import BLOCK, COPY, LAUNCH, SLOT_BYTES, THREAD, address_of
from weft.backends.sim.limits import Dimensions
from weft.backends.sim.under_way import Transfers

_WARP = 32
_COPIES_BYTES = 64 * COPY.dtype.itemsize
"""Of the asynchronous copies that a thread has not made: 64."""

_SPINS = 1 << 16
"""So often all threads of a cluster may give way with no one else going on before it counts as stuck."""

SERVICE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
STUCK = ctypes.CFUNCTYPE(ctypes.c_int64)

Records = np.ndarray[Any, np.dtype[np.void]]


class Stage:
    """The records of a launch: the launch, the blocks of one cluster, and their threads, with the memory they use."""

    def __init__(self, sizes: Dimensions, static: int, entry: int) -> None:
        self.sizes = sizes
        self.blocks_in_unit = prod(sizes.cluster)
        self.threads_in_block = prod(sizes.block)
        count = self.blocks_in_unit * self.threads_in_block
        self.warps_in_block = (self.threads_in_block + _WARP - 1) // _WARP
        self.shared_bytes = static + sizes.shared
        self.stride = max(1024, (self.shared_bytes + 1023) // 1024 * 1024)
        self.shared = _aligned(self.blocks_in_unit * self.stride, 1024)
        self.slots = _aligned(count * SLOT_BYTES, 64)
        self.seen = _aligned(self.blocks_in_unit * self.warps_in_block * _WARP * SLOT_BYTES, 64)
        self.copies = np.empty(count * _COPIES_BYTES, np.uint8)
        self.launch: Records = np.zeros(1, LAUNCH.dtype)
        self.blocks: Records = np.zeros(self.blocks_in_unit, BLOCK.dtype)
        self.threads: Records = np.zeros(count, THREAD.dtype)
        self.transfers = Transfers()
        self._fill_launch(entry)
        self._fill_blocks()
        self._fill_threads()

    def _fill_launch(self, entry: int) -> None:
        launch = self.launch
        launch["entry"] = entry
        launch["blocks"] = address_of(self.blocks)
        launch["threads"] = address_of(self.threads)
        launch["blocks_in_unit"] = self.blocks_in_unit
        launch["threads_in_block"] = self.threads_in_block
        launch["spins"] = _SPINS

    def _fill_blocks(self) -> None:
        blocks, sizes = self.blocks, self.sizes
        ranks = np.arange(self.blocks_in_unit)
        blocks["launch"] = address_of(self.launch)
        blocks["rank"] = ranks
        blocks["shared"] = address_of(self.shared) + ranks * self.stride
        blocks["shared_bytes"] = self.shared_bytes
        blocks["dynamic_bytes"] = sizes.shared
        blocks["threads"] = address_of(self.threads) + ranks * self.threads_in_block * THREAD.dtype.itemsize
        blocks["count"] = self.threads_in_block
        blocks["size"], blocks["grid"], blocks["cluster"] = sizes.block, sizes.grid, sizes.cluster
        blocks["place"] = coordinates(ranks, sizes.cluster)

    def _fill_threads(self) -> None:
        threads = self.threads
        index = np.arange(len(threads))
        number = index % self.threads_in_block
        rank = index // self.threads_in_block
        warp = rank * self.warps_in_block + number // _WARP
        threads["index"], threads["number"], threads["lane"] = index, number, number % _WARP
        threads["id"] = coordinates(number, self.sizes.block)
        threads["block"] = address_of(self.blocks) + rank * BLOCK.dtype.itemsize
        threads["slot"] = address_of(self.slots) + index * SLOT_BYTES
        threads["seen"] = address_of(self.seen) + warp * _WARP * SLOT_BYTES
        threads["copies"] = address_of(self.copies) + index * _COPIES_BYTES

    def thread_address(self, index: int) -> int:
        """Where the record of a thread of the cluster lies."""
        return address_of(self.threads) + index * THREAD.dtype.itemsize

    def shifts(self, index: int, mask: int) -> list[int]:
        """How far the shared memory of the blocks of a mask lies from that of a thread's own; of mask 0 its own."""
        own = index // self.threads_in_block
        ranks = [rank for rank in range(self.blocks_in_unit) if mask >> rank & 1] if mask else [own]
        return [(rank - own) * self.stride for rank in ranks]

    def block_of_unit(self, rank: int = 0) -> tuple[int, int, int]:
        """The place in the grid of a block of the cluster that runs."""
        x, y, z = (int(n) for n in self.blocks["id"][rank])
        return x, y, z


def coordinates(number: np.ndarray[Any, Any], sizes: Sequence[int]) -> np.ndarray[Any, Any]:
    """The place of each number in a box of these sizes, x first."""
    x, y, _ = sizes
    return np.stack([number % x, number // x % y, number // (x * y)], axis=-1)


def _aligned(size: int, alignment: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Zeros at an aligned address."""
    whole = np.zeros(size + alignment, np.uint8)
    start = -address_of(whole) % alignment
    return whole[start : start + size]


class Calls:
    """What the scheduler calls of Python, as addresses; they are good while this is held. What is raised in one is
    kept, to be raised when the launch is over."""

    def __init__(self, stage: Stage) -> None:
        self.error: BaseException | None = None
        self._held: list[Any] = []
        self._stage = stage

    def bind(self, field: str, type_: Any, function: Any) -> None:
        """Let the launch's field be the address of a Python function."""

        def guarded(*arguments: int) -> int:
            try:
                return function(*arguments) or 0
            except BaseException as error:  # it must not be lost in LLVM's code
                self.error = self.error or error
                return 1

        held = type_(guarded)
        self._held.append(held)
        self._stage.launch[field] = ctypes.cast(held, ctypes.c_void_p).value
