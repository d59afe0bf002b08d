"""Float `arith` and `math` ops as llvm ops: IEEE, with contraction into fma as the only liberty.

f16 and bf16 are compared, selected and converted here; `expand-narrow-floats` replaced arithmetic in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.dialects import arith, llvm, math
from xdsl.dialects.builtin import IntegerAttr, f32, f64
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Operation
from xdsl.utils.hints import isa

from weft.dialects.loop.hints import is_loose
from weft.dialects.upstream import llvm as ours
from weft.dialects.upstream.arith import RemFOp
from weft.passes.lower.emitter import CONTRACT, STRICT, Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_casts import is_narrow, narrow, widen
from weft.passes.lower.scalar_rule import Rule, intrinsic
from weft.passes.lower.types import element, register_type

_TRUSTED = {FastMathFlag.NO_NANS, FastMathFlag.NO_INFS}
"""Flags that turn a broken promise into poison: never passed on."""


def _flags(op: Operation, base: llvm.FastMathAttr) -> llvm.FastMathAttr:
    """The flags of an op, without those that could make poison, and `base`."""
    own = op.properties.get("fastmath")
    if not isinstance(own, arith.FastMathFlagsAttr) or not own.data:
        return base
    return llvm.FastMathAttr([flag for flag in FastMathFlag if flag in {*own.data, *base.data} - _TRUSTED])


def _plain(kind: type[Operation], base: llvm.FastMathAttr) -> Rule:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        return e.fbinary(kind, operands[0], operands[1], _flags(op, base))

    return rule


def _libm(name: str) -> Rule:
    """A call of libm's `name` (`namef` for f32), lane by lane."""

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        scalar = element(operands[0].type)
        symbol = name + "f" if scalar == f32 else name
        return e.each_lane(lambda lane: e.call_external(symbol, lane, scalar), operands, scalar)

    return rule


def _negf(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    return e.fneg(operands[0])


def _fma(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    return e.fma(*operands)


def _rsqrt(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    (x,) = operands
    return e.fdiv(e.floating(1.0, x.type), e.intrinsic("sqrt", (x,), x.type))


def _cmpf(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    a, b = (widen(e, x) if is_narrow(x.type) else x for x in operands)
    predicate = ours.FCmpOp.NAMES[cast(arith.CmpfOp, op).predicate.value.data]
    return e.fcmp(predicate, a, b)


def _extreme(name: str, predicate: str) -> Rule:
    """The greater or lesser of two floats, by a comparison where the op may take that liberty."""
    exact = intrinsic(name)

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        if not is_loose(op):
            return exact(e, op, operands)
        return e.select(e.fcmp(predicate, *operands), *operands)

    return rule


def _select(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    condition, a, b = operands
    return e.select(condition, a, b)


def _fpowi(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    """A power with an integer exponent, by way of f64; the sign by the exponent's last bit."""
    x, n = operands
    base = e.cast(llvm.FPExtOp, x, f64)
    power = e.intrinsic("pow", (e.intrinsic("fabs", (base,), base.type), e.cast(llvm.SIToFPOp, n, f64)), base.type)
    last = e.icmp("ne", e.and_(n, e.integer(1, n.type)), e.integer(0, n.type))
    signed = e.select(last, e.intrinsic("copysign", (power, base), base.type), power)
    return narrow(e, signed, element(x.type))


def _constant(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    """A scalar `arith.constant`; a lowering that needs it in every lane splats it."""
    attr = cast(arith.ConstantOp, op).value
    type_ = register_type(op.results[0].type)
    if isa(attr, IntegerAttr):
        return e.integer(attr.value.data, type_)
    return e.attribute(attr, type_)


_INTRINSICS: Mapping[type[Operation], str] = {
    arith.MaxnumfOp: "maxnum",
    arith.MinnumfOp: "minnum",
    math.AbsFOp: "fabs",
    math.AcosOp: "acos",
    math.AsinOp: "asin",
    math.AtanOp: "atan",
    math.Atan2Op: "atan2",
    math.CeilOp: "ceil",
    math.CopySignOp: "copysign",
    math.CosOp: "cos",
    math.CoshOp: "cosh",
    math.Exp2Op: "exp2",
    math.ExpOp: "exp",
    math.FloorOp: "floor",
    math.Log10Op: "log10",
    math.Log2Op: "log2",
    math.LogOp: "log",
    math.PowFOp: "pow",
    math.RoundEvenOp: "roundeven",
    math.RoundOp: "round",
    math.SinOp: "sin",
    math.SinhOp: "sinh",
    math.SqrtOp: "sqrt",
    math.TanOp: "tan",
    math.TanhOp: "tanh",
    math.TruncOp: "trunc",
}
"""Ops that LLVM has an intrinsic for; what it does not do inline ends as a call of libm."""

_LIBM: Mapping[type[Operation], str] = {
    RemFOp: "fmod",
    math.AcoshOp: "acosh",
    math.AsinhOp: "asinh",
    math.AtanhOp: "atanh",
    math.CbrtOp: "cbrt",
    math.ErfOp: "erf",
    math.ExpM1Op: "expm1",
    math.Log1pOp: "log1p",
}

FLOAT_RULES: Mapping[type[Operation], Rule] = {
    arith.ConstantOp: _constant,
    arith.SelectOp: _select,
    arith.AddfOp: _plain(llvm.FAddOp, CONTRACT),
    arith.SubfOp: _plain(llvm.FSubOp, CONTRACT),
    arith.MulfOp: _plain(llvm.FMulOp, CONTRACT),
    arith.DivfOp: _plain(llvm.FDivOp, STRICT),
    RemFOp: _libm("fmod"),
    arith.NegfOp: _negf,
    arith.CmpfOp: _cmpf,
    math.FmaOp: _fma,
    math.RsqrtOp: _rsqrt,
    math.FPowIOp: _fpowi,
    arith.MaximumfOp: _extreme("maximum", "ogt"),
    arith.MinimumfOp: _extreme("minimum", "olt"),
    **{kind: intrinsic(name) for kind, name in _INTRINSICS.items()},
    **{kind: _libm(name) for kind, name in _LIBM.items()},
}
"""Float ops, constants and selection."""
