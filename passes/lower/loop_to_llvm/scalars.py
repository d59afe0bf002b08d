"""The ops of a body that compute: `arith`, `math`, `loop.index`, and the sizes of buffers."""

from __future__ import annotations

from typing import cast

from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import IndexOp
from weft.passes.lower.function_builder import Value, int_attr
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.masks import lane_numbers
from weft.passes.lower.loop_to_llvm.unlikely import is_choice, is_rare, lower_choice
from weft.passes.lower.scalars import emit_scalar


def lower_constant(k: Lowering, op: Operation) -> None:
    """`arith.constant`: emitted where it is used, as wide as it is used."""
    attr = cast(arith.ConstantOp, op).value
    if not isinstance(attr, IntegerAttr | FloatAttr):
        raise error_at(op, f"a kernel computes on scalars; a constant of type {attr} is none", code=codes.CANNOT_LOWER)
    k.set_constant(op.results[0], attr)


def lower_scalar(k: Lowering, op: Operation) -> None:
    """An op of the table of scalar ops: on vectors where an operand depends on the lane."""
    if is_rare(op):
        return
    if is_choice(op):
        lower_choice(k, cast(arith.SelectOp, op))
        return
    vector = any(k.is_vector(operand) for operand in op.operands)
    width = k.lanes.width if vector and k.lanes is not None else None
    operands = [k.value(operand, width) for operand in op.operands]
    if len(op.results) == 1:
        value = k.pure((op, *operands), operands, lambda: _one(k, op, operands), speculate=False)
        k.set_value(op.results[0], value)
        return
    for result, value in zip(op.results, emit_scalar(k.e, op, operands) or (), strict=True):
        k.set_value(result, k.here(value))


def _one(k: Lowering, op: Operation, operands: list[Value]) -> Value:
    if (rule := k.machine.scalars.get(type(op))) is not None:
        return rule(k.e, op, operands)
    results = emit_scalar(k.e, op, operands)
    assert results is not None
    return results[0]


def lower_index(k: Lowering, op: Operation) -> None:
    """`loop.index`: a vector where the form depends on the lane."""
    op = cast(IndexOp, op)
    form = k.form(k.analysis.forms(op)[0])
    number = k.number(form)
    if not form.lane or k.lanes is None:
        if isinstance(number, int):
            k.set_constant(op.result, int_attr(number, 64))
        else:
            k.set_value(op.result, number)
        return
    width = k.lanes.width
    numbers = lane_numbers(k, width, form.lane)
    if number == 0:
        k.set_value(op.result, numbers)
        return
    base = k.splat(k.as_value(number), width)
    k.set_value(op.result, k.plus(base, numbers))


def lower_dim(k: Lowering, op: Operation) -> None:
    """`memref.dim` of an argument: a constant, or the argument that brings the size."""
    op = cast(memref.DimOp, op)
    buffer = k.buffers.get(op.source)
    axis = k.counter(op.index)
    if buffer is None or axis.value is not None or not 0 <= axis.offset < len(buffer.sizes):
        raise error_at(op, "a kernel asks for sizes of its buffers along constant dimensions", code=codes.CANNOT_LOWER)
    size = buffer.sizes[axis.offset]
    if isinstance(size, int):
        k.set_constant(op.result, int_attr(size, 64))
    else:
        k.set_value(op.result, size)
