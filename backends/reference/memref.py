"""The `memref` dialect: buffers are NumPy memory seen through an offset, sizes and strides, and written in place."""

from __future__ import annotations

import itertools
from math import prod
from pathlib import Path
from typing import cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, MemRefType, NoneAttr, StringAttr, TensorType
from xdsl.interpreter import ReturnedValues
from xdsl.ir import Attribute, Operation

from weft import codes, weights
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
from weft.backends.reference.values import Buffer, MemRef, buffer_of, contiguous_strides, filled, fresh, shape_at
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at
from weft.dialects.ml.constant import DATA, DATA_TYPE
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.constants import dense_array
from weft.dialects.scalars.types import INDEX, Value, need_dtype


def _checked(op: Operation, buffer: Buffer) -> Buffer:
    if not buffer.fits():
        raise error_at(
            op, f"'{op.name}' reaches beyond its memory of {buffer.storage.size} elements", code=codes.OUT_OF_BOUNDS
        )
    return buffer


def check_layout(op: Operation, type_: Attribute, buffer: Buffer) -> None:
    """Check the static offset and strides of a memref type. Raises :class:`WeftError` at `op`."""
    layout = cast(MemRef, type_)
    strides, offset = layout.get_strides(), layout.get_offset()
    if strides is None:
        raise error_at(op, f"the reference has no memory with the layout of {type_}", code=codes.UNSUPPORTED_LAYOUT)
    claims = [
        (claim, stride)
        for n, claim, stride in zip(buffer.sizes, strides, buffer.strides, strict=True)
        if n > 1 and buffer.storage.size
    ]
    wrong = any(claim not in (None, stride) for claim, stride in claims)
    if wrong or offset not in (None, buffer.offset):
        raise error_at(
            op,
            f"memory with offset {buffer.offset} and strides {list(buffer.strides)} is not a {type_}",
            code=codes.UNSUPPORTED_LAYOUT,
        )


