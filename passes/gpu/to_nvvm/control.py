"""Branches, calls, returns and assertions of functions of a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects import cf, func
from xdsl.ir import Operation, SSAValue

from weft import codes
from weft.dialects import gpu
from weft.dialects.locations import error_at
from weft.passes.gpu.to_nvvm.function import DeviceFunction, is_kernel
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.control import lower_br, lower_cond_br, lower_switch


def lower_assert(f: DeviceFunction, op: cf.AssertOp) -> None:
    """`cf.assert`: where it fails the thread ends, and the launch fails with the message."""
    f.leave_unless(f.scalar(op.arg), op, op.msg.data)


def lower_return(f: DeviceFunction, op: Operation) -> None:
    """`gpu.return` and `func.return`."""
    values = f.components(op.operands)
    if len(values) <= 1:
        f.e.ret(values[0] if values else None)
        return
    packed = f.e.poison(f.result_type([value.type for value in op.operands], op))
    for place, value in enumerate(values):
        packed = f.e.insert_value(packed, value, place)
    f.e.ret(packed)


def lower_call(f: DeviceFunction, op: func.CallOp) -> None:
    """`func.call` of another function of the `gpu.module`."""
    name = op.callee.string_value()
    callee = f.module.functions.get(name)
    if callee is None or is_kernel(callee):
        what = "is a kernel, which is launched" if callee is not None else "is no function of its 'gpu.module'"
        raise error_at(op, f"@{name} {what}: it cannot be called", code=codes.NO_BODY)
    if not callee.body.blocks:
        raise error_at(op, f"@{name} has no body, and code outside of the program cannot be called", code=codes.NO_BODY)
    arguments = f.components(op.arguments)
    if name in f.module.failing and f.status is not None:
        arguments.append(f.status)
    result = f.e.call(name, arguments, f.result_type(op.result_types, op))
    if result is not None:
        _unpack(f, op, op.results, result)


def _unpack(f: DeviceFunction, op: Operation, results: Sequence[SSAValue], packed: Value) -> None:
    parts = [f.parts(result.type, op) for result in results]
    alone = sum(map(len, parts)) == 1
    place = 0
    for result, types in zip(results, parts, strict=True):
        values = [packed if alone else f.e.extract_value(packed, place + i, type_) for i, type_ in enumerate(types)]
        f.define(result, *values)
        place += len(types)


CONTROL_RULES: Mapping[type[Operation], Any] = {
    cf.BranchOp: lower_br,
    cf.ConditionalBranchOp: lower_cond_br,
    cf.SwitchOp: lower_switch,
    cf.AssertOp: lower_assert,
    func.CallOp: lower_call,
    func.ReturnOp: lower_return,
    gpu.ReturnOp: lower_return,
}
"""Ops that say what runs next."""
