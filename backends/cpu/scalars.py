"""Scalars across the border of compiled code: as arguments in registers, as results in memory."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import numpy as np

_ARGUMENTS: dict[str, Any] = {
    "f16": ctypes.c_float,
    "bf16": ctypes.c_float,
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
    "i1": ctypes.c_bool,
    "index": ctypes.c_int64,
}
_INTEGERS: dict[int, Any] = {8: ctypes.c_int8, 16: ctypes.c_int16, 32: ctypes.c_int32, 64: ctypes.c_int64}


def argument_type(dtype: str) -> Any:
    """The C type that carries an argument of that element type."""
    return _ARGUMENTS.get(dtype) or _INTEGERS[int(dtype.lstrip("siu"))]


def result_type(dtype: np.dtype[Any]) -> Any:
    """A C type of the size and alignment that a result takes in memory."""
    return _INTEGERS[8 * dtype.itemsize]


def to_argument(value: bool | int | float, dtype: str, numpy: np.dtype[Any]) -> bool | int | float:
    """The Python number to pass. A 16-bit float goes in the low bits of an f32: the registers are the same."""
    if dtype in ("f16", "bf16"):
        with np.errstate(over="ignore"):
            return struct.unpack("<f", np.array(value).astype(numpy).tobytes() + b"\0\0")[0]
    return value
