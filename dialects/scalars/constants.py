"""Constants of the builtin dialect as NumPy values."""

from __future__ import annotations

from math import prod
from typing import cast

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, DenseResourceAttr, ShapedType
from xdsl.ir import Operation

from weft.dialects.ml.constant import elements_of, resource_bytes
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.integers import Width
from weft.dialects.scalars.types import need_dtype


def hold_integer(value: int, width: Width) -> Array:
    """An integer of any size as a held value of rank 0: its low bits."""
    return np.asarray(width.hold(np.asarray(value & (2**64 - 1), np.uint64)))


def dense_array(op: Operation, value: DenseIntOrFPElementsAttr | DenseResourceAttr) -> Array:
    """A dense constant as a read-only array. Raises :class:`WeftError` where its elements have no dtype."""
    type_ = value.get_type()
    dtype = need_dtype(op, type_)
    shape = cast(ShapedType, type_).get_shape()
    if isinstance(value, DenseResourceAttr):
        return elements_of(resource_bytes(value.resource_handle.data), dtype, shape)
    data = value.data.data
    if len(data) == dtype.itemsize * prod(shape):
        return elements_of(data, dtype, shape)
    return np.broadcast_to(elements_of(data, dtype, ()), shape)
