"""Calls of the functions that a `gpu.module` holds because its kernels need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xdsl.dialects import arith, llvm, math
from xdsl.dialects.builtin import f64, i32, i64
from xdsl.ir import Operation

from weft.dialects.upstream.arith import RemFOp
from weft.passes.gpu.device_functions import FUNCTIONS, name_of
from weft.passes.gpu.to_nvvm.function import DeviceModule
from weft.passes.gpu.to_nvvm.instructions import power_of_two
from weft.passes.gpu.to_nvvm.remainder import remainder_function, remainder_name
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_integers import constant_value
from weft.passes.lower.scalar_rule import Rule
from weft.passes.lower.scalars import SCALAR_RULES
from weft.passes.lower.types import bits, element

_WORD = 32


def scalar_rules(module: DeviceModule) -> Mapping[type[Operation], Rule]:
    """The scalar ops that a device has rules of its own for: calls, lane by lane, of functions that `module` notes."""
    functions = {kind: _called(module, kind) for kind in FUNCTIONS}
    return {
        **functions,
        RemFOp: _remainder(module),
        math.FPowIOp: _integer_power(module),
        math.Exp2Op: _power_of_two,
        arith.ShLIOp: _shift(llvm.ShlOp),
        arith.ShRUIOp: _shift(llvm.LShrOp),
    }


def _power_of_two(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    """`math.exp2` of a small f32: what `expand-math` leaves of exp."""
    return e.each_lane(lambda lane: power_of_two(e, lane[0]), operands, element(operands[0].type))


def _shift(kind: type[Operation]) -> Rule:
    """A shift that gives 0 for an amount of the width or more.

    LLVM takes a choice between a shift and 0 for the machine's own shift, and drops the upper half of an amount of 64
    bits on the way: 2**32 would shift by 0. So the upper half is looked at apart.
    """

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        plain = SCALAR_RULES[type(op)]
        a, amount = operands
        if bits(a.type) <= _WORD or constant_value(amount) is not None:
            return plain(e, op, operands)
        low = e.cast(llvm.TruncOp, amount, i32)
        upper = e.cast(llvm.TruncOp, e.lshr(amount, e.integer(_WORD, amount.type)), i32)
        small = e.icmp("eq", upper, e.integer(0, upper.type))
        least = e.select(small, low, e.integer(bits(a.type), low.type))
        inside = e.icmp("ult", least, e.integer(bits(a.type), low.type))
        shifted = e.binary(kind, a, e.cast(llvm.ZExtOp, least, i64))
        return e.select(inside, shifted, e.integer(0, a.type))

    return rule


def _call_wide(e: Emitter, name: str, operands: Sequence[Value]) -> Value:
    """The result of a function of f64 on operands of f32 or f64, in their type."""
    type_ = operands[0].type
    made = cast(Value, e.call(name, [e.cast(llvm.FPExtOp, operand, f64) for operand in operands], f64))
    return e.cast(llvm.FPTruncOp, made, type_)


def _called(module: DeviceModule, kind: type[Operation]) -> Rule:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        module.needed[kind] = None
        call: Callable[[Sequence[Value]], Value] = lambda lane: _call_wide(e, name_of(kind), lane)  # noqa: E731
        return e.each_lane(call, operands, element(operands[0].type))

    return rule


def _integer_power(module: DeviceModule) -> Rule:
    """`math.fpowi`: the exponent as a float."""

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        base, exponent = operands
        module.needed[math.PowFOp] = None

        def call(lane: Sequence[Value]) -> Value:
            wide = e.cast(llvm.FPExtOp, lane[0], f64)
            made = cast(Value, e.call(name_of(math.PowFOp), (wide, e.cast(llvm.SIToFPOp, lane[1], f64)), f64))
            return e.cast(llvm.FPTruncOp, made, lane[0].type)

        return e.each_lane(call, (base, exponent), element(base.type))

    return rule


def _remainder(module: DeviceModule) -> Rule:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        type_ = element(operands[0].type)
        name = remainder_name(type_)
        if name not in module.library:
            module.library[name] = remainder_function(type_, e.location)
        return e.each_lane(lambda lane: cast(Value, e.call(name, lane, type_)), operands, type_)

    return rule
