"""The device memory of the simulator: memory of this process, each allocation by itself."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from weft.backends.sim.layout import MARKS_BYTES

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_ALIGNMENT = 256
"""As that of what the CUDA driver gives."""

_APART = 4096
"""Unused bytes around an allocation, so that what is little out of bounds is in no other one."""


class DeviceMemory:
    """Allocations by address; also memory of others that kernels may use."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._held: dict[int, tuple[int, Any]] = {}
        self._shadows: dict[int, Bytes] = {}
        self._units = 0

    def allocate(self, size: int) -> int:
        """The address of so many new bytes; 0 where there are none."""
        try:
            whole: Bytes = np.empty(size + 2 * _APART + _ALIGNMENT, np.uint8)
        except MemoryError:
            return 0
        start = (whole.__array_interface__["data"][0] + _APART + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT
        self._add(start, size, whole)
        return start

    def register(self, array: np.ndarray[Any, Any]) -> int:
        """The address of an array that kernels may use from now on; it is held."""
        low, high = byte_bounds(array) if array.size else (_address(array), _address(array))
        self._add(low, high - low, array)
        return _address(array)

    def unregister(self, array: np.ndarray[Any, Any]) -> None:
        """Hold an array no longer, nor let kernels use it."""
        self.free(byte_bounds(array)[0] if array.size else _address(array))

    def add(self, start: int, size: int) -> None:
        """Let kernels use memory that others hold."""
        self._add(start, size, None)

    def _add(self, start: int, size: int, holder: Any) -> None:
        """What was there before is gone: others may have given it back."""
        place = max(0, bisect_right(self._starts, start) - 1)
        while place < len(self._starts) and self._starts[place] < start + max(size, 1):
            old = self._starts[place]
            if old + self._held[old][0] > start or old == start:
                self.free(old)
            else:
                place += 1
        insort(self._starts, start)
        self._held[start] = (size, holder)

    def free(self, start: int) -> None:
        """Give an allocation back; an address that is none is left alone."""
        if start in self._held:
            del self._held[start]
            self._shadows.pop(start, None)
            del self._starts[bisect_right(self._starts, start) - 1]

    def shadow(self, start: int) -> Bytes:
        """What the checker notes of each byte of an allocation, from launch to launch."""
        if start not in self._shadows:
            self._shadows[start] = np.zeros(self._held[start][0] * MARKS_BYTES, np.uint8)
        return self._shadows[start]

    def begin_units(self, count: int) -> int:
        """A number for the first cluster of a launch: it and those after it, `count` in all, are no others'."""
        first = self._units
        self._units += count
        return first

    def regions(self) -> Iterator[tuple[int, int]]:
        """Where each allocation starts, and its bytes, by address."""
        for start in self._starts:
            yield start, self._held[start][0]

    def nearest(self, address: int) -> tuple[int, int] | None:
        """The allocation that begins last at or before an address."""
        place = bisect_right(self._starts, address) - 1
        return (self._starts[place], self._held[self._starts[place]][0]) if place >= 0 else None


def _address(array: np.ndarray[Any, Any]) -> int:
    return array.__array_interface__["data"][0]
