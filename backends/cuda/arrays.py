"""Arrays of other libraries on a GPU, without copies: where they are, their stream, and new ones of their kind.

A table says what is special about each library; any other object with `__cuda_array_interface__` or `__dlpack__` is
taken too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

from weft.backends.cuda import dlpack
from weft.backends.cuda.device_array import DeviceArray
from weft.backends.cuda.gpu import Gpu


@dataclass(frozen=True)
class View:
    """An array on a GPU: its first element, its sizes, and its strides in elements (None: row-major).

    `owner` holds the memory. `stream` is the stream that its maker works on, None where that does not matter.
    """

    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    dtype: np.dtype[Any]
    device: int | None
    owner: object
    read_only: bool = False
    stream: int | None = None


Look: TypeAlias = tuple[int, Hashable, int | None]
"""What a call looks at in an array: its address, its layout (for arrays of one, all else is the same), and the stream
that it was made on, None where that does not matter."""


class Unusable(Exception):
    """An array that cannot be taken; says why, and what helps."""

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True)
class Kind:
    """A library with arrays on GPUs.

    `view` gives an array that is on a GPU, None for one that is not; it is told the stream that will use it. `stream`
    is what the library's current stream is, with the object that holds it. `new` makes an array (from shape, dtype,
    the GPU, and the stream it is for), None where the library takes weft's; `take` makes one of the library of weft's.
    `look` is a quick `view`, of which `facts` then makes one where its layout is new.
    """

    name: str
    view: Callable[[Any, int | None], View | None]
    stream: Callable[[Gpu], tuple[int, object] | None] | None = None
    new: Callable[[Sequence[int], np.dtype[Any], Gpu, int], Any] | None = None
    take: Callable[[DeviceArray], Any] = lambda array: array
    look: Callable[[Any, int | None], Look | None] | None = None
    facts: Callable[[Any], View] | None = None


def kind_of(value: object) -> Kind | None:
    """The kind of an array; None for what lies in the host's memory (NumPy's arrays, numbers, lists)."""
    return _kind_of_type(type(value))


@lru_cache(256)
def _kind_of_type(type_: type) -> Kind | None:
    for base in type_.__mro__:
        root = base.__module__.partition(".")[0]
        if root in _KINDS:
            return _KINDS[root]
    names = dir(type_)
    known = "__cuda_array_interface__" in names or ("__dlpack__" in names and type_ is not np.ndarray)
    return ANY if known else None


# any library


def _view_any(value: Any, stream: int | None) -> View | None:
    """By `__cuda_array_interface__`, else by `__dlpack__`."""
    interface = getattr(value, "__cuda_array_interface__", None)
    return _view_dlpack(value, stream) if interface is None else _view_interface(value, interface)


def _view_interface(value: object, interface: dict[str, Any]) -> View:
    """https://numba.readthedocs.io/en/stable/cuda/cuda_array_interface.html"""
    if interface.get("mask") is not None:
        raise Unusable("an array with a mask", "pass its data")
    dtype = np.dtype(interface["typestr"])
    shape = tuple(interface["shape"])
    strides = interface.get("strides")
    address, read_only = interface["data"]
    steps = None if strides is None else tuple(_elements(step, dtype) for step in strides)
    return View(address or 0, shape, steps, dtype, None, value, read_only, interface.get("stream"))


def _look_interface(value: Any, stream: int | None) -> Look | None:
    interface = getattr(value, "__cuda_array_interface__", None)
    if interface is None or interface.get("mask") is not None:
        return None
    address, read_only = interface["data"]
    layout = (tuple(interface["shape"]), interface["typestr"], interface.get("strides"), read_only)
    return address or 0, layout, interface.get("stream")


def _facts_of_interface(layout: tuple[tuple[int, ...], str, tuple[int, ...] | None, bool]) -> View:
    shape, typestr, strides, read_only = layout
    interface = {"shape": shape, "typestr": typestr, "strides": strides, "data": (0, read_only)}
    return _view_interface(None, interface)


def _elements(step: int, dtype: np.dtype[Any]) -> int:
    if step % dtype.itemsize:
        raise Unusable("an array whose elements are not aligned")
    return step // dtype.itemsize


def _view_dlpack(value: Any, stream: int | None) -> View | None:
    device, _ = value.__dlpack_device__()
    if device not in (dlpack.CUDA, dlpack.CUDA_MANAGED):
        return None
    try:
        found = dlpack.Imported(value.__dlpack__(stream=stream or 1))
    except (TypeError, BufferError, RuntimeError) as error:
        raise Unusable(f"an array that does not come over by DLPack ({error})") from None
    number = found.device[1] if device == dlpack.CUDA else None
    return View(found.address, found.shape, found.strides, found.dtype, number, (value, found))


def _look_dlpack(value: Any, stream: int | None) -> Look | None:
    found = _view_dlpack(value, stream)
    return None if found is None else (found.address, (found.shape, found.strides, found.dtype, found.device), None)


def _facts_of_dlpack(layout: tuple[tuple[int, ...], tuple[int, ...] | None, np.dtype[Any], int | None]) -> View:
    return View(0, *layout, owner=None, read_only=True)


ANY = Kind("an array library", _view_any, look=_look_interface, facts=_facts_of_interface)
"""Libraries that are not in the table. What a program gives them is weft's own arrays."""


# weft


