"""Allocation, access, copies and globals: the `memref` ops of host functions that touch memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import MemRefType, NoneAttr, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.buffers import Buffer, contiguous_strides, layout_of
from weft.passes.lower.host.checked import Checked, Number, Truth
from weft.passes.lower.host.function import HostFunction
from weft.passes.lower.host.given import given_or, result_of
from weft.passes.lower.host.lowered import LoweredFunction
from weft.passes.lower.host.own_memory import copy_elements as copy_elements
from weft.passes.lower.proven import INSIDE
from weft.passes.lower.types import PTR, byte_size

# access


def element_address(
    f: LoweredFunction, source: SSAValue, indices: Sequence[SSAValue], op: Operation
) -> tuple[Value, Buffer]:
    """The address of an element; an index outside leaves the function."""
    buffer = f.buffer(source, op)
    places = f.scalars(indices)
    if f.bounds_checks and INSIDE not in op.attributes:
        _check_inside(f, buffer, places, op)
    return buffer.address(f.e, places), buffer


def _check_inside(f: LoweredFunction, buffer: Buffer, places: Sequence[Value], op: Operation) -> None:
    c = Checked(f.e)
    good: Truth = True
    for place, size in zip(places, buffer.sizes, strict=True):
        index, limit = c.number(place), c.number(size)
        known = isinstance(index, int) and isinstance(limit, int)
        good = c.both(good, c.within(index, limit) if known else f.e.icmp("ult", place, size))
    f.check(good, op, f"'{op.name}' is out of bounds of {_memref_of(op)}")


def _memref_of(op: Operation) -> str:
    return str(next(value.type for value in op.operands if isa(value.type, MemRefType)))


def lower_load(f: LoweredFunction, op: memref.LoadOp) -> None:
    """`memref.load`."""
    e = f.e
    address, buffer = element_address(f, op.memref, op.indices, op)
    value = f.memory.load(f, address, buffer.memory, buffer.bytes, op)
    f.define(op.res, e.icmp("ne", value, e.integer(0, buffer.memory)) if buffer.element == i1 else value)


def lower_store(f: LoweredFunction, op: memref.StoreOp) -> None:
    """`memref.store`."""
    address, buffer = element_address(f, op.memref, op.indices, op)
    value = f.scalar(op.value)
    f.memory.store(f, f.e.cast(llvm.ZExtOp, value, buffer.memory), address, buffer.bytes, op)


# allocation


def _sizes(f: LoweredFunction, type_: MemRefType, dynamic: Sequence[SSAValue], op: Operation) -> list[Value]:
    """The sizes of a new buffer; a negative one leaves the function."""
    given = iter(f.scalars(dynamic))
    sizes: list[Value] = []
    for known in layout_of(type_, op).sizes:
        if known is not None:
            sizes.append(f.e.integer(known))
            continue
        size = next(given)
        f.check(f.e.icmp("sge", size, f.e.integer(0)), op, f"a size of a new {type_} is negative")
        sizes.append(size)
    return sizes


def _byte_count(f: HostFunction, type_: MemRefType, sizes: Sequence[Value], op: Operation, extra: int = 0) -> Value:
    """The bytes of a row-major buffer and `extra` ones; a number that does not fit leaves the function."""
    c = Checked(f.e)
    count: Number = byte_size(type_.element_type)
    for size in c.numbers(sizes):
        count = c.mul(count, size)
    count = c.add(count, extra)
    f.check(c.fits, op, _no_memory(type_))
    return c.value(count)


def _no_memory(type_: MemRefType) -> str:
    return f"there is no memory for a {type_}"


def _new(f: HostFunction, count: Value, type_: MemRefType, op: Operation) -> Value:
    """Fresh memory; where there is none the function is left."""
    memory = f.memory.allocate(f, count)
    f.check(f.e.icmp("ne", memory, f.e.null()), op, _no_memory(type_))
    return memory


def contiguous(
    f: LoweredFunction, type_: MemRefType, allocated: Value, aligned: Value, sizes: Sequence[Value]
) -> Buffer:
    e = f.e
    return Buffer(
        type_.element_type, allocated, aligned, e.integer(0), tuple(sizes), tuple(contiguous_strides(e, sizes))
    )


def plain_type(type_: Attribute, op: Operation) -> MemRefType:
    """The type of a new buffer. Raises :class:`WeftError` for one with a layout."""
    memref_type = cast(MemRefType, type_)
    if not isinstance(memref_type.layout, NoneAttr):
        raise error_at(
            op, f"'{op.name}' makes buffers without a layout only, not a {type_}", code=codes.UNSUPPORTED_LAYOUT
        )
    return memref_type


def lower_alloc(f: HostFunction, op: memref.AllocOp) -> None:
    """`memref.alloc`: memory that `memref.dealloc` takes back, at least 64-byte aligned.

    What is returned may lie in memory that the caller brought.
    """
    if (number := result_of(f, op)) is not None:
        type_ = plain_type(op.memref.type, op)
        sizes = _sizes(f, type_, op.dynamic_sizes, op)
        count = _byte_count(f, type_, sizes, op)
        memory = given_or(f, number, sizes, lambda: _new(f, count, type_, op))
        f.define_buffer(op.memref, contiguous(f, type_, memory, memory, sizes), op)
        return
    alloc(f, op.memref, op.dynamic_sizes, op.alignment.value.data if op.alignment is not None else 1, op)


def alloc(f: HostFunction, result: SSAValue, dynamic: Sequence[SSAValue], wanted: int, op: Operation) -> None:
    """A new buffer, aligned to `wanted` bytes at least."""
    e, type_ = f.e, plain_type(result.type, op)
    sizes = _sizes(f, type_, dynamic, op)
    is_aligned = wanted <= f.memory.alignment
    count = _byte_count(f, type_, sizes, op, 0 if is_aligned else wanted)
    if is_aligned:
        allocated = aligned = _new(f, count, type_, op)
    else:
        allocated = _new(f, count, type_, op)
        raised = e.add(e.value(llvm.PtrToIntOp, (allocated,), i64), e.integer(wanted - 1))
        aligned = e.value(llvm.IntToPtrOp, (e.and_(raised, e.integer(-wanted)),), PTR)
    f.define_buffer(result, contiguous(f, type_, allocated, aligned, sizes), op)


def lower_alloca(f: HostFunction, op: memref.AllocaOp) -> None:
    """`memref.alloca`: heap memory that the function gives back when it is left.

    The stack is too small to trust: a loop could use it up, which would end the process.
    """
    type_ = plain_type(op.memref.type, op)
    sizes = _sizes(f, type_, op.dynamic_sizes, op)
    memory = _new(f, _byte_count(f, type_, sizes, op, f.memory.local_header), type_, op)
    aligned = f.memory.new_local(f, memory, f.local_chain())
    f.define_buffer(op.memref, contiguous(f, type_, memory, aligned, sizes), op)


def lower_dealloc(f: HostFunction, op: memref.DeallocOp) -> None:
    """`memref.dealloc`."""
    dealloc(f, op.memref, op)


def dealloc(f: HostFunction, buffer: SSAValue, op: Operation) -> None:
    """Give a buffer back."""
    f.memory.free(f.e, f.buffer(buffer, op).allocated)


def lower_get_global(f: HostFunction, op: memref.GetGlobalOp) -> None:
    """`memref.get_global`. Nobody allocated the memory, so the pointer to give back is null."""
    e, type_ = f.e, op.memref.type
    sizes = [e.integer(size) for size in type_.get_shape()]
    address = e.address_of(op.name_.string_value())
    f.define_buffer(op.memref, contiguous(f, type_, e.null(), address, sizes), op)


# copies


def lower_copy(f: HostFunction, op: memref.CopyOp) -> None:
    """`memref.copy`."""
    copy(f, op.source, op.destination, op)


def copy(f: HostFunction, from_: SSAValue, to: SSAValue, op: Operation) -> None:
    """Copy a buffer: in one piece where both sides have no gaps, else element by element."""
    source, target = f.buffer(from_, op), f.buffer(to, op)
    c = Checked(f.e)
    good: Truth = True
    for have, want in zip(c.numbers(source.sizes), c.numbers(target.sizes), strict=True):
        good = c.both(good, c.compare("eq", have, want))
    f.require(good, op, f"the buffers of '{op.name}' differ in size")
    layouts = [layout_of(cast(MemRefType, value.type), op) for value in (from_, to)]
    e = f.e
    if all(layout.strides is None for layout in layouts):
        count = e.integer(source.bytes)
        for size in source.sizes:
            count = e.mul_index(count, size)
        f.memory.copy(f, target, source, count, op)
        return
    f.memory.copy_strided(f, target, source, op)


MEMORY_RULES: Mapping[type[Operation], Any] = {
    memref.LoadOp: lower_load,
    memref.StoreOp: lower_store,
    memref.AllocOp: lower_alloc,
    memref.AllocaOp: lower_alloca,
    memref.DeallocOp: lower_dealloc,
    memref.GetGlobalOp: lower_get_global,
    memref.CopyOp: lower_copy,
}
"""Ops that touch memory."""
