"""How the reference holds values: NumPy scalars, arrays for tensors and vectors, buffers for memrefs.

| type | value |
| --- | --- |
| `iN`, `index`, floats | a NumPy scalar of :func:`dtype_of`; `i1` is `np.bool_`, an odd width is sign-extended |
| `tensor`, `vector` | an array that nobody writes to |
| `memref` | a :class:`Buffer`, written in place |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    MemRefType,
    ShapedType,
)
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.types import Value


def is_array(value: Value) -> bool:
    """Whether a value is an array, not a scalar or a buffer."""
    return isinstance(value, np.ndarray)


MemRef: TypeAlias = MemRefType[Attribute]


def shape_at(op: Operation, type_: Attribute, dynamic: Sequence[Value]) -> tuple[int, ...]:
    """The sizes of a shaped type whose `?` are `dynamic`, in order. Raises WeftError at `op` for one below 0."""
    sizes = [int(size) for size in dynamic]
    for size in sizes:
        if size < 0:
            raise error_at(
                op, f"'{op.name}' is given the size {size}; a size must be 0 or more", code=codes.OUT_OF_BOUNDS
            )
    left = iter(sizes)
    return tuple(next(left) if n == DYNAMIC_INDEX else n for n in cast(ShapedType, type_).get_shape())


@dataclass(frozen=True)
class Buffer:
    """Memory under a memref: flat `storage` seen through an offset, sizes and strides (all in elements)."""

    storage: Array
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def array(self) -> Array:
        """The elements as a NumPy view: writing to it writes to the memory."""
        step = self.storage.itemsize
        if prod(self.sizes) == 0:
            return self.storage[:0].reshape(self.sizes)
        return as_strided(self.storage[self.offset :], self.sizes, [stride * step for stride in self.strides])

    def fits(self) -> bool:
        """Whether every element lies inside the storage."""
        if prod(self.sizes) == 0:
            return True
        reach = [(n - 1) * stride for n, stride in zip(self.sizes, self.strides, strict=True)]
        low = self.offset + sum(r for r in reach if r < 0)
        high = self.offset + sum(r for r in reach if r > 0)
        return low >= 0 and high < self.storage.size


def contiguous_strides(sizes: Sequence[int]) -> tuple[int, ...]:
    """The strides of the row-major layout."""
    return tuple(prod(sizes[axis + 1 :]) for axis in range(len(sizes)))


def buffer_of(array: Array) -> Buffer:
    """The buffer that is an array's own memory. The array's strides must be multiples of its item size."""
    strides = tuple(stride // array.itemsize for stride in array.strides)
    if array.size == 0:
        return Buffer(np.empty(0, array.dtype), 0, array.shape, contiguous_strides(array.shape))
    reach = [(n - 1) * stride for n, stride in zip(array.shape, strides, strict=True)]
    lowest = array[(*(slice(-1, None) if r < 0 else slice(0, 1) for r in reach), ...)]
    storage = as_strided(lowest, (1 + sum(map(abs, reach)),), (array.itemsize,))
    return Buffer(storage, -sum(r for r in reach if r < 0), array.shape, strides)


def filled(count: int, dtype: np.dtype[Any], fill: int = 0) -> Array:
    """So many elements whose bytes all hold `fill`: 255 makes NaN of floats, -1 of integers and true of booleans."""
    return np.full(count * dtype.itemsize, fill & 1 if dtype.kind == "b" else fill, np.uint8).view(dtype)


def fresh(sizes: Sequence[int], dtype: np.dtype[Any], fill: int = 0) -> Buffer:
    """New memory in the row-major layout, whose bytes all hold `fill`."""
    return Buffer(filled(prod(sizes), dtype, fill), 0, tuple(sizes), contiguous_strides(sizes))
