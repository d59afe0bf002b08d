"""Views of buffers: the `memref` ops of host functions that give the same memory another shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, IntegerAttr, MemRefType, UnrankedMemRefType, i64
from xdsl.ir import Attribute, Operation, SSAValue

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.buffers import Buffer, contiguous_strides, layout_of, product
from weft.passes.lower.host.checked import Checked, Number, Truth
from weft.passes.lower.host.lowered import LoweredFunction
from weft.passes.lower.scalar_integers import constant_value
from weft.passes.lower.types import byte_size


def _mixed(f: LoweredFunction, static: Sequence[int], dynamic: Sequence[SSAValue]) -> list[Value]:
    """Numbers of which some are attributes and some operands."""
    given = iter(f.scalars(dynamic))
    return [next(given) if number == DYNAMIC_INDEX else f.e.integer(number) for number in static]


def lower_dim(f: LoweredFunction, op: memref.DimOp) -> None:
    """`memref.dim`; an index outside of the rank leaves the function."""
    e, buffer = f.e, f.buffer(op.source, op)
    index = f.scalar(op.index)
    known = constant_value(index)
    if known is not None and 0 <= known < len(buffer.sizes):
        f.define(op.result, buffer.sizes[known])
        return
    f.check(e.icmp("ult", index, e.integer(len(buffer.sizes))), op, f"{op.source.type} has no such dimension")
    size = e.integer(0)
    for place, candidate in enumerate(buffer.sizes):
        size = e.select(e.icmp("eq", index, e.integer(place)), candidate, size)
    f.define(op.result, size)


def lower_rank(f: LoweredFunction, op: memref.RankOp) -> None:
    """`memref.rank`."""
    f.define(op.rank, f.e.integer(len(cast(MemRefType, op.source.type).get_shape())))


def lower_cast(f: LoweredFunction, op: memref.CastOp) -> None:
    """`memref.cast`: what the result's type says must hold, else the function is left."""
    if isinstance(op.source.type, UnrankedMemRefType) or isinstance(op.dest.type, UnrankedMemRefType):
        raise error_at(op, "unranked memrefs are not supported", code=codes.CANNOT_LOWER)
    source, layout = f.buffer(op.source, op), layout_of(op.dest.type, op)
    c = Checked(f.e)
    strides = layout.strides
    if strides is None:
        strides = tuple(c.numbers(contiguous_strides(f.e, source.sizes)))
    good = True if layout.offset is None else c.compare("eq", c.number(source.offset), layout.offset)
    for have, want in zip((*source.sizes, *source.strides), (*layout.sizes, *strides), strict=True):
        if want is not None:
            good = c.both(good, c.compare("eq", c.number(have), want))
    f.require(good, op, f"the buffer is no {op.dest.type}")
    f.define_buffer(op.dest, source, op)


def lower_subview(f: LoweredFunction, op: memref.SubviewOp) -> None:
    """`memref.subview`; a part that reaches outside leaves the function."""
    e, source = f.e, f.buffer(op.source, op)
    offsets = _mixed(f, op.static_offsets.get_values(), op.offsets)
    sizes = _mixed(f, op.static_sizes.get_values(), op.sizes)
    steps = _mixed(f, op.static_strides.get_values(), op.strides)
    if f.bounds_checks:
        for part in zip(offsets, sizes, steps, source.sizes, strict=True):
            _check_part(f, *part, op)
    start = source.offset
    for offset, stride in zip(offsets, source.strides, strict=True):
        start = e.add_index(start, e.mul_index(offset, stride))
    strides = [product(e, step, stride) for step, stride in zip(steps, source.strides, strict=True)]
    kept = _kept_dims(op)
    view = source.with_layout(start, [sizes[i] for i in kept], [strides[i] for i in kept])
    f.define_buffer(op.result, view, op)


def _check_part(f: LoweredFunction, offset: Value, size: Value, step: Value, limit: Value, op: Operation) -> None:
    """`size` elements from `offset` on, `step` apart, lie in `0..limit`."""
    c = Checked(f.e)
    start, count, stride, most = c.numbers((offset, size, step, limit))
    last = c.add(start, c.mul(c.sub(count, 1), stride))
    inside = c.both(c.within(start, most), c.within(last, most))
    inside = c.both(c.both(inside, c.compare("sge", count, 0)), c.fits)
    good = c.either(c.compare("eq", count, 0), inside)
    f.require(good, op, f"'{op.name}' is out of bounds of {op.operands[0].type}")


