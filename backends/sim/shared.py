"""Shared memory: the globals of address space 3, each at its place in the memory of a block.

A global has one place, whatever kernel runs, since functions that several kernels call name it too. Globals that no
kernel has both of may lie at the same place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """What lies in the shared memory of blocks: the globals by name, and by kernel the names of those that it has."""

    places: Mapping[str, SharedGlobal]
    named: Mapping[str, tuple[str, ...]]

    def static_bytes(self, kernel: str) -> int:
        """The bytes of a kernel's blocks before dynamic shared memory."""
        own = [self.places[name] for name in self.named[kernel]]
        return max((place.offset + (place.size or 0) for place in own), default=0)


def lay_out(module: Operation, functions: Mapping[str, llvm.FuncOp], kernels: Iterable[str]) -> SharedMemory:
    """Give each shared global of a `gpu.module` its place, in the order of the text; dynamic ones share the end."""
    found = [op for op in module.walk() if isinstance(op, llvm.GlobalOp) and op.addr_space.value.data == SPACE]
    ends = dict.fromkeys(kernels, 0)
    named = {kernel: _named(functions[kernel], functions) for kernel in ends}
    places: dict[str, SharedGlobal] = {}
    for op in (op for op in found if size_of(op.global_type)):
        name, bytes_ = op.sym_name.data, size_of(op.global_type)
        alignment = op.alignment.value.data if op.alignment is not None else _ALIGNMENT
        having = [kernel for kernel in ends if name in named[kernel]]
        begin = _raised(max((ends[kernel] for kernel in having), default=0), max(alignment, _ALIGNMENT))
        places[name] = SharedGlobal(begin, bytes_)
        ends.update(dict.fromkeys(having, begin + bytes_))
    dynamic = [op.sym_name.data for op in found if not size_of(op.global_type)]
    end = max((ends[kernel] for kernel in ends if named[kernel] & set(dynamic)), default=0)
    places.update({name: SharedGlobal(_raised(end, _DYNAMIC_ALIGNMENT), None) for name in dynamic})
    return SharedMemory(places, {kernel: tuple(name for name in places if name in named[kernel]) for kernel in ends})


def _named(kernel: llvm.FuncOp, functions: Mapping[str, llvm.FuncOp]) -> set[str]:
    """The globals and functions that a kernel names, and those that these functions name."""
    found: set[str] = set()
    waiting = [kernel]
    while waiting:
        for op in waiting.pop().walk():
            name = None
            if isinstance(op, llvm.AddressOfOp):
                name = op.global_name.string_value()
            elif isinstance(op, llvm.CallOp) and op.callee is not None:
                name = op.callee.string_value()
            if name is not None and name not in found:
                found.add(name)
                if (function := functions.get(name)) is not None:
                    waiting.append(function)
    return found


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
