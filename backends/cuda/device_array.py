"""Arrays of weft's own on a GPU: what programs give where the caller brought no other kind of array."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.backends.cuda import dlpack
from weft.backends.cuda.gpu import Gpu

_NO_TIMING = 2
"""CU_EVENT_DISABLE_TIMING."""


class Memory:
    """Memory of the pool, given back with the last that holds it, in the order of its stream."""

    __slots__ = ("_held", "address", "gpu", "stream")

    def __init__(self, gpu: Gpu, address: int, stream: int, held: object = None) -> None:
        self.gpu = gpu
        self.address = address
        self.stream = stream
        self._held = held  # the stream's object, which must not go before

    def __del__(self) -> None:
        if sys.is_finalizing():
            return
        with self.gpu.current():
            self.gpu.free(self.address, self.stream)


class DeviceArray:
    """A row-major array on a GPU.

    Other libraries take it without a copy: `torch.from_dlpack(a)`, `cupy.asarray(a)`, `jax.dlpack.from_dlpack(a)`,
    `numba.cuda.as_cuda_array(a)`. :meth:`to_host` gives it as a NumPy array. It may still be in the making when one
    has it: what is done on its stream comes after, and :meth:`block_until_ready` waits for it.
    """

    __slots__ = ("_owner", "address", "dtype", "gpu", "shape", "stream")

    def __init__(
        self, gpu: Gpu, address: int, shape: Sequence[int], dtype: np.dtype[Any], stream: int, owner: object
    ) -> None:
        self.gpu = gpu
        self.address = address
        self.shape = tuple(shape)
        self.dtype = dtype
        self.stream = stream
        self._owner = owner

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes."""
        return self.size * self.dtype.itemsize

    def block_until_ready(self) -> DeviceArray:
        """Wait for what computes the array, as JAX's method of that name does; the array.

        Raises :class:`WeftError` where a kernel has failed meanwhile.
        """
        with self.gpu.current():
            self.gpu.driver.call("cuStreamSynchronize", self.stream)
        return self

    def to_host(self) -> NDArray[Any]:
        """A copy as a NumPy array; it waits for what computes the array."""
        array = np.empty(self.shape, self.dtype)
        if array.nbytes:
            place = array.__array_interface__["data"][0]
            with self.gpu.current():
                self.gpu.driver.call("cuMemcpyDtoHAsync", place, self.address, array.nbytes, self.stream)
                self.gpu.driver.call("cuStreamSynchronize", self.stream)
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("an array on a GPU is copied to the host")
        array = self.to_host()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __repr__(self) -> str:
        sizes = "".join(f"{size}x" for size in self.shape)
        return f"<weft array {sizes}{self.dtype} on {self.gpu.name}>"

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "version": 3,
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address if self.size else 0, False),
            "strides": None,
            "stream": self.stream or 1,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return dlpack.CUDA, self.gpu.ordinal

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        if copy or dl_device not in (None, self.__dlpack_device__()):
            raise BufferError("weft gives its arrays where they are, without a copy")
        if stream != -1:
            self.follow(stream or 0)
        return dlpack.export(self, self.address, self.shape, self.dtype, self.gpu.ordinal)

    def follow(self, stream: int) -> None:
        """Let a stream wait until the array is there."""
        if stream in (self.stream, 1 if self.stream == 0 else -1):
            return
        order(self.gpu, self.stream, stream)


def order(gpu: Gpu, first: int, then: int) -> None:
    """Let the stream `then` wait for all that `first` was asked for until now."""
    used = gpu.driver
    with gpu.current():
        event = ctypes.c_void_p()
        used.call("cuEventCreate", ctypes.byref(event), _NO_TIMING)
        try:
            used.call("cuEventRecord", event, first)
            used.call("cuStreamWaitEvent", then, event, 0)
        finally:
            used.status("cuEventDestroy", event)
