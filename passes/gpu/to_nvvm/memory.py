"""Memory in kernels: the `memref` ops that a function of a device lowers otherwise than one of the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, UnitAttr, i64
from xdsl.ir import Operation, SSAValue

from weft import codes
from weft.dialects import gpu
from weft.dialects.locations import error_at
from weft.passes.gpu.to_nvvm.function import DeviceFunction
from weft.passes.gpu.to_nvvm.instructions import special_register
from weft.passes.gpu.to_nvvm.multiples import BASE
from weft.passes.gpu.to_nvvm.spaces import GLOBAL, GLOBAL_SPACE, SHARED, SHARED_SPACE, is_shared
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.memory import contiguous, copy_elements, lower_load, lower_store, plain_type
from weft.passes.lower.host.views import VIEW_RULES
from weft.passes.lower.types import byte_size, memory_type

DYNAMIC = "__dynamic_shared_memory"
"""The variable that stands for the memory of a block whose size a launch says."""


def array_of(type_: MemRefType, op: Operation) -> llvm.LLVMArrayType:
    """What a buffer of known sizes takes in memory. Raises :class:`WeftError` for one whose size is not known."""
    count = 1
    for size in plain_type(type_, op).get_shape():
        if size == DYNAMIC_INDEX:
            raise error_at(
                op, f"the size of a {type_} should be known where the kernel is compiled", code=codes.UNKNOWN_SIZE
            )
        count *= size
    return llvm.LLVMArrayType(count, memory_type(type_.element_type))


def _static(f: DeviceFunction, result: SSAValue, pointer: Value, op: Operation) -> None:
    """Say that a memref of known sizes is the memory at `pointer`."""
    type_ = cast(MemRefType, result.type)
    sizes = [f.e.integer(size) for size in type_.get_shape()]
    f.define_buffer(result, contiguous(f, type_, pointer, pointer, sizes), op)


def shared_buffer(f: DeviceFunction, result: SSAValue, op: Operation, name: str) -> None:
    """A buffer in the memory of the block."""
    type_ = cast(MemRefType, result.type)
    name = f.module.shared_memory(name, array_of(type_, op), max(BASE, byte_size(type_.element_type)), op)
    _static(f, result, f.e.address_of(name, SHARED), op)


def private_buffer(f: DeviceFunction, result: SSAValue, op: Operation) -> None:
    """A buffer of the thread."""
    array = array_of(cast(MemRefType, result.type), op)
    _static(f, result, f.e.alloca(array.size.data, array.type, BASE), op)


def lower_alloca(f: DeviceFunction, op: memref.AllocaOp) -> None:
    """`memref.alloca`: memory of the thread, or of the block if its type says so."""
    if is_shared(op.memref.type, op):
        shared_buffer(f, op.memref, op, f"{f.name}_shared")
    else:
        private_buffer(f, op.memref, op)


def lower_get_global(f: DeviceFunction, op: memref.GetGlobalOp) -> None:
    """`memref.get_global`."""
    name = op.name_.string_value()
    space = SHARED if is_shared(op.memref.type, op) else GLOBAL
    _static(f, op.memref, f.e.address_of(name, space), op)


def lower_copy(f: DeviceFunction, op: memref.CopyOp) -> None:
    """`memref.copy`: element by element, all by the one thread."""
    copy_elements(f, f.buffer(op.source, op), f.buffer(op.destination, op), [])


def lower_space_cast(f: DeviceFunction, op: memref.MemorySpaceCastOp) -> None:
    """`memref.memory_space_cast`."""
    f.define_buffer(op.dest, f.buffer(op.source, op), op)


def lower_dynamic_memory(f: DeviceFunction, op: gpu.DynamicSharedMemoryOp) -> None:
    """`gpu.dynamic_shared_memory`: as many bytes as the launch says."""
    e, type_ = f.e, cast(MemRefType, op.results[0].type)
    if DYNAMIC not in f.module.globals:
        made = llvm.GlobalOp(
            llvm.LLVMArrayType(0, memory_type(type_.element_type)),
            DYNAMIC,
            "external",
            addr_space=SHARED_SPACE,
            alignment=BASE,
        )
        made.location = op.location
        f.module.globals[DYNAMIC] = made
    pointer = e.address_of(DYNAMIC, SHARED)
    size = e.cast(llvm.ZExtOp, special_register(e, "dynamic_smem_size"), i64)
    f.define_buffer(op.results[0], contiguous(f, type_, pointer, pointer, [size]), op)


def lower_dealloc(f: DeviceFunction, op: Operation) -> None:
    """`memref.dealloc`, and `memref.alloc`: a kernel has no heap. Raises :class:`WeftError`."""
    raise error_at(
        op,
        f"'{op.name}' cannot stand in a kernel",
        "allocate in the host function, or use 'memref.alloca', or a buffer in #gpu.address_space<workgroup>",
        code=codes.CANNOT_LOWER,
    )


def global_of(op: memref.GlobalOp) -> llvm.GlobalOp:
    """A global of a `gpu.module`: of the device, or of each block if its type says so.

    Raises :class:`WeftError` for memory of a block that has a value, which nobody would put there.
    """
    type_ = op.type
    shared = is_shared(type_, op)
    value = op.initial_value
    has_value = not isinstance(value, UnitAttr)
    if shared and has_value:
        raise error_at(op, "memory of a block cannot have an initial value", code=codes.CANNOT_LOWER)
    alignment = op.alignment.value.data if op.alignment is not None else 1
    made = llvm.GlobalOp(
        array_of(type_, op),
        op.sym_name,
        "internal",
        addr_space=SHARED_SPACE if shared else GLOBAL_SPACE,
        constant=op.constant is not None and not shared,
        value=value if has_value else None,
        alignment=max(BASE, alignment),
    )
    made.location = op.location
    return made


MEMORY_RULES: Mapping[type[Operation], Any] = {
    **VIEW_RULES,
    memref.LoadOp: lower_load,
    memref.StoreOp: lower_store,
    memref.AllocaOp: lower_alloca,
    memref.AllocOp: lower_dealloc,
    memref.DeallocOp: lower_dealloc,
    memref.GetGlobalOp: lower_get_global,
    memref.CopyOp: lower_copy,
    memref.MemorySpaceCastOp: lower_space_cast,
    gpu.DynamicSharedMemoryOp: lower_dynamic_memory,
}
"""Ops on memory."""
