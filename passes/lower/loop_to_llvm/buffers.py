"""Buffers in memory: their arguments, and the address of an access."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from xdsl.dialects.builtin import MemRefType, NoneAttr, i64
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp
from weft.dialects.loop.buffers import alignment, memref_of
from weft.dialects.loop.linear import Linear
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.places import Address, Buffer, FlatIndex, Stride
from weft.passes.lower.types import PTR, byte_size, memory_type, register_type


def argument_types(argument: BlockArgument, pointer: Attribute = PTR) -> list[Attribute]:
    """The llvm arguments that an argument of a kernel becomes: a buffer is a pointer, its dynamic sizes and
    its dynamic strides; a scalar is itself. Raises :class:`WeftError` for a layout without strides."""
    type_ = argument.type
    if not isinstance(type_, MemRefType):
        return [register_type(type_)]
    sizes, strides = layout(argument)
    return [pointer, *[i64] * (sizes.count(None) + strides.count(None))]


def layout(buffer: SSAValue) -> tuple[list[int | None], list[int | None]]:
    """The sizes and strides of a buffer; None for one that only the run knows.

    A stride of a contiguous buffer that follows from run-time sizes counts as 0 here: no argument brings it.
    """
    type_ = memref_of(buffer)
    sizes: list[int | None] = [size if size >= 0 else None for size in type_.get_shape()]
    if _is_contiguous(buffer):
        return sizes, [0] * len(sizes)
    strides = type_.get_strides()
    if strides is None:
        function = buffer.block.parent_op() if isinstance(buffer, BlockArgument) else buffer.owner
        assert isinstance(function, Operation)
        raise error_at(
            function, f"a kernel cannot index {type_}: its layout has no strides", code=codes.UNSUPPORTED_LAYOUT
        )
    return sizes, list(strides)


def _is_contiguous(buffer: SSAValue) -> bool:
    return isinstance(memref_of(buffer).layout, NoneAttr)


def bind_argument(k: Lowering, argument: BlockArgument, incoming: Iterator[Value], aligned: int = 1) -> None:
    """Take the llvm arguments of one argument of the kernel; a contiguous buffer starts at a multiple of `aligned`."""
    if not isinstance(argument.type, MemRefType):
        k.values[argument] = next(incoming)
        return
    pointer = next(incoming)
    static_sizes, static_strides = layout(argument)
    sizes = [next(incoming) if size is None else size for size in static_sizes]
    if _is_contiguous(argument):
        strides = contiguous(k, sizes)
    else:
        strides = [next(incoming) if stride is None else stride for stride in static_strides]
    bind(k, argument, pointer, sizes, strides, aligned if _is_contiguous(argument) else 1)


def bind(
    k: Lowering, buffer: SSAValue, pointer: Value, sizes: list[Stride], strides: list[Stride], aligned: int = 1
) -> None:
    """Say where a buffer is; `aligned` is what the machine gives every buffer of its kind."""
    element = memref_of(buffer).element_type
    known = max(alignment(buffer), aligned, byte_size(element))
    k.buffers[buffer] = Buffer(k.analysis.root(buffer), pointer, tuple(sizes), tuple(strides), element, known)


def contiguous(k: Lowering, sizes: list[Stride]) -> list[Stride]:
    """The strides of a row-major buffer."""
    strides: list[Stride] = []
    stride: Stride = 1
    for size in reversed(sizes):
        strides.insert(0, stride)
        if isinstance(size, int) and isinstance(stride, int):
            stride = size * stride
        elif isinstance(size, int):
            stride = k.times(k.as_value(stride), size)
        else:
            stride = k.times(size, stride)
    return strides


def address(k: Lowering, op: AccessOp) -> Address:
    """Where an access goes now."""
    target = k.analysis.target(op)
    flat = k.places.get(op)
    if flat is None or flat.buffer is not k.buffers[target]:
        flat = k.places[op] = _flatten(k, op, k.buffers[target])
    constant, lane = flat.constant, 0
    values: list[Value] = []
    factors: list[int] = []
    for source, factor in flat.terms:
        counter = k.counter(source)
        constant += factor * counter.offset
        if counter.value is not None:
            values.append(counter.value)
            factors.append(factor)
        if counter.lane:
            lane = factor
    if flat.buffer.swizzle is not None:
        return _swizzled_address(k, op, flat, list(zip(values, factors, strict=True)), constant, lane)
    if flat.scaled:
        return _scaled_address(k, flat, list(zip(values, factors, strict=True)), constant, lane)
    known = flat.scope is not None and flat.scope.open and len(values) == len(flat.values)
    if not known or any(a is not b for a, b in zip(values, flat.values, strict=True)):
        offsets = [k.times(value, factor) for value, factor in zip(values, factors, strict=True)]
        flat.values, flat.scope = tuple(values), k.scope
        flat.base = based(k, flat.buffer, offsets)
    assert flat.base is not None
    alignment = _alignment(k, flat, constant) if k.machine.aligned and lane else 1
    return Address(flat.buffer, flat.base, constant, lane or None, alignment)


def _alignment(k: Lowering, flat: FlatIndex, constant: int) -> int:
    """What the first lane's place is a multiple of, in bytes: the pointer, each counter's step and the constant are."""
    width = k.lanes.width if k.lanes is not None else 1
    steps = [constant]
    for source, factor in flat.terms:
        counter = k.counter(source)
        if counter.value is not None:
            # the counter of the vector loop itself runs from one whole vector to the next
            steps.append(factor * width if counter.lane else factor)
    return gcd(flat.buffer.alignment, *(step * byte_size(flat.buffer.element) for step in steps))


def _flatten(k: Lowering, op: AccessOp, buffer: Buffer) -> FlatIndex:
    total = Linear()
    scaled: list[tuple[Linear, Value]] = []
    for form, stride in zip(k.analysis.forms(op), buffer.strides, strict=True):
        if isinstance(stride, int):
            total += form * stride
        else:
            scaled.append((form, stride))
    return FlatIndex(buffer, total.terms, total.constant, tuple(scaled))


def _scaled_address(k: Lowering, flat: FlatIndex, terms: list[tuple[Value, int]], constant: int, lane: int) -> Address:
    """The address in a buffer that has strides which only the run knows."""
    offsets = [k.times(value, factor) for value, factor in terms]
    step: Stride = lane
    for form, stride in flat.scaled:
        now = k.form(form)
        offsets += [k.times(k.times(value, factor), stride) for value, factor in now.terms]
        if now.constant:
            offsets.append(k.times(stride, now.constant))
        if now.lane:
            moved = k.times(stride, now.lane)
            step = moved if step == 0 else k.plus(moved, k.as_value(step))
    return Address(flat.buffer, based(k, flat.buffer, offsets), constant, None if step == 0 else step)


def _swizzled_address(
    k: Lowering, op: AccessOp, flat: FlatIndex, terms: list[tuple[Value, int]], constant: int, lane: int
) -> Address:
    """The address in a buffer whose pieces lie in another order: what moves by whole periods stays outside of that."""
    swizzle = flat.buffer.swizzle
    assert swizzle is not None
    alignment = min(_alignment(k, flat, constant), swizzle.piece * byte_size(flat.buffer.element))
    width = k.lanes.width if k.lanes is not None and lane else 1
    if lane and (lane != 1 or alignment < width * byte_size(flat.buffer.element)):
        raise error_at(
            op,
            "a vector of a swizzled buffer should be a part of 16 bytes of a row",
            "vectorize along the rows, by no more lanes than 16 bytes have elements",
            code=codes.CANNOT_LOWER,
        )
    low = constant % swizzle.period
    inside = [k.times(value, factor) for value, factor in terms if factor % swizzle.period]
    outside = [k.times(value, factor) for value, factor in terms if not factor % swizzle.period]
    if not inside:
        return Address(flat.buffer, based(k, flat.buffer, outside), constant - low + swizzle.moved(low), lane or None)
    offset = inside[0]
    for part in sorted(inside[1:], key=k.depth):
        offset = k.plus(offset, part)
    offset = k.plus(offset, k.integer(low)) if low else offset
    shift, mask = k.integer(swizzle.shift), k.integer(swizzle.mask)

    def move() -> Value:
        return k.e.xor(offset, k.e.and_(k.e.lshr(offset, shift), mask))

    moved = k.pure(("swizzle", offset, swizzle), (offset,), move)
    base = based(k, flat.buffer, [moved, *outside])
    return Address(flat.buffer, base, constant - low, lane or None, alignment if lane else 1)


def based(k: Lowering, buffer: Buffer, offsets: list[Value]) -> Value:
    """The pointer plus all run-time parts, outermost first, so that each sum is made as early as it can be."""
    pointer, type_ = buffer.pointer, memory_type(buffer.element)
    for offset in sorted(offsets, key=k.depth):
        base = pointer
        pointer = k.pure(
            ("gep", base, offset), (base, offset), lambda base=base, offset=offset: k.e.gep(base, offset, type_)
        )
    return pointer
