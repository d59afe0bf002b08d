"""DLPack (https://dmlc.github.io/dlpack): arrays of other libraries without copies, and ours for them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import count
from typing import Any, cast

import ml_dtypes
import numpy as np

CPU, CUDA, CUDA_HOST, CUDA_MANAGED = 1, 2, 3, 13
"""Kinds of devices."""

_NAME = b"dltensor"

_CODES: dict[int, str] = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 5: "complex", 6: "bool"}
_NUMBERS = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}


EXCHANGE = {"allocate": 16, "wrap": 32, "look": 40, "stream": 48}
"""Where functions are in a DLPackExchangeAPI (DLPack 1.3): `managed_tensor_allocator`,
`managed_tensor_to_py_object_no_sync`, `dltensor_from_py_object_no_sync`, `current_work_stream`."""

_EXCHANGE_NAME = b"dlpack_exchange_api"


def exchange_api(type_: type) -> int:
    """Where the functions of a type of arrays are by which other code looks at them and makes them; 0 without any."""
    capsule = getattr(type_, "__dlpack_c_exchange_api__", None)
    if capsule is None:
        return 0
    pointer = _python("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    try:
        address: int = pointer(capsule, _EXCHANGE_NAME)
    except ValueError:
        return 0
    major = ctypes.c_uint32.from_address(address).value
    there = all(ctypes.c_uint64.from_address(address + place).value for place in EXCHANGE.values())
    return address if major == 1 and there else 0


def dtype_code(dtype: np.dtype[Any]) -> int:
    """A dtype as the four bytes that DLPack has for it: code, bits, and one lane."""
    code = 4 if dtype == ml_dtypes.bfloat16 else _NUMBERS[dtype.kind]
    return code | 8 * dtype.itemsize << 8 | 1 << 16


class _Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("number", ctypes.c_int))


class _DataType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("rank", ctypes.c_int32),
        ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("offset", ctypes.c_uint64),
    )


class _Managed(ctypes.Structure):
    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class Imported:
    """An array of another library: where it is, and how it lies there. It holds the memory."""

    def __init__(self, capsule: object) -> None:
        """Raises TypeError for what is no capsule of DLPack, or elements that NumPy has no type for."""
        pointer = _python("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
        tensor = _Managed.from_address(pointer(capsule, _NAME)).tensor
        rank = tensor.rank
        self.capsule = capsule
        self.device: tuple[int, int] = (tensor.device.type, tensor.device.number)
        self.address: int = (tensor.data or 0) + tensor.offset
        self.shape: tuple[int, ...] = tuple(tensor.shape[:rank]) if rank else ()
        self.strides = tuple(tensor.strides[:rank]) if rank and tensor.strides else None
        self.dtype = _dtype(tensor.dtype)


def _dtype(given: _DataType) -> np.dtype[Any]:
    name = _CODES.get(given.code)
    if name is None or given.lanes != 1:
        raise TypeError(f"no array has elements of the DLPack type {given.code} with {given.bits} bits")
    if name == "bfloat":
        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype("bool" if name == "bool" else f"{name}{given.bits}")


_exported: dict[int, tuple[Any, ...]] = {}
_numbers = count(1)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _delete(address: int) -> None:
    _exported.pop(_Managed.from_address(address).context, None)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _drop(capsule: int) -> None:
    """A capsule is gone; nobody took the array out of it where it still has its first name."""
    if _python("PyCapsule_IsValid", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(capsule, _NAME):
        pointer = _python("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
        _delete(pointer(capsule, _NAME))


def export(owner: object, address: int, shape: Sequence[int], dtype: np.dtype[Any], device: int) -> object:
    """A capsule of a row-major array on a GPU. `owner` lives for as long as anybody has it."""
    number = next(_numbers)
    sizes = (ctypes.c_int64 * max(len(shape), 1))(*shape)
    steps = (ctypes.c_int64 * max(len(shape), 1))(*_row_major(shape))
    code = dtype_code(dtype) & 0xFF
    tensor = _Tensor(
        address,
        _Device(CUDA, device),
        len(shape),
        _DataType(code, 8 * dtype.itemsize, 1),
        ctypes.cast(sizes, ctypes.POINTER(ctypes.c_int64)),
        ctypes.cast(steps, ctypes.POINTER(ctypes.c_int64)),
        0,
    )
    managed = _Managed(tensor, number, cast(int, ctypes.cast(_delete, ctypes.c_void_p).value))
    _exported[number] = (managed, sizes, steps, owner)
    new = _python("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return new(ctypes.addressof(managed), _NAME, ctypes.cast(_drop, ctypes.c_void_p))


def _row_major(shape: Sequence[int]) -> list[int]:
    steps: list[int] = []
    step = 1
    for size in reversed(shape):
        steps.append(step)
        step *= max(size, 1)
    return steps[::-1]


def _python(name: str, result: Any, *arguments: Any) -> Any:
    """A function of CPython with these C types."""
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))
