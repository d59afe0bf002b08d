"""Memory spaces of a GPU as pointer types of the llvm dialect."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import IntAttr, MemRefType, NoneAttr
from xdsl.ir import Attribute, Operation
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.gpu import space_of
from weft.dialects.locations import error_at
from weft.passes.lower.types import PTR

GLOBAL_SPACE, SHARED_SPACE = 1, 3
GLOBAL = llvm.LLVMPointerType(IntAttr(GLOBAL_SPACE))
SHARED = llvm.LLVMPointerType(IntAttr(SHARED_SPACE))

SPACES = {"workgroup": SHARED, "private": PTR}
"""The pointers of the spaces that hold no memory of the whole device. A thread's own memory is its stack."""


def default_pointer(ops: Iterable[Operation]) -> llvm.LLVMPointerType:
    """How buffers without a memory space are pointed to by all functions of a `gpu.module`, given its ops.

    Their memory is the device's, unless one of them is a thread's own (`memref.alloca`) or was cast from another space:
    then their pointers are generic, and the machine finds the space by the address.
    """
    for op in ops:
        if isinstance(op, memref.AllocaOp | memref.MemorySpaceCastOp) and _space(op.results[0].type, op) == "global":
            return PTR
    return GLOBAL


def pointer_type(type_: MemRefType, default: llvm.LLVMPointerType, op: Operation) -> llvm.LLVMPointerType:
    """The pointer to a buffer. Raises :class:`WeftError` at `op` for a space that a GPU does not have."""
    space = _space(type_, op)
    if space != "global":
        return SPACES[space]
    return default if isinstance(type_.memory_space, NoneAttr) else GLOBAL


def _space(type_: Attribute, op: Operation) -> str:
    try:
        return space_of(type_)
    except ValueError as error:
        raise error_at(op, f"{error} ({type_})", code=codes.UNSUPPORTED_TYPE) from None


def is_shared(type_: Attribute, op: Operation) -> bool:
    """Whether a buffer is shared by the threads of a block."""
    return isa(type_, MemRefType) and _space(type_, op) == "workgroup"
