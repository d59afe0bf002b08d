"""What the types of the upper dialects are in the llvm dialect: in registers and in memory."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    AnyFloat,
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    VectorType,
    i1,
    i64,
)
from xdsl.ir import Attribute

PTR = llvm.LLVMPointerType()
VOID = llvm.LLVMVoidType()


@lru_cache(None)
def integer_type(width: int) -> IntegerType:
    """The signless integer of that width, one object a width."""
    return {1: i1, 64: i64}.get(width) or IntegerType(width)


_FLOATS = frozenset((BFloat16Type, Float16Type, Float32Type, Float64Type))
_KEPT = frozenset((*_FLOATS, llvm.LLVMPointerType))


def register_type(type_: Attribute) -> Attribute:
    """The llvm type of a scalar: `index` is i64, integers lose their sign.

    Raises ValueError for what has no register (tensors, memrefs, complex numbers).
    """
    if type(type_) in _KEPT:
        return type_
    if type(type_) is IndexType:
        return i64
    if type(type_) is IntegerType:
        return integer_type(type_.bitwidth)
    raise ValueError(f"a value of type {type_} cannot be held in a register")


def memory_type(type_: Attribute) -> Attribute:
    """The llvm type of a buffer's element: as :func:`register_type`, but an i1 takes a byte."""
    scalar = register_type(type_)
    return integer_type(8) if scalar is i1 else scalar


def byte_size(type_: Attribute) -> int:
    """How many bytes an element takes in a buffer."""
    scalar = memory_type(type_)
    if type(scalar) is llvm.LLVMPointerType:
        return 8
    return cast("IntegerType | AnyFloat", scalar).bitwidth // 8


@lru_cache(None)
def vector_type(scalar: Attribute, width: int) -> VectorType[Attribute]:
    """The vector of so many lanes, one object a type."""
    return VectorType(scalar, [width])


def lanes(type_: Attribute) -> int | None:
    """How many lanes a vector has; None for a scalar."""
    return type_.get_shape()[0] if type(type_) is VectorType else None


def element(type_: Attribute) -> Attribute:
    """The type of a lane, or the scalar type itself."""
    return type_.element_type if type(type_) is VectorType else type_


def like(type_: Attribute, scalar: Attribute) -> Attribute:
    """`scalar`, as wide as `type_` is: a vector for a vector."""
    width = lanes(type_)
    return scalar if width is None else vector_type(scalar, width)


def bits(type_: Attribute) -> int:
    """The width in bits of an integer or float, or of a lane of a vector of them."""
    return cast("IntegerType | AnyFloat", element(type_)).bitwidth


def is_float(type_: Attribute) -> bool:
    """Whether a scalar, or a lane of a vector, is a float."""
    return type(element(type_)) in _FLOATS
