"""Operands of ops that take any number of them go."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from xdsl.dialects.builtin import DenseArrayBase, ModuleOp
from xdsl.ir import Operation
from xdsl.irdl import AttrSizedOperandSegments, IRDLOperation, OptOperandDef, VarOperandDef

from weft.driver.reduction.tree import attached, is_terminator

_SEGMENTS = AttrSizedOperandSegments.attribute_name


def drop_operands(module: ModuleOp) -> list[partial[None]]:
    """`op(%a, %b)` -> `op(%a)`, where the op's definition has optional operands."""
    return [
        partial(_drop, module, op, index)
        for op in module.walk()
        if _is_variadic(op) and not is_terminator(op)
        for index in reversed(range(len(op.operands)))
    ]


def _is_variadic(op: Operation) -> bool:
    if not isinstance(op, IRDLOperation):
        return False
    return any(isinstance(kind, VarOperandDef | OptOperandDef) for _, kind in op.get_irdl_definition().operands)


def _drop(module: ModuleOp, op: Operation, index: int) -> None:
    if not attached(op, module) or index >= len(op.operands):
        return
    for place in (op.properties, op.attributes):
        segments = place.get(_SEGMENTS)
        if isinstance(segments, DenseArrayBase):
            array = cast("DenseArrayBase[Any]", segments)
            place[_SEGMENTS] = DenseArrayBase.from_list(array.elt_type, _one_less(list(array.get_values()), index))
    op.operands = [*op.operands[:index], *op.operands[index + 1 :]]


def _one_less(counts: list[int], index: int) -> list[int]:
    """The counts without the operand of that index."""
    for segment, count in enumerate(counts):
        if index < count:
            counts[segment] -= 1
            break
        index -= count
    return counts
