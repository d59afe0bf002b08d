"""MLIR's strided memref descriptors in memory: of one buffer, and of the results of a function."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import MemRefType, i64
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from weft.passes.lower.types import PTR, memory_type


def descriptor_type(rank: int) -> llvm.LLVMStructType:
    """`{allocated, aligned, offset, sizes[rank], strides[rank]}`."""
    numbers: list[Attribute] = [llvm.LLVMArrayType(rank, i64)] * 2 if rank else []
    return llvm.LLVMStructType.from_type_list([PTR, PTR, i64, *numbers])


def results_type(types: Sequence[Attribute]) -> llvm.LLVMStructType:
    """What the caller of an entry has room for: the returned values in order, descriptors for memrefs."""
    fields = [descriptor_type(len(t.get_shape())) if isa(t, MemRefType) else memory_type(t) for t in types]
    return llvm.LLVMStructType.from_type_list(fields)
