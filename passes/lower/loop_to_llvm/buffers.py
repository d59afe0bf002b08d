"""Buffers in memory: their arguments, and the address of an access."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import MemRefType, i64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument, SSAValue

from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp
from weft.dialects.loop.buffers import alignment, memref_of
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.places import Address, Buffer, Stride
from weft.passes.lower.types import PTR, byte_size, memory_type, register_type


def argument_types(argument: BlockArgument) -> list[Attribute]:
    """The llvm arguments that an argument of a kernel becomes: a buffer is a pointer, its dynamic sizes and
    its dynamic strides; a scalar is itself. Raises :class:`WeftError` for a layout without strides."""
    type_ = argument.type
    if not isinstance(type_, MemRefType):
        return [register_type(type_)]
    sizes, strides = layout(argument)
    return [PTR, *[i64] * (sizes.count(None) + strides.count(None))]


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
        assert isinstance(function, FuncOp)
        raise error_at(function, f"a kernel cannot index {type_}: its layout has no strides")
    return sizes, list(strides)


def _is_contiguous(buffer: SSAValue) -> bool:
    return memref_of(buffer).layout.name == "builtin.none"


def bind_argument(k: Lowering, argument: BlockArgument, incoming: Iterator[Value]) -> None:
    """Take the llvm arguments of one argument of the kernel."""
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
    bind(k, argument, pointer, sizes, strides)


def bind(k: Lowering, buffer: SSAValue, pointer: Value, sizes: list[Stride], strides: list[Stride]) -> None:
    """Say where a buffer is."""
    element = memref_of(buffer).element_type
    known = max(alignment(buffer), byte_size(element))
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
    buffer = k.buffers[op.target]
    parts: dict[tuple[Value, Value | None], int] = {}
    constant = 0
    steps: dict[Value | None, int] = {}
    for form, stride in zip(k.analysis.forms(op), buffer.strides, strict=True):
        now = k.form(form)
        factor, scale = (stride, None) if isinstance(stride, int) else (1, stride)
        for value, coefficient in now.terms:
            part = (value, scale)
            parts[part] = parts.get(part, 0) + coefficient * factor
        if now.lane:
            steps[scale] = steps.get(scale, 0) + now.lane * factor
        if scale is None:
            constant += now.constant * factor
        elif now.constant:
            parts[scale, None] = parts.get((scale, None), 0) + now.constant
    return Address(buffer, _base(k, buffer, parts), constant, _step(k, steps))


def _base(k: Lowering, buffer: Buffer, parts: dict[tuple[Value, Value | None], int]) -> Value:
    """The pointer plus all run-time parts, outermost first, so that each sum is made as early as it can be."""
    pointer, type_ = buffer.pointer, memory_type(buffer.element)
    offsets: list[Value] = []
    for (value, scale), factor in parts.items():
        if factor:
            offset = k.times(value, factor)
            offsets.append(offset if scale is None else k.times(offset, scale))
    for offset in sorted(offsets, key=k.depth):
        base = pointer
        pointer = k.pure(
            ("gep", base, offset, type_),
            (base, offset),
            lambda base=base, offset=offset: k.e.gep(base, offset, type_),
        )
    return pointer


def _step(k: Lowering, steps: dict[Value | None, int]) -> Stride | None:
    """The distance between lanes; None where they all go to one place."""
    known = steps.pop(None, 0)
    total: Value | None = None
    for scale, factor in steps.items():
        if scale is not None and factor:
            part = k.times(scale, factor)
            total = part if total is None else k.plus(total, part)
    if total is None:
        return known or None
    return k.plus(total, k.e.integer(known)) if known else total
