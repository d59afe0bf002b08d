"""What machine code needs of this Python process: objects by symbol, and functions made callable."""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

_FUNCTIONS = {"weft.np.new": 94, "weft.np.base": 282}
"""The places of PyArray_NewFromDescr and PyArray_SetBaseObject in NumPy's table of C functions: a part of its ABI."""

_FASTCALL_WITH_KEYWORDS = 0x80 | 0x02
"""METH_FASTCALL | METH_KEYWORDS."""

_OBJECTS: dict[str, object] = {
    "weft.np.ndarray": np.ndarray,
    "weft.py.float": float,
    "weft.py.int": int,
    "weft.py.tuple": tuple,
    "weft.py.True": True,
    "weft.py.False": False,
    "weft.py.None": None,
    "weft.py.out": sys.intern("out"),
}

_DTYPE = "weft.np.dtype."


def python_symbol(name: str) -> int | None:
    """The address that a symbol stands for, None for another name. The objects live as long as the process."""
    if name in _OBJECTS:
        return id(_OBJECTS[name])
    if name.startswith(_DTYPE):
        return id(_dtype(name.removeprefix(_DTYPE)))
    if name in _FUNCTIONS:
        return _numpy_function(_FUNCTIONS[name])
    if name.startswith("Py"):
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    return None


@cache
def _dtype(name: str) -> np.dtype[Any]:
    """The dtype object that arrays of a type share."""
    return np.empty(0, getattr(ml_dtypes, name, name)).dtype


@cache
def _numpy_function(number: int) -> int:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = pointer(np._core.multiarray._ARRAY_API, None)  # pyright: ignore[reportUnknownMemberType,reportAttributeAccessIssue,reportPrivateUsage]
    return struct.unpack_from("P", ctypes.string_at(table + 8 * number, 8))[0]


@cache
def is_known() -> bool:
    """Whether objects and arrays lie in memory as the fast calls expect: CPython with a GIL, 64 bits."""
    if sys.implementation.name != "cpython" or struct.calcsize("P") != 8 or object.__basicsize__ != 16:
        return False
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False
    probe = np.zeros((2, 3), np.float32)
    fields = struct.unpack_from("<QqQixxxxQQQQi", ctypes.string_at(id(probe), 68))
    type_, data, rank, dims, descr = fields[1], fields[2], fields[3], fields[4], fields[7]
    return (
        type_ == id(np.ndarray)
        and data == probe.__array_interface__["data"][0]
        and rank == probe.ndim
        and struct.unpack("<qq", ctypes.string_at(dims, 16)) == probe.shape
        and descr == id(_dtype("float32"))
        and fields[8] & 0x501 == 0x501
    )


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def builtin(name: str, address: int, state: tuple[object, ...]) -> Callable[..., Any]:
    """A function of machine code, called as CPython calls its own.

    `state` is what the function gets as its first argument; it must hold the code.
    """
    definition = _MethodDef(name.encode(), address, _FASTCALL_WITH_KEYWORDS, None)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    # the function reads its definition until it is gone: the state, which it holds, holds that too
    return new(ctypes.addressof(definition), (*state, definition), None)