def _kept_dims(op: memref.SubviewOp) -> list[int]:
    """The dims of the source that the result has: a result of lower rank lost dims of size one."""
    sizes = op.static_sizes.get_values()
    result = op.result.type.get_shape()
    extra = len(sizes) - len(result)
    kept: list[int] = []
    for place, size in enumerate(sizes):
        wanted = result[len(kept)] if len(kept) < len(result) else None
        if extra and size == 1 and (wanted != 1 or len(sizes) - place > len(result) - len(kept)):
            extra -= 1
            continue
        kept.append(place)
    return kept


def lower_reinterpret_cast(f: LoweredFunction, op: memref.ReinterpretCastOp) -> None:
    """`memref.reinterpret_cast`: a layout of its own over the memory of the source."""
    (offset,) = _mixed(f, op.static_offsets.get_values(), op.offsets)
    sizes = _mixed(f, op.static_sizes.get_values(), op.sizes)
    strides = _mixed(f, op.static_strides.get_values(), op.strides)
    source = f.buffer(_origin(op.source), op)
    if f.bounds_checks:
        _check_extent(f, offset, sizes, strides, source, op)
    f.define_buffer(op.result, source.with_layout(offset, sizes, strides), op)


def _origin(value: SSAValue) -> SSAValue:
    """The buffer whose base a value is: `extract_strided_metadata` gives a base that knows no sizes."""
    owner = value.owner
    if isinstance(owner, memref.ExtractStridedMetaDataOp) and value is owner.base_buffer:
        return owner.source
    return value


def _check_extent(
    f: LoweredFunction, offset: Value, sizes: Sequence[Value], strides: Sequence[Value], source: Buffer, op: Operation
) -> None:
    """All elements of the new layout lie between the source's base and its last element."""
    c = Checked(f.e)
    _, end = _span(c, source.offset, source.sizes, source.strides)
    low, high = _span(c, offset, sizes, strides)
    inside = c.both(c.compare("sge", low, 0), c.compare("sle", high, end))
    empty: Truth = False
    for size in c.numbers(sizes):
        empty = c.either(empty, c.compare("eq", size, 0))
        inside = c.both(inside, c.compare("sge", size, 0))
    f.require(c.either(empty, c.both(inside, c.fits)), op, f"'{op.name}' reaches outside of {op.operands[0].type}")


def _span(c: Checked, offset: Value, sizes: Sequence[Value], strides: Sequence[Value]) -> tuple[Number, Number]:
    """The places of the first and last element in memory."""
    low = high = c.number(offset)
    for size, stride in zip(c.numbers(sizes), c.numbers(strides), strict=True):
        reach = c.mul(c.sub(size, 1), stride)
        if isinstance(reach, int):
            low, high = c.add(low, min(reach, 0)), c.add(high, max(reach, 0))
        else:
            zero = c.e.integer(0)
            low = c.add(low, c.e.intrinsic("smin", (reach, zero), i64))
            high = c.add(high, c.e.intrinsic("smax", (reach, zero), i64))
    return low, high


def lower_metadata(f: LoweredFunction, op: memref.ExtractStridedMetaDataOp) -> None:
    """`memref.extract_strided_metadata`."""
    buffer = f.buffer(op.source, op)
    f.define_buffer(op.base_buffer, buffer.with_layout(f.e.integer(0), (), ()), op)
    f.define(op.offset, buffer.offset)
    for result, value in zip((*op.sizes, *op.strides), (*buffer.sizes, *buffer.strides), strict=True):
        f.define(result, value)


def lower_view(f: LoweredFunction, op: memref.ViewOp) -> None:
    """`memref.view`: a typed part of a buffer of bytes; one that reaches outside leaves the function."""
    e, source = f.e, f.buffer(op.source, op)
    type_ = op.result.type
    given = iter(f.scalars(op.sizes))
    sizes = [next(given) if size is None else e.integer(size) for size in layout_of(type_, op).sizes]
    shift = f.scalar(op.byte_shift)
    if f.bounds_checks:
        _check_view(f, shift, sizes, byte_size(type_.element_type), source.sizes[0], op)
    start = e.gep(source.start(e), shift, source.memory)
    strides = tuple(contiguous_strides(e, sizes))
    view = Buffer(type_.element_type, source.allocated, start, e.integer(0), tuple(sizes), strides)
    f.define_buffer(op.result, view, op)


