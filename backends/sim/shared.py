"""Shared memory: the globals of address space 3, each at its place in the memory of a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerType, VectorType
from xdsl.ir import Attribute, Operation
from xdsl.utils.hints import isa

SPACE = 3
_ALIGNMENT = 16
_DYNAMIC_ALIGNMENT = 128
"""Dynamic shared memory begins at a multiple of this, as the largest that an instruction wants."""


@dataclass(frozen=True)
class SharedGlobal:
    """A global in shared memory: where it begins, and its bytes; those of dynamic shared memory are not known: None."""

    offset: int
    size: int | None


@dataclass(frozen=True)
class SharedMemory:
    """What lies in the shared memory of a block: the globals by name, and the bytes of those whose size is known."""

    places: Mapping[str, SharedGlobal]
    size: int
    dynamic: bool

    @property
    def dynamic_offset(self) -> int:
        """Where dynamic shared memory begins."""
        return _raised(self.size, _DYNAMIC_ALIGNMENT) if self.dynamic else self.size


def lay_out(module: Operation) -> SharedMemory:
    """Give each shared global of a `gpu.module` its place, in the order of the text; dynamic ones share the end."""
    found = [op for op in module.walk() if isinstance(op, llvm.GlobalOp) and op.addr_space.value.data == SPACE]
    places: dict[str, SharedGlobal] = {}
    size = 0
    dynamic: list[str] = []
    for op in found:
        bytes_ = size_of(op.global_type)
        if not bytes_:
            dynamic.append(op.sym_name.data)
            continue
        alignment = op.alignment.value.data if op.alignment is not None else _ALIGNMENT
        size = _raised(size, max(alignment, _ALIGNMENT))
        places[op.sym_name.data] = SharedGlobal(size, bytes_)
        size += bytes_
    memory = SharedMemory(places, size, bool(dynamic))
    places.update({name: SharedGlobal(memory.dynamic_offset, None) for name in dynamic})
    return memory


def size_of(type_: Attribute) -> int:
    """The bytes of a type in memory."""
    if isinstance(type_, llvm.LLVMArrayType):
        return type_.size.data * size_of(type_.type)
    if isinstance(type_, llvm.LLVMStructType):
        return sum(size_of(part) for part in type_.types)
    if isinstance(type_, llvm.LLVMPointerType):
        return 8
    if isa(type_, VectorType):
        bits = type_.get_shape()[0] * _bits(type_.element_type)
        return (bits + 7) // 8
    return (_bits(type_) + 7) // 8


def _bits(type_: Attribute) -> int:
    if isa(type_, IntegerType):
        return type_.bitwidth
    width = getattr(type_, "bitwidth", None)
    if not isinstance(width, int):
        raise ValueError(f"the size of {type_} is not known")
    return width


def _raised(value: int, to: int) -> int:
    return (value + to - 1) // to * to
