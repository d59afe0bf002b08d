"""MLIR's strided memref descriptors, `{allocated, aligned, offset, sizes[rank], strides[rank]}`, and NumPy arrays."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.diagnostics import WeftError

Array = NDArray[Any]

_FIXED = 3
"""The words before the sizes: allocated, aligned, offset."""


def words(rank: int) -> int:
    """How many 64-bit words the descriptor of a buffer of that rank takes."""
    return _FIXED + 2 * rank


def describe(array: Array) -> list[int]:
    """The words of an array's descriptor. Sizes and strides are in elements."""
    address = array.__array_interface__["data"][0]
    size = array.itemsize
    return [address, address, 0, *array.shape, *(step // size for step in array.strides)]


class Memory:
    """Memory from `weft_alloc` or `memref.alloc` that was handed over; it is freed with the last array on it."""

    __slots__ = ("_address", "_free")

    def __init__(self, address: int) -> None:
        self._address = address
        self._free = _free

    def __del__(self) -> None:
        self._free(self._address)


_free = ctypes.CDLL(None).free
_free.argtypes = [ctypes.c_void_p]
_free.restype = None


class _View:
    """Something that NumPy makes an array of, and that the array keeps alive."""

    def __init__(self, owner: object, interface: dict[str, Any]) -> None:
        self.owner = owner
        self.__array_interface__ = interface


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array without elements. NumPy refuses one whose other sizes multiply to more than it can count."""
    try:
        return np.empty(shape, dtype)
    except ValueError as error:
        raise too_large(shape) from error


def too_large(sizes: Sequence[int]) -> WeftError:
    """The error for a result that NumPy cannot hold."""
    text = "x".join(map(str, sizes))
    return WeftError(f"a result of sizes {text} is too large an array", code=codes.OUT_OF_MEMORY)


def array_at(descriptor: Sequence[int], dtype: np.dtype[Any], owners: Mapping[int, object]) -> Array:
    """The array that a descriptor describes, in place.

    `owners` holds, by the address of an allocation, what keeps it alive.
    """
    rank = (len(descriptor) - _FIXED) // 2
    allocated, aligned, offset = descriptor[:_FIXED]
    shape = tuple(descriptor[_FIXED : _FIXED + rank])
    strides = tuple(step * dtype.itemsize for step in descriptor[_FIXED + rank :])
    if math.prod(shape) == 0:
        return _empty(shape, dtype)
    interface = {
        "version": 3,
        "typestr": f"|V{dtype.itemsize}",
        "data": (aligned + offset * dtype.itemsize, False),
        "shape": shape,
        "strides": strides,
    }
    return np.asarray(_View(owners.get(allocated), interface)).view(dtype)
