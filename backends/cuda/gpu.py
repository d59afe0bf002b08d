"""A GPU of this machine: its context, its facts and limits, and its pool of memory."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from typing import Protocol
from weakref import WeakSet

from weft import codes
from weft.backends.cuda.driver import OUT_OF_MEMORY, Driver, driver
from weft.diagnostics import WeftError
from weft.dialects.target import Cuda

_THREADS, _BLOCK, _GRID = 1, (2, 3, 4), (5, 6, 7)
_REGISTERS, _MULTIPROCESSORS, _L2, _MAJOR, _MINOR, _SHARED = 12, 16, 38, 75, 76, 97
"""CU_DEVICE_ATTRIBUTE_*."""

_RELEASE_THRESHOLD = 4
"""CU_MEMPOOL_ATTR_RELEASE_THRESHOLD."""

_PTX = ((13000, 90), (12090, 88), (12080, 87), (12070, 86), (12050, 85), (12040, 84), (12030, 83), (12020, 82))
"""The newest PTX that a driver reads, by the version of CUDA that it brings."""

_ENOUGH_PTX = 86
"""What the code needs on chips up to compute capability 10."""

_UNIT = 1024


class _PoolProps(ctypes.Structure):
    """CUmemPoolProps: pinned memory of a device."""

    _fields_ = (
        ("allocation", ctypes.c_int),
        ("handles", ctypes.c_int),
        ("location", ctypes.c_int),
        ("device", ctypes.c_int),
        ("security", ctypes.c_void_p),
        ("most", ctypes.c_size_t),
        ("reserved", ctypes.c_ubyte * 56),
    )


class Keeper(Protocol):
    """Somebody who keeps memory for later."""

    def release(self) -> bool:
        """Give it back; whether there was any."""
        ...


class Gpu:
    """A GPU, in its primary context, which this process's other libraries use too."""

    def __init__(self, used: Driver, ordinal: int) -> None:
        self.driver = used
        self.ordinal = ordinal
        device = used.number("cuDeviceGet", ordinal)
        self.context = used.handle("cuDevicePrimaryCtxRetain", device)
        self._device = device
        self.blocking = os.environ.get("CUDA_LAUNCH_BLOCKING", "0") not in ("", "0")
        limits = [self._attribute(number) for number in (_THREADS, *_BLOCK, *_GRID)]
        self.limits = (ctypes.c_int64 * 7)(*limits)
        self.shared_bytes = self._attribute(_SHARED)
        self.keepers: WeakSet[Keeper] = WeakSet()
        """Who keeps memory that may be asked back."""

    def _attribute(self, number: int) -> int:
        return self.driver.number("cuDeviceGetAttribute", number, self._device)

    @cached_property
    def name(self) -> str:
        """What its maker calls it."""
        text = ctypes.create_string_buffer(256)
        self.driver.call("cuDeviceGetName", text, len(text), self._device)
        return text.value.decode(errors="replace")

    @cached_property
    def facts(self) -> Cuda:
        """It as a target."""
        major, minor = self._attribute(_MAJOR), self._attribute(_MINOR)
        known = self.driver.number("cuDriverGetVersion")
        newest = next((ptx for version, ptx in _PTX if known >= version), 80)
        return Cuda(
            chip=f"sm_{major}{minor}{'a' if major >= 9 else ''}",
            ptx=min(newest, _ENOUGH_PTX if major <= 10 else newest),
            multiprocessors=self._attribute(_MULTIPROCESSORS),
            block_threads=self.limits[0],
            shared_bytes=self.shared_bytes,
            registers=self._attribute(_REGISTERS),
            l2_bytes=self._attribute(_L2),
        )

    @cached_property
    def pool(self) -> int:
        """Memory that is taken in stream order. What is given back is kept for the next call."""
        props = _PoolProps(allocation=1, location=1, device=self._device)
        pool = self.driver.handle("cuMemPoolCreate", ctypes.byref(props))
        everything = ctypes.c_uint64(2**64 - 1)
        self.driver.call("cuMemPoolSetAttribute", pool, _RELEASE_THRESHOLD, ctypes.byref(everything))
        return pool

    @contextmanager
    def current(self) -> Generator[None]:
        """Make its context this thread's own for a while."""
        now = ctypes.c_void_p()
        self.driver.call("cuCtxGetCurrent", ctypes.byref(now))
        if now.value == self.context:
            yield
            return
        self.driver.call("cuCtxPushCurrent", self.context)
        try:
            yield
        finally:
            self.driver.status("cuCtxPopCurrent", ctypes.byref(now))

    def memory(self) -> tuple[int, int]:
        """How many bytes are free, and how many there are. Its context is current."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        if self.driver.status("cuMemGetInfo", ctypes.byref(free), ctypes.byref(total)):
            return 0, 0
        return free.value, total.value

    def allocate(self, count: int, stream: int, what: str) -> int:
        """Memory of the pool, for work on a stream. Raises :class:`WeftError` naming `what` where there is none."""
        address = ctypes.c_void_p()
        asked = ("cuMemAllocFromPoolAsync", ctypes.byref(address), max(count, 1), self.pool, stream)
        status = self.driver.status(*asked)
        if status == OUT_OF_MEMORY and self.release_kept():
            status = self.driver.status(*asked)
        if status == OUT_OF_MEMORY:
            raise self.out_of_memory(what, count)
        if status:
            raise self.driver.error(status, "cuMemAllocFromPoolAsync")
        return address.value or 0

    def release_kept(self) -> bool:
        """Give back what functions keep for their next calls; whether there was anything."""
        return sum(keeper.release() for keeper in tuple(self.keepers)) > 0

    def out_of_memory(self, what: str, count: int) -> WeftError:
        """The error that there is no memory for something."""
        return WeftError(f"{what}: {self.shortage(count)}", hint=_FREE, code=codes.OUT_OF_MEMORY)

    def shortage(self, count: int) -> str:
        """What is asked for, and what is there."""
        free, total = self.memory()
        return f"{sized(count)} are asked for, {sized(free)} of {sized(total)} are free on {self.name}"

    def free(self, address: int, stream: int) -> None:
        """Give memory back once the stream has come so far."""
        self.driver.status("cuMemFreeAsync", address, stream)


_FREE = "free arrays that are not needed, or make the batch smaller"


def sized(count: float) -> str:
    """A number of bytes in a unit that people read."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < _UNIT:
            return f"{count:.4g} {unit}"
        count /= _UNIT
    return f"{count:.4g} TiB"


_known: dict[tuple[int, int], Gpu] = {}
_lock = threading.Lock()


def gpu_of(used: Driver, ordinal: int) -> Gpu:
    """The GPU of that number, one object each."""
    with _lock:
        key = (id(used), ordinal)
        if key not in _known:
            _known[key] = Gpu(used, ordinal)
        return _known[key]


def current_gpu(used: Driver | None = None) -> Gpu:
    """The GPU that this thread uses: that of its current context, else the first one.

    Raises :class:`WeftError` where there is none.
    """
    used = used or driver()
    if used.number("cuDeviceGetCount") == 0:
        hint = "CUDA_VISIBLE_DEVICES may hide it; --target gpu-sim runs the same code without"
        raise WeftError("there is no GPU to run on", hint=hint, code=codes.NO_DEVICE)
    now, device = ctypes.c_void_p(), ctypes.c_int()
    if used.status("cuCtxGetCurrent", ctypes.byref(now)) or not now.value:
        return gpu_of(used, 0)
    return gpu_of(used, 0 if used.status("cuCtxGetDevice", ctypes.byref(device)) else device.value)
