"""What host code calls of the simulated device (see :mod:`weft.dialects.device`): device memory is memory of this
process, and a launch runs at once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.device import DeviceProgram
from weft.backends.sim.findings import Report, merged
from weft.backends.sim.limits import Dimensions
from weft.backends.sim.memory import DeviceMemory
from weft.backends.sim.module import SimModule
from weft.diagnostics import Location
from weft.dialects import device
from weft.dialects.target import Cuda

_TYPES: Mapping[str, Any] = {"i64": ctypes.c_int64, "ptr": ctypes.c_void_p, "void": None}
_FAILED = 1

_allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)
_libc = ctypes.CDLL(None)


class SimDevice:
    """The device of one program: its kernels, its memory, and what the checker has found so far."""

    def __init__(self, program: DeviceProgram, facts: Cuda) -> None:
        self.memory = DeviceMemory()
        self.reports: list[Report] = []
        self.error: BaseException | None = None
        self._modules = {name: SimModule(code, self.memory, facts) for name, code in program.modules.items()}
        self._kernels = [name.partition("::") for name in program.kernels]
        self._sites = [_location(site) for site in program.sites]
        self._held: list[Any] = []
        self._addresses = {f.name: self._bound(f) for f in device.FUNCTIONS}
        for symbol, content in program.contents.items():
            self._addresses[symbol] = self.memory.register(np.frombuffer(bytearray(content), np.uint8))
        for symbol, spec in program.data.items():
            self._addresses[symbol] = self.memory.register(spec.load())

    def symbol(self, name: str) -> int | None:
        """The address of what host code refers to by name; None for what the device does not have."""
        return self._addresses.get(name)

    def _bound(self, function: device.RuntimeFunction) -> int:
        """The address of a run-time function."""
        kind = ctypes.CFUNCTYPE(_TYPES[function.result], *(_TYPES[type_] for _, type_ in function.arguments))
        does: Callable[..., int | None] = getattr(self, "_" + function.name.removeprefix("weft_gpu_"))

        def guarded(*arguments: int | None) -> int | None:
            try:
                return does(*(argument or 0 for argument in arguments))
            except BaseException as error:  # it must not be lost in machine code
                self.error = self.error or error
                return None if function.result == "void" else _FAILED if function.result == "i64" else 0

        held = kind(guarded)
        self._held.append(held)
        return ctypes.cast(held, ctypes.c_void_p).value or 0

    def _launch(self, kernel: int, site: int, dims: int, shared: int, arguments: int) -> int:
        sizes = list((ctypes.c_int64 * 9).from_address(dims))
        grid, block, cluster = sizes[:3], sizes[3:6], sizes[6:]
        if 0 in grid:
            return 0
        given = Dimensions(_shape(grid), _shape(block), _shape(cluster) if all(cluster) else (1, 1, 1), shared)
        module, _, name = self._kernels[kernel]
        found = self._modules[module].launch(name, given, arguments, self._sites[site])
        self.reports = merged([*self.reports, *found])
        return 0

    def _alloc(self, size: int) -> int:
        place: int = _allocate(runtime_symbol("weft_alloc", 1) or 0)(size) or 0
        if place:
            self.memory.add(place, size)
        return place

    def _free(self, place: int) -> None:
        self.memory.free(place)
        _libc.free(ctypes.c_void_p(place))

    def _copy(self, to: int, source: int, size: int, kind: int) -> int:
        ctypes.memmove(to, source, size)
        return 0

    def _copy_strided(self, to: int, source: int, shape: int) -> int:
        rank, width = (ctypes.c_int64 * 2).from_address(shape)
        rows = np.array((ctypes.c_int64 * (3 * rank)).from_address(shape + 16), np.int64).reshape(3, rank)
        sizes, strides_to, strides_from = rows.tolist() if rank else ([], [], [])
        if all(sizes):
            _strided(to, width, sizes, strides_to)[...] = _strided(source, width, sizes, strides_from)
        return 0

    def _fill(self, to: int, pattern: int, width: int, count: int) -> int:
        if count:
            _strided(to, width, [count], [1])[...] = pattern & (1 << 8 * width) - 1
        return 0

    def _wait(self) -> int:
        return 0


def _strided(place: int, width: int, sizes: list[int], strides: list[int]) -> np.ndarray[Any, Any]:
    """The elements at an address, as unsigned integers."""
    dtype = np.dtype(f"u{width}")
    low = sum(min(0, (size - 1) * stride) for size, stride in zip(sizes, strides, strict=True))
    high = sum(max(0, (size - 1) * stride) for size, stride in zip(sizes, strides, strict=True))
    whole = (ctypes.c_uint8 * ((high - low + 1) * width)).from_address(place + low * width)
    flat = np.frombuffer(cast(Any, whole), dtype)
    return np.lib.stride_tricks.as_strided(flat[-low:], sizes, [stride * width for stride in strides])


def _shape(sizes: list[int]) -> tuple[int, int, int]:
    x, y, z = sizes
    return x, y, z


def _location(site: str) -> Location:
    file, line, column = site.rsplit(":", 2)
    return Location(file, int(line), int(column))
