"""Programs whose kernels are simulated, as Python callables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from weft.backends.cpu.compiled import CompiledFunction
from weft.backends.cpu.descriptors import Array
from weft.backends.cpu.library import Library
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.device import DeviceProgram
from weft.backends.signature import ENTRY
from weft.backends.sim.device import SimDevice
from weft.backends.sim.findings import Report, error_of
from weft.diagnostics import Diagnostic
from weft.dialects.target import Cuda


class SimFunction(CompiledFunction):
    """A function whose kernels are simulated: call it with NumPy arrays, which are the device's memory."""

    def __init__(self, program: DeviceProgram, facts: Cuda) -> None:
        self._device = SimDevice(program, facts)
        library = Library(
            program.host,
            [ENTRY + program.signature.name],
            lambda name: self._device.symbol(name) or runtime_symbol(name, 1),
        )
        super().__init__(library, program.signature, program.messages, self._device)

    @property
    def reports(self) -> Sequence[Report]:
        """What the checker found in the last call, errors and what makes kernels slow."""
        return self._device.reports

    @property
    def remarks(self) -> Sequence[Diagnostic]:
        """What the checker found in the last call that makes kernels slow, as it is printed."""
        return [report.diagnostic() for report in self.reports if not report.is_error]

    def _run(self, values: Sequence[object], wanted: Sequence[Array] | None) -> list[Any]:
        """The results. Raises :class:`WeftError` also for what the checker found to be wrong."""
        device = self._device
        device.reports, device.error = [], None
        outs = wanted if wanted is not None else [_out(spec) for spec in self.signature.results]
        arrays = [cast(Array, value) for value in (*values, *outs) if isinstance(value, np.ndarray)]
        for array in arrays:
            device.memory.register(array)
        try:
            results = super()._run(values, outs)
        finally:
            for array in arrays:
                device.memory.unregister(array)
            if device.error is not None:
                raise device.error
        if (error := error_of(device.reports)) is not None:
            raise error
        return results


def _out(spec: Any) -> Array:
    """Memory for a result that the caller brings; something empty for another."""
    dims = spec.dims if spec.is_out else (0,)
    return np.empty(dims, spec.numpy_dtype)
