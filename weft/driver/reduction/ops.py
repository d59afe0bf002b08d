"""Ops go: where their results are unused, or something simpler stands for the results."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyFloat,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    TensorType,
)
from xdsl.ir import Attribute, Operation, SSAValue

from weft.dialects import ml
from weft.driver.reduction.remap import zeros
from weft.driver.reduction.signature import add_argument, function_around, has_callers
from weft.driver.reduction.tree import attached, element_of, erase, inner_ops, replace_results, shape_of, used, visible


def erase_unused(module: ModuleOp) -> list[partial[None]]:
    """`%0 = op ...`, unused -> nothing."""
    return [partial(_erase_unused, module, op) for op in inner_ops(module)]


def _erase_unused(module: ModuleOp, op: Operation) -> None:
    if attached(op, module) and not used(op):
        erase(op)


def forward(module: ModuleOp) -> list[partial[None]]:
    """`op(%0)` -> `%0`: an operand, or else the nearest value of the type, stands for every result."""
    return [
        partial(_forward, module, op, choice)
        for op in inner_ops(module)
        if used(op)
        for choice in range(max(_choices(op), 1))
    ]


def _choices(op: Operation) -> int:
    return len({value for value in op.operands if value.type == op.results[0].type})


def _forward(module: ModuleOp, op: Operation, choice: int) -> None:
    if not attached(op, module) or not used(op):
        return
    values = [_substitute(op, result.type, choice) for result in op.results]
    found = [value for value in values if value is not None]
    if len(found) == len(values):
        replace_results(op, found)


def _substitute(op: Operation, type_: Attribute, choice: int) -> SSAValue | None:
    operands = [value for value in dict.fromkeys(op.operands) if value.type == type_]
    return operands[choice % len(operands)] if operands else next((v for v in visible(op) if v.type == type_), None)


def argue(module: ModuleOp) -> list[partial[None]]:
    """`%0 = op ...` -> a new argument of the function around it, where nothing calls that."""
    return [partial(_argue, module, op) for op in inner_ops(module) if used(op)]


def _argue(module: ModuleOp, op: Operation) -> None:
    if not attached(op, module) or not used(op):
        return
    function = function_around(op)
    if function is not None and not has_callers(module, function):
        values = [
            add_argument(function, result.type, result.name_hint) if result.first_use is not None else result
            for result in op.results
        ]
        replace_results(op, values)


def make_constant(module: ModuleOp) -> list[partial[None]]:
    """`%0 = op ...` -> zeros, where its results have types with constants."""
    return [partial(_make_constant, module, op) for op in inner_ops(module) if used(op) and op.operands]


def _make_constant(module: ModuleOp, op: Operation) -> None:
    if not attached(op, module) or not used(op):
        return
    zeros = [_zero(result.type) for result in op.results]
    found = [zero for zero in zeros if zero is not None]
    if len(found) == len(zeros) and op.parent is not None:
        op.parent.insert_ops_before(found, op)
        replace_results(op, [zero.results[0] for zero in found])


def _zero(type_: Attribute) -> Operation | None:
    if isinstance(type_, IntegerType | IndexType):
        return arith.ConstantOp(IntegerAttr(0, cast(Any, type_)))
    if isinstance(type_, AnyFloat):
        return arith.ConstantOp(FloatAttr(0.0, type_))
    shape = shape_of(type_)
    if shape is None or DYNAMIC_INDEX in shape or isinstance(type_, MemRefType):
        return None
    if not isinstance(element_of(type_), IntegerType | IndexType | AnyFloat):
        return None
    value = zeros(type_)
    return ml.ConstantOp(value) if isinstance(value.type, TensorType) else arith.ConstantOp(value)
