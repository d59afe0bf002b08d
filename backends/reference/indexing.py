"""What tensor and memref ops share: mixed static and run-time sizes, slices, reassociation, bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.dialects.builtin import DYNAMIC_INDEX, I64, ArrayAttr, DenseArrayBase, IntegerAttr, ShapedType
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.scalars.types import Value


def mixed(static: DenseArrayBase[I64], dynamic: Iterator[Value]) -> tuple[int, ...]:
    """A list of sizes of which some are operands: those are taken from `dynamic`, in order."""
    return tuple(int(next(dynamic)) if n == DYNAMIC_INDEX else n for n in static.get_values())


def check_index(op: Operation, index: Sequence[Value], shape: Sequence[int]) -> tuple[int, ...]:
    """An index inside a shape. Raises :class:`WeftError` at `op` for one outside."""
    found = tuple(int(i) for i in index)
    for axis, (i, n) in enumerate(zip(found, shape, strict=True)):
        if not 0 <= i < n:
            raise error_at(
                op, f"'{op.name}' has the index {i} in dimension {axis}, whose size is {n}", code=codes.OUT_OF_BOUNDS
            )
    return found


def check_axis(op: Operation, axis: Value, rank: int) -> int:
    """An axis of a value of that rank. Raises :class:`WeftError` at `op` for another one."""
    if not 0 <= int(axis) < rank:
        raise error_at(
            op, f"'{op.name}' asks for dimension {int(axis)} of a value of rank {rank}", code=codes.OUT_OF_BOUNDS
        )
    return int(axis)


def check_static(op: Operation, type_: Attribute, shape: Sequence[int]) -> None:
    """Check the static sizes of a type against those of a value. Raises :class:`WeftError` at `op`."""
    claim = cast(ShapedType, type_).get_shape()
    if len(claim) != len(shape) or any(c not in (DYNAMIC_INDEX, n) for c, n in zip(claim, shape, strict=True)):
        sizes = "x".join(map(str, shape)) or "()"
        raise error_at(
            op, f"'{op.name}' gives a value of sizes {sizes} where the type is {type_}", code=codes.OUT_OF_BOUNDS
        )


@dataclass(frozen=True)
class Slice:
    """A strided part of a value: first index, size and step in each dimension."""

    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def index(self) -> tuple[slice, ...]:
        """The part as a NumPy index. Steps must be positive."""
        return tuple(
            slice(first, first + (n - 1) * step + 1 if n else first, step)
            for first, n, step in zip(self.offsets, self.sizes, self.strides, strict=True)
        )


def slice_of(op: Operation, operands: Sequence[Value], shape: Sequence[int]) -> Slice:
    """The part that a subview, extract_slice or insert_slice names.

    `operands` are the run-time offsets, sizes and strides in this order. Raises :class:`WeftError` at `op` where the
    part is not inside `shape`.
    """
    left = iter(operands)
    lists = (op.properties[f"static_{name}"] for name in ("offsets", "sizes", "strides"))
    part = Slice(*(mixed(cast(DenseArrayBase[I64], static), left) for static in lists))
    for axis, (first, size, step, n) in enumerate(zip(part.offsets, part.sizes, part.strides, shape, strict=True)):
        last = first + (size - 1) * step
        if size < 0 or step <= 0 or first < 0 or (size and last >= n):
            raise error_at(
                op,
                f"'{op.name}' takes {size} elements from {first} by steps of {step} "
                f"in dimension {axis}, whose size is {n}",
                code=codes.OUT_OF_BOUNDS,
            )
    return part


def kept_axes(op: Operation, result: Attribute) -> tuple[int, ...]:
    """The axes of a slice that its result has: size-1 axes may be dropped from the type."""
    claim = list(cast(ShapedType, result).get_shape())
    sizes = cast(DenseArrayBase[I64], op.properties["static_sizes"]).get_values()
    kept: list[int] = []
    for axis, size in enumerate(sizes):
        if len(kept) < len(claim) and claim[len(kept)] == size:
            kept.append(axis)
    return tuple(kept)


def groups_of(reassociation: ArrayAttr[ArrayAttr[IntegerAttr]]) -> tuple[tuple[int, ...], ...]:
    """The groups of axes that a collapse joins or an expand splits."""
    return tuple(tuple(axis.value.data for axis in group) for group in reassociation)


def collapsed(sizes: Sequence[int], groups: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The sizes after joining groups of axes."""
    return tuple(prod(sizes[axis] for axis in group) for group in groups)
