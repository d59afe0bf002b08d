"""How the names of LLVM's overloaded intrinsics spell types."""

from __future__ import annotations

from functools import lru_cache

from xdsl.dialects import llvm
from xdsl.dialects.builtin import NoneAttr, VectorType
from xdsl.ir import Attribute
from xdsl.utils.hints import isa


@lru_cache(None)
def mangle(type_: Attribute) -> str:
    """How an intrinsic's name spells a type: `f32`, `v16f32`, `i64`, `p0`."""
    if isa(type_, VectorType):
        return f"v{type_.get_shape()[0]}{mangle(type_.element_type)}"
    if isinstance(type_, llvm.LLVMPointerType):
        return "p0" if isinstance(type_.addr_space, NoneAttr) else f"p{type_.addr_space.data}"
    return str(type_)
