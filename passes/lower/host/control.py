"""Branches, calls, returns and assertions of host functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects import cf, func, llvm
from xdsl.dialects.builtin import MemRefType, UnrealizedConversionCastOp, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.upstream import llvm as ours
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.buffers import layout_of
from weft.passes.lower.host.function import HostFunction, body_name, result_struct, takes_memory
from weft.passes.lower.host.lowered import LoweredFunction
from weft.passes.lower.types import VOID


def lower_br(f: LoweredFunction, op: cf.BranchOp) -> None:
    """`cf.br`."""
    f.e.br(f.blocks[op.successor], f.components(op.arguments))


def lower_cond_br(f: LoweredFunction, op: cf.ConditionalBranchOp) -> None:
    """`cf.cond_br`."""
    then, otherwise = f.blocks[op.then_block], f.blocks[op.else_block]
    arguments = f.components(op.then_arguments), f.components(op.else_arguments)
    f.e.cond_br(f.scalar(op.cond), then, otherwise, *arguments)


def lower_switch(f: LoweredFunction, op: cf.SwitchOp) -> None:
    """`cf.switch`."""
    values = op.case_values.get_values() if op.case_values is not None else ()
    cases: list[tuple[int, Block, Sequence[SSAValue]]] = [
        (int(value), f.blocks[block], f.components(operands))
        for value, block, operands in zip(values, op.case_blocks, op.case_operand, strict=True)
    ]
    default = (f.blocks[op.default_block], f.components(op.default_operands))
    f.e.add_op(ours.SwitchOp(f.scalar(op.flag), default, cases))


def lower_assert(f: HostFunction, op: cf.AssertOp) -> None:
    """`cf.assert`: the function is left with the status of the message."""
    f.check(f.scalar(op.arg), op, op.msg.data)


def lower_return(f: HostFunction, op: func.ReturnOp) -> None:
    """`func.return`."""
    f.ret(f.components(op.arguments))


def lower_call(f: HostFunction, op: func.CallOp) -> None:
    """`func.call` of another host function, whose failure is passed on."""
    name = op.callee.string_value()
    callee = f.shared.functions.get(name)
    if callee is None or not callee.body.blocks:
        raise error_at(op, f"@{name} has no body, and code outside of the program cannot be called", code=codes.NO_BODY)
    type_ = result_struct(op.result_types, op)
    arguments = f.components(op.arguments) + ([f.e.null()] if takes_memory(callee, f.shared.memory) else [])
    packed = f.e.call(body_name(name), arguments, type_)
    if packed is None:
        raise ValueError("a host function returns its status")
    e = f.e
    status = e.extract_value(packed, 0, i64)
    f.leave_unless(e.icmp("eq", status, e.integer(0)), status)
    place = 1
    for result in op.results:
        count = len(f.parts(result.type, op))
        parts = [e.extract_value(packed, place + i, t) for i, t in enumerate(f.parts(result.type, op))]
        f.define(result, *parts)
        place += count


def kernel_arguments(f: HostFunction, argument: SSAValue, op: Operation) -> list[Value]:
    """What a kernel takes for one argument: for a memref, the address of its first element, its dynamic sizes and its
    dynamic strides."""
    if not isa(argument.type, MemRefType):
        return [f.scalar(argument)]
    layout = layout_of(argument.type, op)
    buffer = f.buffer(argument, op)
    parts = [buffer.start(f.e)]
    parts += [value for value, known in zip(buffer.sizes, layout.sizes, strict=True) if known is None]
    strides = zip(buffer.strides, layout.strides or (), strict=layout.strides is not None)
    return parts + [value for value, known in strides if known is None]


def lower_cast(f: HostFunction, op: UnrealizedConversionCastOp) -> None:
    """What a kernel takes for one argument (see :func:`kernel_arguments`)."""
    (argument,) = op.inputs
    for result, part in zip(op.outputs, kernel_arguments(f, argument, op), strict=True):
        f.define(result, part)


def lower_kernel_call(f: HostFunction, op: llvm.CallOp) -> None:
    """`llvm.call`: of a kernel, which cannot fail."""
    if op.callee is None or op.callee.string_value() not in f.shared.kernels:
        raise error_at(op, "a host function calls other functions by 'func.call'", code=codes.CANNOT_LOWER)
    f.e.call(op.callee.string_value(), f.scalars(op.args), VOID)


CONTROL_RULES: Mapping[type[Operation], Any] = {
    cf.BranchOp: lower_br,
    cf.ConditionalBranchOp: lower_cond_br,
    cf.SwitchOp: lower_switch,
    cf.AssertOp: lower_assert,
    func.ReturnOp: lower_return,
    func.CallOp: lower_call,
    llvm.CallOp: lower_kernel_call,
    UnrealizedConversionCastOp: lower_cast,
}
"""Ops that say what runs next."""