def _check_view(
    f: LoweredFunction, shift: Value, sizes: Sequence[Value], unit: int, limit: Value, op: memref.ViewOp
) -> None:
    """The bytes of the view, from `shift` on, lie in the source's `limit` bytes."""
    c = Checked(f.e)
    start, count = c.number(shift), cast("Number", unit)
    good: Truth = c.compare("sge", start, 0)
    for size in c.numbers(sizes):
        good = c.both(good, c.compare("sge", size, 0))
        count = c.mul(count, size)
    good = c.both(good, c.compare("sle", c.add(start, count), c.number(limit)))
    f.require(c.both(good, c.fits), op, f"'{op.name}' is out of bounds of {op.source.type}")


def _groups(reassociation: Attribute) -> list[list[int]]:
    return [
        [index.value.data for index in cast("ArrayAttr[IntegerAttr]", group)]
        for group in cast("ArrayAttr[Attribute]", reassociation)
    ]


def lower_collapse_shape(f: LoweredFunction, op: memref.CollapseShapeOp) -> None:
    """`memref.collapse_shape`: a group of dims as one, whose stride is that of its last dim longer than one."""
    e, source = f.e, f.buffer(op.src, op)
    shape = cast(MemRefType, op.src.type).get_shape()
    sizes: list[Value] = []
    strides: list[Value] = []
    for group in _groups(op.reassociation):
        size = e.integer(1)
        for dim in group:
            size = product(e, size, source.sizes[dim])
        longer = [dim for dim in group if shape[dim] != 1]
        sizes.append(size)
        strides.append(source.strides[longer[-1] if longer else group[-1]])
    f.define_buffer(op.result, source.with_layout(source.offset, sizes, strides), op)


def lower_expand_shape(f: LoweredFunction, op: memref.ExpandShapeOp) -> None:
    """`memref.expand_shape`: a dim as several, whose sizes must multiply to its own."""
    e, source = f.e, f.buffer(op.src, op)
    sizes = _mixed(f, op.static_output_shape.get_values(), op.output_shape)
    strides = list(sizes)
    c = Checked(e)
    good: Truth = True
    for dim, group in enumerate(_groups(op.reassociation)):
        step, count = source.strides[dim], cast("Number", 1)
        for part in reversed(group):
            strides[part] = step
            step = product(e, step, sizes[part])
            count = c.mul(count, c.number(sizes[part]))
            good = c.both(good, c.compare("sge", c.number(sizes[part]), 0))
        good = c.both(good, c.compare("eq", count, c.number(source.sizes[dim])))
    f.require(c.both(good, c.fits), op, f"the sizes of '{op.name}' do not multiply to those of {op.src.type}")
    f.define_buffer(op.result, source.with_layout(source.offset, sizes, strides), op)


def lower_same(f: LoweredFunction, op: memref.AssumeAlignmentOp | memref.MemorySpaceCastOp) -> None:
    """Ops that give their operand: `memref.assume_alignment`, `memref.memory_space_cast`."""
    f.values[op.results[0]] = f.values[op.operands[0]]


def lower_pointer(f: LoweredFunction, op: memref.ExtractAlignedPointerAsIndexOp) -> None:
    """`memref.extract_aligned_pointer_as_index`."""
    f.define(op.aligned_pointer, f.e.value(llvm.PtrToIntOp, (f.buffer(op.source, op).aligned,), i64))


VIEW_RULES: Mapping[type[Operation], Any] = {
    memref.DimOp: lower_dim,
    memref.RankOp: lower_rank,
    memref.CastOp: lower_cast,
    memref.SubviewOp: lower_subview,
    memref.ReinterpretCastOp: lower_reinterpret_cast,
    memref.ExtractStridedMetaDataOp: lower_metadata,
    memref.ExtractAlignedPointerAsIndexOp: lower_pointer,
    memref.ViewOp: lower_view,
    memref.CollapseShapeOp: lower_collapse_shape,
    memref.ExpandShapeOp: lower_expand_shape,
    memref.AssumeAlignmentOp: lower_same,
    memref.MemorySpaceCastOp: lower_same,
}
"""Ops that make views."""
