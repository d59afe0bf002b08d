"""The `gpu` ops of host functions: launches, and memory of the device. All happens in order, so tokens are nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import IntegerType, MemRefType, UnrankedMemRefType, i1, i64
from xdsl.ir import Operation, SSAValue
from xdsl.utils.hints import isa

from weft.dialects import device, gpu
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.control import kernel_arguments
from weft.passes.lower.host.device_memory import as_word, call_runtime, require_runtime, words
from weft.passes.lower.host.function import HostFunction
from weft.passes.lower.host.memory import alloc, copy, dealloc
from weft.passes.lower.host.views import lower_cast
from weft.passes.lower.types import PTR, byte_size, integer_type

_WORD = 8
"""The bytes of the word that a kernel leaves its status in."""


def _tokens(f: HostFunction, op: Operation) -> None:
    """A token is nothing: the device does in order what it is asked for."""
    for result in op.results:
        if isinstance(result.type, gpu.AsyncTokenType):
            f.define(result)


def _word(f: HostFunction, value: SSAValue | None) -> Value:
    """A size as an i64; 0 where it is not given."""
    if value is None:
        return f.e.integer(0)
    number = f.scalar(value)
    return number if number.type == i64 else f.e.cast(llvm.ZExtOp, number, i64)


def lower_launch(f: HostFunction, op: gpu.LaunchFuncOp) -> None:
    """`gpu.launch_func`: the sizes and the arguments are put on the stack, and the run-time function reads them."""
    e = f.e
    grid = (op.grid_size_x, op.grid_size_y, op.grid_size_z)
    block = (op.block_size_x, op.block_size_y, op.block_size_z)
    cluster = (op.cluster_size_x, op.cluster_size_y, op.cluster_size_z)
    dims = words(e, [_word(f, size) for size in (*grid, *block, *cluster)])
    name = "::".join(part.data for part in (op.kernel.root_reference, *op.kernel.nested_references))
    places = [part for operand in op.kernel_operands for part in _argument_places(f, operand, op)]
    status = _new_status(f, op) if f.shared.launches.may_fail(name) else None
    places += [] if status is None else [_kept(f, status)]
    table = e.alloca(max(len(places), 1), PTR, 8)
    for number, place in enumerate(places):
        e.store(place, e.gep(table, number, PTR), 8)
    number, site = e.integer(f.shared.launches.kernel(name)), e.integer(f.shared.launches.site(op))
    operands = (number, site, dims, _word(f, op.dynamic_shared_memory_size), table)
    require_runtime(f, device.LAUNCH, operands, op, f"the launch of '@{name.replace('::', '::@')}' failed")
    if status is not None:
        _check_status(f, status, op)
    _tokens(f, op)


def _new_status(f: HostFunction, op: Operation) -> Value:
    """A word of the device, 0, for a kernel that may fail."""
    e = f.e
    word = cast(Value, call_runtime(f.e, device.ALLOC, (e.integer(_WORD),)))
    f.check(e.icmp("ne", word, e.null()), op, "there is no memory for the status of a kernel")
    operands = (word, e.integer(0), e.integer(_WORD), e.integer(1))
    require_runtime(f, device.FILL, operands, op, "the status of a kernel could not be written")
    return word


def _check_status(f: HostFunction, word: Value, op: Operation) -> None:
    """Wait for a kernel, and leave the function with the message that it left, if it left one."""
    e = f.e
    room = e.alloca(1, i64, _WORD)
    operands = (room, word, e.integer(_WORD), e.integer(device.FROM_DEVICE))
    require_runtime(f, device.COPY, operands, op, "the status of a kernel could not be read")
    call_runtime(f.e, device.FREE, (word,))
    status = e.load(room, i64, _WORD)
    f.leave_unless(e.icmp("eq", status, e.integer(0)), status)


def _argument_places(f: HostFunction, operand: SSAValue, op: Operation) -> list[Value]:
    """The places on the stack that hold what a kernel takes for one argument."""
    return [_kept(f, value) for value in kernel_arguments(f, operand, op)]


def _kept(f: HostFunction, value: Value) -> Value:
    """A place on the stack that holds a value."""
    e = f.e
    kept = e.cast(llvm.ZExtOp, value, integer_type(8)) if value.type == i1 else value
    size = byte_size(kept.type)
    place = e.alloca(1, kept.type, size)
    e.store(kept, place, size)
    return place


def lower_alloc(f: HostFunction, op: gpu.AllocOp) -> None:
    """`gpu.alloc`: as `memref.alloc`; host code reaches all memory of the device, `host_shared` or not."""
    alloc(f, op.memref, op.dynamic_sizes, 1, op)
    _tokens(f, op)


def lower_dealloc(f: HostFunction, op: gpu.DeallocOp) -> None:
    """`gpu.dealloc`."""
    dealloc(f, op.memref, op)
    _tokens(f, op)


def lower_memcpy(f: HostFunction, op: gpu.MemcpyOp) -> None:
    """`gpu.memcpy`: as `memref.copy`, for all buffers lie on the device."""
    copy(f, op.src, op.dst, op)
    _tokens(f, op)


def lower_memset(f: HostFunction, op: gpu.MemsetOp) -> None:
    """`gpu.memset`, of a buffer without gaps."""
    from weft import codes
    from weft.dialects.locations import error_at
    from weft.passes.lower.host.buffers import layout_of

    e, target = f.e, f.buffer(op.dst, op)
    if layout_of(cast("MemRefType[Any]", op.dst.type), op).strides is not None:
        what = f"'gpu.memset' fills buffers without a layout only, not a {op.dst.type}"
        raise error_at(op, what, code=codes.UNSUPPORTED_LAYOUT)
    count = e.integer(1)
    for size in target.sizes:
        count = e.mul_index(count, size)
    value = f.scalar(op.value)
    size = byte_size(value.type)
    kept = e.cast(llvm.ZExtOp, value, integer_type(8 * size)) if isinstance(value.type, IntegerType) else value
    operands = (target.start(e), as_word(e, kept, size), e.integer(size), count)
    require_runtime(f, device.FILL, operands, op, "'gpu.memset' failed on the device")
    _tokens(f, op)


def lower_wait(f: HostFunction, op: gpu.WaitOp) -> None:
    """`gpu.wait`; `async` it only gives a token."""
    if op.async_token is None:
        require_runtime(f, device.WAIT, (), op, "the device failed in what it was asked for before")
    _tokens(f, op)


def lower_nothing(f: HostFunction, op: Operation) -> None:
    """`gpu.host_register`, `gpu.host_unregister`, `gpu.set_default_device`: the device reaches all buffers already."""


def lower_memref_cast(f: HostFunction, op: memref.CastOp) -> None:
    """`memref.cast`; to an unranked memref it may be for `gpu.host_register`."""
    if isa(op.dest.type, UnrankedMemRefType) and _only_registered(op.dest):
        f.define(op.dest)
        return
    lower_cast(f, op)


def _only_registered(value: SSAValue) -> bool:
    users: Sequence[Operation] = [use.operation for use in value.uses]
    return all(isinstance(user, gpu.HostRegisterOp | gpu.HostUnregisterOp) for user in users)


GPU_RULES: Mapping[type[Operation], Any] = {
    gpu.LaunchFuncOp: lower_launch,
    gpu.AllocOp: lower_alloc,
    gpu.DeallocOp: lower_dealloc,
    gpu.MemcpyOp: lower_memcpy,
    gpu.MemsetOp: lower_memset,
    gpu.WaitOp: lower_wait,
    gpu.HostRegisterOp: lower_nothing,
    gpu.HostUnregisterOp: lower_nothing,
    memref.CastOp: lower_memref_cast,
}
"""Ops of host functions in a program for a device."""
