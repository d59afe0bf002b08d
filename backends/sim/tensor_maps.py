"""Tensor maps: what `cp.async.bulk.tensor` is told of a tensor in global memory.

On a GPU the driver makes them (`cuTensorMapEncodeTiled`), 128 bytes whose form is not told. The simulator has a form
of its own, of the same size and with the same facts.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weft import codes
from weft.diagnostics import WeftError

BYTES = 128
"""The size of a tensor map."""

_MAGIC = b"weft map"
_FORM = struct.Struct("<8sQBBBB5I4Q5H5B")
_MOST = 5

SWIZZLES: tuple[int, ...] = (0, 32, 64, 128)
"""How many bytes of shared memory a swizzle spans; 0: none."""

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Facts:
    """What a tensor map says, the innermost dimension first: where the tensor is, the bytes of an element, sizes,
    strides in bytes (but the innermost), the box that a copy moves, the steps in it, and the swizzle in bytes."""

    address: int
    width: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    box: tuple[int, ...]
    steps: tuple[int, ...]
    swizzle: int = 0

    @property
    def moved(self) -> tuple[int, ...]:
        """The elements that a copy moves in each dimension."""
        return tuple(-(-size // step) for size, step in zip(self.box, self.steps, strict=True))

    @property
    def box_bytes(self) -> int:
        """The bytes of a box in shared memory."""
        count = self.width
        for size in self.moved:
            count *= size
        return count

    def encoded(self) -> Bytes:
        """The 128 bytes."""
        rank = len(self.sizes)
        data = _FORM.pack(
            _MAGIC, self.address, self.width, rank, SWIZZLES.index(self.swizzle), 0,
            *_filled(self.sizes, _MOST), *_filled(self.strides, _MOST - 1), *_filled(self.box, _MOST),
            *_filled(self.steps, _MOST),
        )  # fmt: skip
        return np.frombuffer(data.ljust(BYTES, b"\0"), np.uint8).copy()


def decoded(address: int) -> Facts:
    """The tensor map at an address. Raises :class:`WeftError` where there is none."""
    data = ctypes.string_at(address, _FORM.size)
    facts: tuple[Any, ...] = _FORM.unpack(data)
    magic, base, width, rank, swizzle, _, *rest = facts
    if magic != _MAGIC:
        hint = "on the simulator it is made by weft.backends.sim.tensor_map"
        raise WeftError("a bulk copy is given no tensor map", hint=hint, code=codes.WRONG_ARGUMENT)
    sizes, strides, box, steps = rest[:5], rest[5:9], rest[9:14], rest[14:19]
    cut = slice(0, rank)
    return Facts(
        base,
        width,
        tuple(sizes[cut]),
        tuple(strides[: rank - 1]),
        tuple(box[cut]),
        tuple(steps[cut]),
        SWIZZLES[int(swizzle)],
    )


def _filled(values: Sequence[int], count: int) -> list[int]:
    return [*values, *[0] * (count - len(values))]


@dataclass(frozen=True)
class TensorMap:
    """An argument of a kernel: a tensor map of an array, which it holds."""

    array: np.ndarray[Any, Any]
    facts: Facts


def tensor_map(
    array: np.ndarray[Any, Any], box: Sequence[int], *, swizzle: int = 0, steps: Sequence[int] | None = None
) -> TensorMap:
    """A tensor map of an array, whose copies move boxes of these sizes (the outermost dimension first, as the shape of
    the array has it). `swizzle` is 0, 32, 64 or 128 bytes, `steps` are the strides of elements in the box.

    What `cuTensorMapEncodeTiled` refuses is refused too, by :class:`WeftError`: more than five dimensions, boxes of
    more than 256 elements in one, an innermost size of the box that is no multiple of 16 bytes or longer than the
    swizzle, strides and an address that are no multiples of 16 bytes.
    """
    taken = tuple(steps or [1] * array.ndim)
    problem = _problem(array, tuple(box), taken, swizzle)
    if problem is not None:
        raise WeftError(f"there is no such tensor map: {problem}", code=codes.WRONG_ARGUMENT)
    facts = Facts(
        array.__array_interface__["data"][0],
        array.itemsize,
        array.shape[::-1],
        array.strides[-2::-1] if array.ndim > 1 else (),
        tuple(box)[::-1],
        taken[::-1],
        swizzle,
    )
    return TensorMap(array, facts)


def _problem(array: np.ndarray[Any, Any], box: tuple[int, ...], steps: tuple[int, ...], swizzle: int) -> str | None:
    if not 1 <= array.ndim <= _MOST:
        return f"a tensor has 1 to {_MOST} dimensions, not {array.ndim}"
    if len(box) != array.ndim or len(steps) != array.ndim:
        return f"a box of {array.ndim} sizes and as many steps are needed"
    if not all(1 <= size <= 256 for size in box) or not all(1 <= step <= 8 for step in steps):
        return f"a box has 1 to 256 elements in each dimension, in steps of 1 to 8, not {box} in steps of {steps}"
    if 0 in array.shape:
        return "the array is empty"
    if array.strides[-1] != array.itemsize or any(stride % 16 or stride < 0 for stride in array.strides[:-1]):
        return f"rows lie apart by multiples of 16 bytes, and their elements side by side, not by {array.strides}"
    if array.__array_interface__["data"][0] % 16:
        return "the array does not begin at a multiple of 16 bytes"
    if swizzle not in SWIZZLES:
        return f"a swizzle spans {SWIZZLES} bytes, not {swizzle}"
    inner = -(-box[-1] // steps[-1]) * array.itemsize
    if inner % 16:
        return f"a row of the box has {inner} bytes, no multiple of 16"
    if swizzle and inner > swizzle:
        return f"a row of the box has {inner} bytes, more than the swizzle of {swizzle}"
    return None


def swizzled(addresses: Any, swizzle: int) -> Any:
    """Addresses of shared memory as a swizzle moves them: bits 4 to 6, by the bits from 7 on."""
    mask = max(swizzle // 16, 1) - 1
    return addresses ^ ((addresses >> 7 & mask) << 4)


def pieces_of(facts: Facts, at: Sequence[int], to: int) -> tuple[Any, Any]:
    """Where the box at these coordinates lies, element by element (innermost last): the addresses in global memory, 0
    for what is outside of the tensor, and those in shared memory from `to` on."""
    there = np.full((), facts.address, np.int64)
    inside = np.ones((), bool)
    for axis in reversed(range(len(facts.sizes))):
        place = at[axis] + np.arange(facts.moved[axis]) * facts.steps[axis]
        stride = facts.width if axis == 0 else facts.strides[axis - 1]
        there = there[..., None] + place * stride
        inside = inside[..., None] & (place >= 0) & (place < facts.sizes[axis])
    here = to + np.arange(there.size, dtype=np.int64).reshape(there.shape) * facts.width
    return np.where(inside, there, 0), swizzled(here, facts.swizzle)