def _view_weft(value: Any, stream: int | None) -> View | None:
    if not isinstance(value, DeviceArray):
        return None
    return View(value.address, value.shape, None, value.dtype, value.gpu.ordinal, value, stream=value.stream or 1)


def _look_weft(value: DeviceArray, stream: int | None) -> Look:
    return value.address, (value.shape, None, value.dtype, value.gpu.ordinal), value.stream or 1


def _facts_of_weft(layout: tuple[tuple[int, ...], None, np.dtype[Any], int]) -> View:
    return View(0, *layout, owner=None)


# torch


@lru_cache(None)
def _from_torch(dtype: Any) -> np.dtype[Any]:
    name = str(dtype).removeprefix("torch.")
    try:
        return np.dtype(getattr(ml_dtypes, name, name))
    except TypeError:
        raise Unusable(f"an array of {dtype}") from None


@lru_cache(None)
def _to_torch(dtype: np.dtype[Any]) -> Any:
    return getattr(sys.modules["torch"], dtype.name)


def _view_torch(value: Any, stream: int | None) -> View | None:
    if not value.is_cuda:
        return None
    if value.is_conj() or value.is_neg():
        raise Unusable("a tensor that is conjugated lazily", "resolve it: x.resolve_conj().resolve_neg()")
    strides = None if value.is_contiguous() else value.stride()
    return View(value.data_ptr(), tuple(value.shape), strides, _from_torch(value.dtype), value.device.index, value)


def _stream_torch(gpu: Gpu) -> tuple[int, object] | None:
    current = getattr(sys.modules["torch"]._C, "_cuda_getCurrentRawStream", None)
    return None if current is None else (current(gpu.ordinal), None)  # a torch for the CPU has no streams


def _new_torch(shape: Sequence[int], dtype: np.dtype[Any], gpu: Gpu, stream: int) -> Any:
    torch = sys.modules["torch"]
    wanted = {"dtype": _to_torch(dtype), "device": f"cuda:{gpu.ordinal}"}
    if (stream, None) == _stream_torch(gpu):
        return torch.empty(shape, **wanted)
    with torch.cuda.stream(torch.cuda.ExternalStream(stream, gpu.ordinal)):
        return torch.empty(shape, **wanted)


def _take_torch(array: DeviceArray) -> Any:
    return sys.modules["torch"].from_dlpack(array)


# CuPy


def _stream_cupy(gpu: Gpu) -> tuple[int, object]:
    stream = sys.modules["cupy"].cuda.get_current_stream()
    return stream.ptr, stream


def _view_cupy(value: Any, stream: int | None) -> View | None:
    if not hasattr(value, "__cuda_array_interface__"):
        return None
    size = value.dtype.itemsize
    strides = None if value.flags.c_contiguous else tuple(_elements(step, value.dtype) for step in value.strides)
    return View(value.data.ptr, value.shape, strides, value.dtype, value.device.id, value) if size else None


def _look_cupy(value: Any, stream: int | None) -> Look:
    strides = None if value.flags.c_contiguous else value.strides
    return value.data.ptr, (value.shape, strides, value.dtype, value.data.device_id), None


def _facts_of_cupy(layout: tuple[tuple[int, ...], tuple[int, ...] | None, np.dtype[Any], int]) -> View:
    shape, strides, dtype, device = layout
    steps = None if strides is None else tuple(_elements(step, dtype) for step in strides)
    return View(0, shape, steps, dtype, device, None)


def _new_cupy(shape: Sequence[int], dtype: np.dtype[Any], gpu: Gpu, stream: int) -> Any:
    cupy = sys.modules["cupy"]
    if stream == _stream_cupy(gpu)[0]:
        return cupy.empty(tuple(shape), dtype)
    with cupy.cuda.ExternalStream(stream):
        return cupy.empty(tuple(shape), dtype)


def _take_cupy(array: DeviceArray) -> Any:
    return sys.modules["cupy"].from_dlpack(array)


# JAX


def _view_jax(value: Any, stream: int | None) -> View | None:
    if not hasattr(value, "__dlpack_device__"):
        return None
    found = _view_dlpack(value, stream)
    return None if found is None else replace(found, read_only=True)


def _take_jax(array: DeviceArray) -> Any:
    return sys.modules["jax"].dlpack.from_dlpack(array)


# Numba


def _take_numba(array: DeviceArray) -> Any:
    return sys.modules["numba"].cuda.as_cuda_array(array)


_TORCH = Kind("torch", _view_torch, _stream_torch, _new_torch, _take_torch)
_CUPY = Kind("CuPy", _view_cupy, _stream_cupy, _new_cupy, _take_cupy, _look_cupy, _facts_of_cupy)
_JAX = Kind("JAX", _view_jax, take=_take_jax, look=_look_dlpack, facts=_facts_of_dlpack)
_NUMBA = Kind("Numba", _view_any, take=_take_numba, look=_look_interface, facts=_facts_of_interface)

WEFT = Kind("weft", _view_weft, look=_look_weft, facts=_facts_of_weft)
"""Arrays of weft's own."""

_KINDS: dict[str, Kind] = {
    "torch": _TORCH,
    "cupy": _CUPY,
    "cupyx": _CUPY,
    "jax": _JAX,
    "jaxlib": _JAX,
    "numba": _NUMBA,
    "numba_cuda": _NUMBA,
    "weft": WEFT,
}
"""By the package that a type comes from."""
