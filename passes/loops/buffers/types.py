"""The types of buffers."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias, cast

from xdsl.dialects.builtin import IntegerType, MemRefType, NoneAttr, Signedness, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

Tensor: TypeAlias = TensorType[Attribute]
Buffer: TypeAlias = MemRefType[Attribute]


def signless(element: Attribute) -> Attribute:
    """The element type in memory: integers lose their sign (`ui8` is `i8`); ops say how they read them."""
    if isa(element, IntegerType) and element.signedness.data != Signedness.SIGNLESS:
        return IntegerType(element.width.data)
    return element


@lru_cache(1 << 12)
def buffer_type(type_: Attribute) -> Attribute:
    """What a type is once tensors are buffers: a contiguous memref for a tensor, signless scalars."""
    if is_tensor(type_):
        tensor = cast(Tensor, type_)
        return MemRefType(signless(tensor.element_type), tensor.get_shape())
    return signless(type_)


def is_tensor(type_: Attribute) -> bool:
    """True for ranked tensors."""
    return isinstance(type_, TensorType)


def is_static(type_: Attribute) -> bool:
    """True for a tensor or memref whose sizes are all known."""
    return cast(Tensor | Buffer, type_).has_static_shape()


def is_contiguous(type_: Attribute) -> bool:
    """True for a memref in row-major order without gaps, as every tensor's buffer is."""
    return isa(type_, Buffer) and isinstance(type_.layout, NoneAttr)


def memref_of(value: SSAValue) -> Buffer:
    """The type of a value that is known to be a memref."""
    return cast(Buffer, value.type)


def touches_tensors(op: Operation) -> bool:
    """True when an op takes or gives a tensor, its regions aside."""
    return any(is_tensor(value.type) for value in (*op.operands, *op.results))