def _alloc(machine: Machine, op: memref.AllocOp | memref.AllocaOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    type_ = op.memref.type
    sizes = shape_at(op, type_, args[: len(op.dynamic_sizes)])
    strides, offset = type_.get_strides(), type_.get_offset()
    dtype = need_dtype(op, type_)
    if isinstance(type_.layout, NoneAttr):
        return (fresh(sizes, dtype, machine.fill or 0),)
    if strides is None or offset is None or None in strides:
        raise error_at(op, f"the reference cannot allocate the layout of {type_}", code=codes.UNSUPPORTED_LAYOUT)
    steps = cast(tuple[int, ...], tuple(strides))
    extent = 1 + offset + sum((n - 1) * step for n, step in zip(sizes, steps, strict=True))
    return (_checked(op, Buffer(filled(max(extent, 0), dtype, machine.fill or 0), offset, sizes, steps)),)


def _nothing(machine: Machine, op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ()


def _same(machine: Machine, op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (args[0],)


def _load(machine: Machine, op: memref.LoadOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, *index = args
    return (buffer.array[check_index(op, index, buffer.sizes)],)


def _store(machine: Machine, op: memref.StoreOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, buffer, *index = args
    buffer.array[check_index(op, index, buffer.sizes)] = value
    return ()


def _dim(machine: Machine, op: memref.DimOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, axis = args
    return (INDEX.type(buffer.sizes[check_axis(op, axis, len(buffer.sizes))]),)


def _rank(machine: Machine, op: memref.RankOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (INDEX.type(len(args[0].sizes)),)


def _copy(machine: Machine, op: memref.CopyOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    source, dest = args
    if source.sizes != dest.sizes:
        raise error_at(
            op, f"'memref.copy' copies sizes {list(source.sizes)} into {list(dest.sizes)}", code=codes.OUT_OF_BOUNDS
        )
    dest.array[...] = source.array.copy()
    return ()


def _cast(machine: Machine, op: memref.CastOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (buffer,) = args
    if isinstance(op.dest.type, MemRefType):
        check_static(op, op.dest.type, buffer.sizes)
        check_layout(op, op.dest.type, buffer)
    return args


def _subview(machine: Machine, op: memref.SubviewOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, *rest = args
    part = slice_of(op, rest, buffer.sizes)
    offset = buffer.offset + sum(a * b for a, b in zip(part.offsets, buffer.strides, strict=True))
    kept = kept_axes(op, op.result.type)
    sizes = tuple(part.sizes[axis] for axis in kept)
    strides = tuple(part.strides[axis] * buffer.strides[axis] for axis in kept)
    check_static(op, op.result.type, sizes)
    result = _checked(op, Buffer(buffer.storage, offset, sizes, strides))
    check_layout(op, op.result.type, result)
    return (result,)


def _reinterpret_cast(machine: Machine, op: memref.ReinterpretCastOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, *rest = args
    left = iter(rest)
    (offset,) = mixed(op.static_offsets, left)
    sizes, strides = mixed(op.static_sizes, left), mixed(op.static_strides, left)
    if min(sizes, default=0) < 0:
        raise error_at(
            op, f"'{op.name}' makes the sizes {list(sizes)}; a size must be 0 or more", code=codes.OUT_OF_BOUNDS
        )
    return (_checked(op, Buffer(buffer.storage, offset, sizes, strides)),)


def _collapse_shape(machine: Machine, op: memref.CollapseShapeOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (buffer,) = args
    groups = groups_of(op.reassociation)
    strides: list[int] = []
    for group in groups:
        long = [axis for axis in group if buffer.sizes[axis] != 1]
        strides.append(buffer.strides[long[-1]] if long else 1)
        for outer, inner in itertools.pairwise(long):
            if buffer.strides[outer] != buffer.strides[inner] * buffer.sizes[inner]:
                raise error_at(
                    op,
                    f"'{op.name}' joins dimensions {list(group)}, which are not contiguous",
                    code=codes.OUT_OF_BOUNDS,
                )
    sizes = collapsed(buffer.sizes, groups)
    check_static(op, op.result.type, sizes)
    return (Buffer(buffer.storage, buffer.offset, sizes, tuple(strides)),)


def _expand_shape(machine: Machine, op: memref.ExpandShapeOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, *rest = args
    sizes = mixed(op.static_output_shape, iter(rest))
    groups = groups_of(op.reassociation)
    if collapsed(sizes, groups) != buffer.sizes or min(sizes, default=0) < 0:
        raise error_at(
            op, f"'{op.name}' splits sizes {list(buffer.sizes)} into {list(sizes)}", code=codes.OUT_OF_BOUNDS
        )
    strides = [0] * len(sizes)
    for stride, group in zip(buffer.strides, groups, strict=True):
        for axis in reversed(group):
            strides[axis] = stride
            stride *= sizes[axis]
    check_static(op, op.result.type, sizes)
    return (Buffer(buffer.storage, buffer.offset, sizes, tuple(strides)),)


def _view(machine: Machine, op: memref.ViewOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, shift, *dynamic = args
    dtype = need_dtype(op, op.result.type)
    sizes = shape_at(op, op.result.type, dynamic)
    size = prod(sizes) * dtype.itemsize
    memory = buffer.array
    if not shift >= 0 or shift + size > memory.size:
        raise error_at(op, f"'{op.name}' takes {size} bytes from {shift} of {memory.size}", code=codes.OUT_OF_BOUNDS)
    return (Buffer(memory[shift : shift + size].view(dtype), 0, sizes, contiguous_strides(sizes)),)


def _get_global(machine: Machine, op: memref.GetGlobalOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    name = op.name_.string_value()
    if name not in machine.memory:
        if name not in machine.globals:
            raise error_at(op, f"there is no memref.global @{name}", code=codes.WRONG_SYMBOL)
        machine.memory[name] = _global(machine.globals[name])
    return (machine.memory[name],)


def _global(op: memref.GlobalOp) -> Buffer:
    if (place := op.attributes.get(DATA)) is not None:
        return buffer_of(_in_file(op, place))
    buffer = fresh(op.type.get_shape(), need_dtype(op, op.type))
    if isinstance(op.initial_value, DenseIntOrFPElementsAttr):
        buffer.array[...] = dense_array(op, op.initial_value)
    return buffer


def _in_file(op: memref.GlobalOp, place: Attribute) -> Array:
    """The data that a file holds, as memory without signs."""
    type_ = op.attributes.get(DATA_TYPE)
    if not isinstance(place, StringAttr) or not isinstance(type_, TensorType):
        raise error_at(op, f"'{op.name}' needs {DATA_TYPE} beside {DATA}", code=codes.WRONG_ATTRIBUTES)
    try:
        tensor = cast(TensorType[Attribute], type_)
        array = weights.load_as(weights.Place.of(place.data, Path()), need_dtype(op, tensor), tensor.get_shape())
    except WeftError as error:
        raise error_at(op, error.message, error.hint, code=error.code) from error
    return array.view(need_dtype(op, op.type)) if array.ndim else array


def _address(machine: Machine, op: memref.ExtractAlignedPointerAsIndexOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (INDEX.type(args[0].storage.ctypes.data),)


def _metadata(machine: Machine, op: memref.ExtractStridedMetaDataOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (buffer,) = args
    numbers = (buffer.offset, *buffer.sizes, *buffer.strides)
    return Buffer(buffer.storage, 0, (), ()), *(INDEX.type(n) for n in numbers)


def _scope(machine: Machine, op: memref.AllocaScopeOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return machine.run_ssacfg_region(op.scope, ())


def _end(machine: Machine, op: memref.AllocaScopeReturnOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ReturnedValues(args)


RULES: Rules = {
    memref.AllocOp: _alloc,
    memref.AllocaOp: _alloc,
    memref.DeallocOp: _nothing,
    memref.AssumeAlignmentOp: _same,
    memref.MemorySpaceCastOp: _same,
    memref.LoadOp: _load,
    memref.StoreOp: _store,
    memref.DimOp: _dim,
    memref.RankOp: _rank,
    memref.CopyOp: _copy,
    memref.CastOp: _cast,
    memref.SubviewOp: _subview,
    memref.ReinterpretCastOp: _reinterpret_cast,
    memref.CollapseShapeOp: _collapse_shape,
    memref.ExpandShapeOp: _expand_shape,
    memref.ViewOp: _view,
    memref.GlobalOp: _nothing,
    memref.GetGlobalOp: _get_global,
    memref.ExtractStridedMetaDataOp: _metadata,
    memref.ExtractAlignedPointerAsIndexOp: _address,
    memref.AllocaScopeOp: _scope,
    memref.AllocaScopeReturnOp: _end,
}
