"""What a rule of the scalar table is, and the two makers of rules that its parts share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.ir import Operation

from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.types import element, register_type

Rule: TypeAlias = Callable[[Emitter, Operation, Sequence[Value]], Value]
"""From an emitter, a source op and its operands (llvm values, all scalar or all vectors) to its result."""


def intrinsic(name: str) -> Rule:
    """The LLVM intrinsic of that name, on operands and a result of one type."""

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        return e.intrinsic(name, operands, operands[0].type)

    return rule


def conversion(kind: type[Operation]) -> Rule:
    """The llvm cast of that kind, to the scalar type of the source op's result."""

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        return e.cast(kind, operands[0], register_type(element(op.results[0].type)))

    return rule
