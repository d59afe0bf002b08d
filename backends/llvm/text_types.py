"""Types of the llvm dialect as LLVM spells them."""

from __future__ import annotations

from functools import lru_cache

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    NoneAttr,
    VectorType,
)
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

_NAMES: dict[type[Attribute], str] = {
    BFloat16Type: "bfloat",
    Float16Type: "half",
    Float32Type: "float",
    Float64Type: "double",
    llvm.LLVMVoidType: "void",
}


@lru_cache(None)
def type_text(type_: Attribute) -> str:
    """The LLVM spelling of a type. Raises ValueError for a type that LLVM does not have."""
    if (name := _NAMES.get(type(type_))) is not None:
        return name
    if isa(type_, IntegerType):
        return f"i{type_.bitwidth}"
    if isinstance(type_, llvm.LLVMPointerType):
        space = type_.addr_space
        return "ptr" if isinstance(space, NoneAttr) or not space.data else f"ptr addrspace({space.data})"
    if isa(type_, VectorType) and type_.get_num_dims() == 1:
        return f"<{type_.get_shape()[0]} x {type_text(type_.element_type)}>"
    if isinstance(type_, llvm.LLVMArrayType):
        return f"[{type_.size.data} x {type_text(type_.type)}]"
    if isinstance(type_, llvm.LLVMStructType):
        return "{ " + ", ".join(map(type_text, type_.types)) + " }" if type_.types.data else "{}"
    if isinstance(type_, llvm.LLVMFunctionType):
        inputs = [*map(type_text, type_.inputs), *(["..."] if type_.is_variadic else [])]
        return f"{type_text(type_.output)} ({', '.join(inputs)})"
    raise ValueError(f"LLVM has no type {type_}")
