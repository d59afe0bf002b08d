"""Conversions of `arith` as llvm ops, and those between narrow floats and wide ones.

Float to integer saturates, and NaN gives 0. Every conversion to a float rounds once, to nearest, ties to even.
bf16 is converted by integer ops: LLVM's own way is a library call, or an instruction that flushes denormals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import arith, llvm
from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float64Type, bf16, f16, f32, f64, i1
from xdsl.ir import Attribute, Operation

from weft.dialects.upstream import llvm as ours
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_rule import Rule, conversion
from weft.passes.lower.types import bits, element, integer_type, like, register_type

_I16, _I32, _I64 = integer_type(16), integer_type(32), integer_type(64)
_BF16_SHIFT = 16
_F64_DIGITS = 53


def is_narrow(type_: Attribute) -> bool:
    """Whether a type, or its lanes, is a float that no arithmetic is done in: f16 or bf16."""
    return isinstance(element(type_), BFloat16Type | Float16Type)


def widen(e: Emitter, x: Value, target: Attribute = f32) -> Value:
    """A float in a wider float type, exactly."""
    if element(x.type) == bf16:
        half = e.cast(llvm.ZExtOp, e.cast(llvm.BitcastOp, x, _I16), _I32)
        x = e.cast(llvm.BitcastOp, e.shl(half, e.integer(_BF16_SHIFT, half.type)), f32)
    return e.cast(llvm.FPExtOp, x, target)


def narrow(e: Emitter, x: Value, target: Attribute) -> Value:
    """A float in a narrower float type, rounded once."""
    if isinstance(element(x.type), Float64Type) and target in (f16, bf16):
        x = _to_odd(e, x)
    return _to_bf16(e, x) if target == bf16 else e.cast(llvm.FPTruncOp, x, target)


def _to_bf16(e: Emitter, x: Value) -> Value:
    """f32 to bf16: add half of the last place kept (less one bit for ties to even), and drop the low half."""
    raw = e.cast(llvm.BitcastOp, x, _I32)
    shift = e.integer(_BF16_SHIFT, raw.type)
    high = e.lshr(raw, shift)
    even = e.and_(high, e.integer(1, raw.type))
    rounded = e.lshr(e.add(raw, e.add(even, e.integer(0x7FFF, raw.type))), shift)
    quiet = e.or_(high, e.integer(0x40, raw.type))
    kept = e.select(e.fcmp("uno", x, x), quiet, rounded)
    return e.cast(llvm.BitcastOp, e.cast(llvm.TruncOp, kept, _I16), bf16)


def _to_odd(e: Emitter, x: Value) -> Value:
    """f64 to f32, rounded to odd: rounding the result again to a narrower type is as rounding once."""
    near = e.cast(llvm.FPTruncOp, x, f32)
    back = e.cast(llvm.FPExtOp, near, f64)
    raw = e.cast(llvm.BitcastOp, near, _I32)
    one, zero = e.integer(1, raw.type), e.integer(0, raw.type)
    even = e.icmp("eq", e.and_(raw, one), zero)
    inexact = e.fcmp("one", back, x)
    too_far = e.fcmp("ogt", e.intrinsic("fabs", (back,), x.type), e.intrinsic("fabs", (x,), x.type))
    moved = e.select(too_far, e.sub(raw, one), e.add(raw, one))
    return e.cast(llvm.BitcastOp, e.select(e.and_(even, inexact), moved, raw), f32)


def _to_float(kind: type[Operation], signed: bool) -> Rule:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        (x,) = operands
        target = register_type(element(op.results[0].type))
        if not is_narrow(target):
            return e.cast(kind, x, target)
        if bits(x.type) > 32:
            x = _sticky(e, x, signed)
        exact = f32 if bits(x.type) <= 16 else f64
        return narrow(e, e.cast(kind, x, exact), target)

    return rule


def _sticky(e: Emitter, x: Value, signed: bool) -> Value:
    """A 64-bit integer that f64 holds exactly and that rounds to a narrow float as `x` does.

    From 2**53 on the low eleven bits go, and the last bit kept remembers whether any was set.
    """
    low = (1 << (64 - _F64_DIGITS)) - 1
    zero = e.integer(0, x.type)
    lost = e.icmp("ne", e.and_(x, e.integer(low, x.type)), zero)
    kept = e.or_(e.and_(x, e.integer(~low, x.type)), e.select(lost, e.integer(low + 1, x.type), zero))
    size = e.intrinsic("abs", (x, e.integer(0, i1)), x.type) if signed else x
    return e.select(e.icmp("ult", size, e.integer(1 << _F64_DIGITS, x.type)), x, kept)


def _to_integer(name: str) -> Rule:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        x = widen(e, operands[0]) if is_narrow(operands[0].type) else operands[0]
        result = like(x.type, register_type(element(op.results[0].type)))
        return e.intrinsic(name, (x,), result, (result, x.type))

    return rule


def _index_cast(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    (x,) = operands
    target = register_type(element(op.results[0].type))
    wider = bits(target) > bits(x.type)
    return e.cast(llvm.SExtOp if wider else llvm.TruncOp, x, target)


def _extf(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    return widen(e, operands[0], register_type(element(op.results[0].type)))


def _truncf(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    return narrow(e, operands[0], register_type(element(op.results[0].type)))


CAST_RULES: Mapping[type[Operation], Rule] = {
    arith.SIToFPOp: _to_float(llvm.SIToFPOp, signed=True),
    arith.UIToFPOp: _to_float(ours.UIToFPOp, signed=False),
    arith.FPToSIOp: _to_integer("fptosi.sat"),
    arith.FPToUIOp: _to_integer("fptoui.sat"),
    arith.ExtFOp: _extf,
    arith.TruncFOp: _truncf,
    arith.TruncIOp: conversion(llvm.TruncOp),
    arith.ExtSIOp: conversion(llvm.SExtOp),
    arith.ExtUIOp: conversion(llvm.ZExtOp),
    arith.BitcastOp: conversion(llvm.BitcastOp),
    arith.IndexCastOp: _index_cast,
}
"""Conversions."""
