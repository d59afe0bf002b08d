"""Arrays put on the GPU to stay there."""

from __future__ import annotations

import numpy as np

from weft import codes
from weft.backends.cuda.device_array import DeviceArray, Memory
from weft.backends.cuda.gpu import Gpu, current_gpu
from weft.backends.cuda.staging import bytes_of, staging_of
from weft.backends.cuda.streams import stream_of
from weft.diagnostics import WeftError


def to_device(value: object, stream: object = None, gpu: Gpu | None = None) -> DeviceArray:
    """A copy of an array on a GPU, by default the current one. Raises :class:`WeftError`."""
    if isinstance(value, DeviceArray):
        return value
    gpu = gpu or current_gpu()
    array = np.asarray(value)
    if array.dtype.kind not in "biufcV" or array.dtype.hasobject:
        message = f"an array of {array.dtype} cannot be on a GPU"
        raise WeftError(message, code=codes.WRONG_ARGUMENT)
    packed = np.ascontiguousarray(array).reshape(array.shape)
    with gpu.current():
        number, held = stream_of(stream, (), gpu)
        place = number or 0
        address = gpu.allocate(packed.nbytes, place, "to_device")
        memory = Memory(gpu, address, place, held)
        if packed.nbytes:
            staging_of(gpu).upload(bytes_of(packed), address, place)
            gpu.driver.call("cuStreamSynchronize", place)
        return DeviceArray(gpu, address, packed.shape, packed.dtype, place, memory)
