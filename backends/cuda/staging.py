"""Copies between NumPy's memory and the device, by pinned memory that both reach: what is copied there while the device
takes the piece before."""

from __future__ import annotations

import ctypes
import threading
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.backends.cuda.gpu import Gpu

Array = NDArray[Any]
Bytes = NDArray[np.uint8]

_PIECE = 4 << 20
"""The bytes of a piece."""

_NO_TIMING = 2


class Staging:
    """Two pieces of pinned memory of a GPU. One copy at a time: it holds a lock."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._lock = threading.Lock()
        self._pieces: list[Bytes] = []
        self._events: list[ctypes.c_void_p] = []

    def _ready(self) -> None:
        used = self._gpu.driver
        while len(self._pieces) < 2:
            address, event = ctypes.c_void_p(), ctypes.c_void_p()
            used.call("cuMemHostAlloc", ctypes.byref(address), _PIECE, 0)
            used.call("cuEventCreate", ctypes.byref(event), _NO_TIMING)
            self._pieces.append(np.ctypeslib.as_array((ctypes.c_uint8 * _PIECE).from_address(address.value or 0)))
            self._events.append(event)

    def upload(self, source: Bytes, target: int, stream: int) -> None:
        """Copy bytes to the device, in the order of a stream. The source has been read when this returns."""
        used = self._gpu.driver
        with self._lock:
            self._ready()
            for number, start in enumerate(range(0, source.size, _PIECE)):
                piece, event = self._pieces[number % 2], self._events[number % 2]
                used.call("cuEventSynchronize", event)
                count = min(_PIECE, source.size - start)
                piece[:count] = source[start : start + count]
                place = piece.__array_interface__["data"][0]
                used.call("cuMemcpyHtoDAsync", target + start, place, count, stream)
                used.call("cuEventRecord", event, stream)

    def download(self, source: int, target: Bytes, stream: int) -> None:
        """Copy bytes from the device; they are there when this returns."""
        used = self._gpu.driver
        waiting: list[tuple[int, int, int]] = []
        with self._lock:
            self._ready()
            for event in self._events:
                used.call("cuEventSynchronize", event)
            for number, start in enumerate(range(0, target.size, _PIECE)):
                if len(waiting) == 2:
                    self._take(target, *waiting.pop(0))
                count = min(_PIECE, target.size - start)
                place = self._pieces[number % 2].__array_interface__["data"][0]
                used.call("cuMemcpyDtoHAsync", place, source + start, count, stream)
                used.call("cuEventRecord", self._events[number % 2], stream)
                waiting.append((number % 2, start, count))
            for piece in waiting:
                self._take(target, *piece)

    def _take(self, target: Bytes, number: int, start: int, count: int) -> None:
        self._gpu.driver.call("cuEventSynchronize", self._events[number])
        target[start : start + count] = self._pieces[number][:count]


@lru_cache(None)
def staging_of(gpu: Gpu) -> Staging:
    """The pinned memory of a GPU. It stays for as long as the process does."""
    return Staging(gpu)


def bytes_of(array: Array) -> Bytes:
    """The bytes of a contiguous array."""
    return array.reshape(-1).view(np.uint8)


def span_of(array: Array) -> tuple[Bytes, int]:
    """The bytes from the first to the last that a strided array has an element in, and where its own first one is."""
    if array.flags.c_contiguous:
        return bytes_of(array), 0
    low = sum((size - 1) * step for size, step in zip(array.shape, array.strides, strict=True) if step < 0)
    high = sum((size - 1) * step for size, step in zip(array.shape, array.strides, strict=True) if step > 0)
    start = array.__array_interface__["data"][0] + low
    count = high - low + array.itemsize
    return np.ctypeslib.as_array((ctypes.c_uint8 * count).from_address(start)), -low
