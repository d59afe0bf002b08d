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
from weft.passes.lower.host.lowered import LoweredFunction
from weft.passes.lower.types import PTR, VOID, byte_size, memory_type

_ALIGNMENT = 64
_HEADER = 64
"""The bytes before a buffer of `memref.alloca`: they hold the address of the one made before it."""


# access


def element_address(
    f: LoweredFunction, source: SSAValue, indices: Sequence[SSAValue], op: Operation
) -> tuple[Value, Buffer]:
    """The address of an element; an index outside leaves the function."""
    buffer = f.buffer(source, op)
    places = f.scalars(indices)
    if f.bounds_checks:
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
    value = e.load(address, buffer.memory, buffer.bytes)
    f.define(op.res, e.icmp("ne", value, e.integer(0, buffer.memory)) if buffer.element == i1 else value)


def lower_store(f: LoweredFunction, op: memref.StoreOp) -> None:
    """`memref.store`."""
    address, buffer = element_address(f, op.memref, op.indices, op)
    value = f.scalar(op.value)
    f.e.store(f.e.cast(llvm.ZExtOp, value, buffer.memory), address, buffer.bytes)


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
    e = f.e
    memory = e.call_external("weft_alloc", (count,), PTR)
    f.check(e.icmp("ne", memory, e.null()), op, _no_memory(type_))
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
    """`memref.alloc`: memory that `free` takes back, at least 64-byte aligned."""
    e, type_ = f.e, plain_type(op.memref.type, op)
    sizes = _sizes(f, type_, op.dynamic_sizes, op)
    wanted = op.alignment.value.data if op.alignment is not None else 1
    count = _byte_count(f, type_, sizes, op, 0 if wanted <= _ALIGNMENT else wanted)
    if wanted <= _ALIGNMENT:
        allocated = aligned = _new(f, count, type_, op)
    else:
        allocated = _new(f, count, type_, op)
        raised = e.add(e.value(llvm.PtrToIntOp, (allocated,), i64), e.integer(wanted - 1))
        aligned = e.value(llvm.IntToPtrOp, (e.and_(raised, e.integer(-wanted)),), PTR)
    f.define_buffer(op.memref, contiguous(f, type_, allocated, aligned, sizes), op)


def lower_alloca(f: HostFunction, op: memref.AllocaOp) -> None:
    """`memref.alloca`: heap memory that the function gives back when it is left.

    The stack is too small to trust: a loop could use it up, which would end the process.
    """
    e, type_ = f.e, plain_type(op.memref.type, op)
    sizes = _sizes(f, type_, op.dynamic_sizes, op)
    memory = _new(f, _byte_count(f, type_, sizes, op, _HEADER), type_, op)
    chain = f.local_chain()
    e.store(e.load(chain, PTR, 8), memory, 8)
    e.store(memory, chain, 8)
    aligned = e.gep(memory, _HEADER, memory_type(i1))
    f.define_buffer(op.memref, contiguous(f, type_, memory, aligned, sizes), op)


def lower_dealloc(f: HostFunction, op: memref.DeallocOp) -> None:
    """`memref.dealloc`."""
    f.shared.externals.declare("free", [PTR], VOID)
    f.e.call("free", (f.buffer(op.memref, op).allocated,), VOID)


def lower_get_global(f: HostFunction, op: memref.GetGlobalOp) -> None:
    """`memref.get_global`. Nobody allocated the memory, so the pointer to give back is null."""
    e, type_ = f.e, op.memref.type
    sizes = [e.integer(size) for size in type_.get_shape()]
    address = e.address_of(op.name_.string_value())
    f.define_buffer(op.memref, contiguous(f, type_, e.null(), address, sizes), op)


# copies


def lower_copy(f: HostFunction, op: memref.CopyOp) -> None:
    """`memref.copy`: in one piece where both sides have no gaps, else element by element."""
    source, target = f.buffer(op.source, op), f.buffer(op.destination, op)
    c = Checked(f.e)
    good: Truth = True
    for have, want in zip(c.numbers(source.sizes), c.numbers(target.sizes), strict=True):
        good = c.both(good, c.compare("eq", have, want))
    f.require(good, op, "the buffers of 'memref.copy' differ in size")
    layouts = [layout_of(cast(MemRefType, value.type), op) for value in (op.source, op.destination)]
    e = f.e
    if all(layout.strides is None for layout in layouts):
        count = e.integer(source.bytes)
        for size in source.sizes:
            count = e.mul_index(count, size)
        operands = (target.start(e), source.start(e), count, e.integer(0, i1))
        e.intrinsic("memmove", operands, None, (PTR, PTR, i64))
        return
    copy_elements(f, source, target, [])


def copy_elements(f: LoweredFunction, source: Buffer, target: Buffer, places: list[Value]) -> None:
    """A nest of loops over the dims from `len(places)` on, and the copy of one element in it."""
    e, depth = f.e, len(places)
    if depth == len(source.sizes):
        value = e.load(source.address(e, places), source.memory, source.bytes)
        e.store(value, target.address(e, places), target.bytes)
        return
    head, body, done = e.block(i64), e.block(), e.block()
    counter = head.args[0]
    e.br(head, (e.integer(0),))
    e.enter(head)
    e.cond_br(e.icmp("slt", counter, source.sizes[depth]), body, done)
    e.enter(body)
    copy_elements(f, source, target, [*places, counter])
    e.br(head, (e.add_index(counter, e.integer(1)),))
    e.enter(done)


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
