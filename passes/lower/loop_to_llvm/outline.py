"""Functions beside the kernel: the bodies of its parallel loops, and what they take from outside."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects import llvm
from xdsl.ir import SSAValue

from weft.dialects.upstream.llvm import PoisonOp
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Externals, Items, Value
from weft.passes.lower.types import bits, lanes

_REMADE = (llvm.ConstantOp, llvm.ZeroOp, PoisonOp)
"""Ops that a function makes again instead of taking their value from another."""


@dataclass
class Outliner:
    """The functions that one kernel becomes besides itself."""

    kernel: str
    externals: Externals
    threads: int
    functions: list[llvm.FuncOp] = field(default_factory=list[llvm.FuncOp])

    def name(self) -> str:
        """The name of the next function."""
        return f"{self.kernel}_parallel_{len(self.functions)}"


def capture(e: Emitter, place: Items, context: Value) -> tuple[list[Value], llvm.LLVMStructType]:
    """Take what a function uses from outside out of the struct behind `context`, at `place` in its entry.

    Returns the values, in the order of the struct's fields, and the struct.
    """
    outside = _outside(e)
    taken = [value for value in outside if not isinstance(value.owner, _REMADE)]
    struct = llvm.LLVMStructType.from_type_list([value.type for value in taken])
    inner: dict[SSAValue, Value] = {}
    with e.at(place):
        for number, value in enumerate(taken):
            inner[value] = e.load(e.field(context, struct, number), value.type, field_alignment(value))
        for value in outside:
            if isinstance(value.owner, _REMADE):
                inner[value] = e.value(type(value.owner), (), value.type, value.owner.properties)
    for op in e.emitted():
        if any(operand in inner for operand in op.operands):
            op.operands = [inner.get(operand, operand) for operand in op.operands]
    return taken, struct


def field_alignment(value: Value) -> int:
    """The alignment of a value in a struct, in bytes."""
    if isinstance(value.type, llvm.LLVMPointerType):
        return 8
    size = max(1, bits(value.type) // 8) * (lanes(value.type) or 1)
    return min(size & -size, 64)


def _outside(e: Emitter) -> list[Value]:
    """The values that the ops of a function use and the function does not make, in the order of first use."""
    ops = e.emitted()
    made: set[SSAValue] = set(e.arguments)
    for op in ops:
        made.update(op.results)
        for block in op.successors:
            made.update(block.args)
    return list(dict.fromkeys(operand for op in ops for operand in op.operands if operand not in made))
