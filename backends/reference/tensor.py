"""The `tensor` dialect. A tensor is an array that nobody writes to: an insertion copies."""

from __future__ import annotations

from math import prod

import numpy as np
from xdsl.dialects import tensor
from xdsl.dialects.builtin import UnrankedTensorType
from xdsl.interpreter import ReturnedValues

from weft import codes
from weft.backends.reference.indexing import (
    check_axis,
    check_index,
    check_static,
    collapsed,
    groups_of,
    kept_axes,
    mixed,
    slice_of,
)
from weft.backends.reference.machine import Machine, Rules
from weft.backends.reference.values import fresh, shape_at
from weft.dialects.locations import error_at
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.types import INDEX, Value, need_dtype


def _cast(machine: Machine, op: tensor.CastOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    if not isinstance(op.dest.type, UnrankedTensorType):
        check_static(op, op.dest.type, args[0].shape)
    return args


def _dim(machine: Machine, op: tensor.DimOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, axis = args
    return (INDEX.type(value.shape[check_axis(op, axis, value.ndim)]),)


def _extract(machine: Machine, op: tensor.ExtractOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, *index = args
    return (value[check_index(op, index, value.shape)],)


def _insert(machine: Machine, op: tensor.InsertOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    scalar, dest, *index = args
    result = dest.copy()
    result[check_index(op, index, dest.shape)] = scalar
    return (result,)


def _from_elements(machine: Machine, op: tensor.FromElementsOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    shape = op.result.type.get_shape()
    if len(args) != prod(shape):
        raise error_at(
            op, f"'tensor.from_elements' has {len(args)} elements for {op.result.type}", code=codes.OUT_OF_BOUNDS
        )
    return (np.array(args, need_dtype(op, op.result.type)).reshape(shape),)


def _splat(machine: Machine, op: tensor.SplatOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    scalar, *sizes = args
    return (np.full(shape_at(op, op.result.type, sizes), scalar, need_dtype(op, op.result.type)),)


def _empty(machine: Machine, op: tensor.EmptyOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (fresh(shape_at(op, op.tensor.type, args), need_dtype(op, op.tensor.type), machine.fill or 0).array,)


def _concat(machine: Machine, op: tensor.ConcatOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    axis = op.dim.value.data
    shapes = {arg.shape[:axis] + arg.shape[axis + 1 :] for arg in args}
    if len(shapes) > 1:
        raise error_at(
            op, f"'tensor.concat' joins tensors whose sizes differ outside dimension {axis}", code=codes.OUT_OF_BOUNDS
        )
    result = np.concatenate(args, axis)
    check_static(op, op.result.type, result.shape)
    return (result,)


def _reshaped(op: tensor.ReshapeOp | tensor.ExpandShapeOp, value: Array, shape: tuple[int, ...]) -> Array:
    if prod(shape) != value.size or any(n < 0 for n in shape):
        sizes = "x".join(map(str, shape)) or "()"
        raise error_at(op, f"'{op.name}' cannot make {sizes} of {value.size} elements", code=codes.OUT_OF_BOUNDS)
    check_static(op, op.result.type, shape)
    return value.reshape(shape)


def _reshape(machine: Machine, op: tensor.ReshapeOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (_reshaped(op, args[0], tuple(int(n) for n in args[1])),)


def _expand_shape(machine: Machine, op: tensor.ExpandShapeOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, *sizes = args
    shape = mixed(op.static_output_shape, iter(sizes))
    if collapsed(shape, groups_of(op.reassociation)) != value.shape:
        raise error_at(op, f"'{op.name}' splits sizes {list(value.shape)} into {list(shape)}", code=codes.OUT_OF_BOUNDS)
    return (_reshaped(op, value, shape),)


def _collapse_shape(machine: Machine, op: tensor.CollapseShapeOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (value,) = args
    shape = collapsed(value.shape, groups_of(op.reassociation))
    check_static(op, op.result.type, shape)
    return (value.reshape(shape),)


def _extract_slice(machine: Machine, op: tensor.ExtractSliceOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, *rest = args
    part = slice_of(op, rest, value.shape)
    shape = tuple(part.sizes[axis] for axis in kept_axes(op, op.result.type))
    check_static(op, op.result.type, shape)
    return (value[part.index].reshape(shape),)


def _insert_slice(machine: Machine, op: tensor.InsertSliceOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    source, dest, *rest = args
    part = slice_of(op, rest, dest.shape)
    shape = tuple(part.sizes[axis] for axis in kept_axes(op, op.source.type))
    if source.shape != shape:
        raise error_at(
            op,
            f"'{op.name}' puts sizes {list(source.shape)} into a slice of sizes {list(shape)}",
            code=codes.OUT_OF_BOUNDS,
        )
    result = dest.copy()
    result[part.index] = source.reshape(part.sizes)
    return (result,)


def _pad(machine: Machine, op: tensor.PadOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, *rest = args
    left = iter(rest)
    low, high = mixed(op.static_low, left), mixed(op.static_high, left)
    if min((*low, *high), default=0) < 0:
        raise error_at(
            op, f"'{op.name}' pads by {list(low)} and {list(high)}; padding must be 0 or more", code=codes.OUT_OF_BOUNDS
        )
    shape = tuple(sum(sizes) for sizes in zip(low, value.shape, high, strict=True))
    check_static(op, op.result.type, shape)
    result = np.empty(shape, value.dtype)
    inside = tuple(slice(first, first + n) for first, n in zip(low, value.shape, strict=True))
    outside = np.ones(shape, np.bool_)
    outside[inside] = False
    for point in np.argwhere(outside):
        (result[tuple(point)],) = machine.run_ssacfg_region(op.region, tuple(INDEX.type(i) for i in point))
    result[inside] = value
    return (result,)


def _yield(machine: Machine, op: tensor.YieldOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ReturnedValues(args)


RULES: Rules = {
    tensor.CastOp: _cast,
    tensor.DimOp: _dim,
    tensor.ExtractOp: _extract,
    tensor.InsertOp: _insert,
    tensor.FromElementsOp: _from_elements,
    tensor.SplatOp: _splat,
    tensor.EmptyOp: _empty,
    tensor.ConcatOp: _concat,
    tensor.ReshapeOp: _reshape,
    tensor.ExpandShapeOp: _expand_shape,
    tensor.CollapseShapeOp: _collapse_shape,
    tensor.ExtractSliceOp: _extract_slice,
    tensor.InsertSliceOp: _insert_slice,
    tensor.PadOp: _pad,
    tensor.YieldOp: _yield,
}
