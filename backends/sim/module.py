"""A compiled `gpu.module` in the simulator: its kernels, to be launched."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from weft import codes
from weft.backends.sim import code
from weft.backends.sim.checking import REPORT, Checker
from weft.backends.sim.findings import Report
from weft.backends.sim.launching import SERVICE, STUCK, Calls, Stage
from weft.backends.sim.layout import address_of
from weft.backends.sim.limits import Dimensions, check_limits
from weft.backends.sim.memory import DeviceMemory
from weft.backends.sim.record import ENTRY, MEMORY, Kernel, Record
from weft.backends.sim.scene import Scene
from weft.backends.sim.services import service_of
from weft.backends.sim.stuck import deadlock
from weft.backends.sim.tensor_maps import TensorMap
from weft.diagnostics import Location, WeftError, did_you_mean
from weft.dialects.target import Cuda

_STUCK = 2
"""What the scheduler gives where threads wait for each other."""


class SimModule:
    """The code of a `gpu.module`, linked. `memory` is the device memory that its kernels use."""

    def __init__(self, compiled: bytes, memory: DeviceMemory | None = None, device: Cuda | None = None) -> None:
        self.record, object_code = Record.decoded(compiled)
        self._services = [service_of(kind, facts) for kind, facts in self.record.services]
        self.memory = memory or DeviceMemory()
        self.device = device or Cuda()
        self._library = code.link(self.record, object_code)
        run = code.run_time().address("weft_sim_run")
        self._run = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(run)
        for name, size in self.record.tables.items():
            self.memory.add(self._library.address(name), size)

    def launch(self, name: str, sizes: Dimensions, arguments: int, where: Location | None = None) -> list[Report]:
        """Run a kernel; what the checker found, if the code is checked. `arguments` is the address of an array of
        pointers to the values, `where` the launch's place.

        Raises :class:`WeftError` for a launch that the device refuses, and (in checked code it is a finding) for
        threads that wait for each other.
        """
        cluster = kernel_of(name, self.record).cluster
        if cluster is not None and sizes.cluster == (1, 1, 1):
            sizes = Dimensions(sizes.grid, sizes.block, cluster, sizes.shared)
        check_limits(name, self.record, sizes, self.device, where)
        record = self.record
        stage = Stage(sizes, record.kernels[name].shared_bytes, self._library.address(ENTRY + name))
        stage.launch["arguments"] = arguments
        calls = Calls(stage)
        checker = Checker(stage, record, name, self.memory, arguments) if record.checked else None
        if checker is not None:
            calls.bind("report", REPORT, checker.report)

        def stuck() -> int:
            error = deadlock(stage, record, name)
            if checker is None:
                raise error
            checker.stuck(error)
            return _STUCK

        def serve(number: int, first: int, group: int) -> None:
            if number:
                self._services[number - 1].serve(Scene(stage, first, group))
            else:
                stage.transfers.deliver(stage)

        calls.bind("stuck", STUCK, stuck)
        calls.bind("service", SERVICE, serve)
        status: int = self._run(address_of(stage.launch))
        if calls.error is not None:
            raise calls.error
        assert status in (0, _STUCK), f"the scheduler gave {status}"
        return checker.results() if checker is not None else []


def kernel_of(name: str, record: Record) -> Kernel:
    """The kernel of that name. Raises :class:`WeftError` where there is none."""
    if name not in record.kernels:
        hint = did_you_mean(name, record.kernels)
        raise WeftError(f"there is no kernel '@{name}' in the module", hint=hint, code=codes.NO_ENTRY)
    return record.kernels[name]


class Arguments:
    """Values for a kernel's arguments in memory, and the array of pointers to them."""

    def __init__(self, name: str, record: Record, values: Sequence[object], memory: DeviceMemory) -> None:
        """Raises :class:`WeftError` for a kernel that is not there, and for too many or too few values."""
        types = kernel_of(name, record).arguments
        if len(types) != len(values):
            message = f"'@{name}' takes {len(types)} arguments, not {len(values)}"
            raise WeftError(message, code=codes.WRONG_ARGUMENTS)
        self._values: list[Any] = []
        for type_, value in zip(types, values, strict=True):
            self._values.append(_stored(type_, value, memory))
        self._pointers = np.array([address_of(value) for value in self._values], np.uint64)

    @property
    def address(self) -> int:
        """Where the pointers lie."""
        return address_of(self._pointers)


_DTYPES = {"float": np.float32, "double": np.float64, "half": np.float16}


def _stored(type_: str, value: Any, memory: DeviceMemory) -> np.ndarray[Any, Any]:
    """A value as it lies in memory."""
    if isinstance(value, TensorMap):
        memory.register(value.array)
        value = value.facts.encoded()
    if isinstance(value, np.ndarray):
        value = cast("np.ndarray[Any, Any]", value)
        return value if type_ == MEMORY else np.array([memory.register(value)], np.uint64)
    if type_ in _DTYPES:
        return np.array([value], _DTYPES[type_])
    if type_ == "bfloat":
        import ml_dtypes

        return np.array([value], ml_dtypes.bfloat16)
    return np.array([int(value) & (1 << 64) - 1], np.uint64)
