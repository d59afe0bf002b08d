"""Intrinsics that one thread computes by itself. Approximations are computed better than they promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import Float32Type, Float64Type, FloatAttr, i32
from xdsl.ir import SSAValue

from weft.backends.sim.emit import Emitter
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, intrinsic
from weft.dialects.upstream import llvm as ours
from weft.dialects.upstream.intrinsics import mangle


def _standard(name: str) -> Callable[[Emitter, Call], Sequence[SSAValue]]:
    """LLVM's own function of that name."""

    def write(emit: Emitter, call: Call) -> Sequence[SSAValue]:
        return [standard(emit, name, call.operands)]

    return write


def standard(emit: Emitter, name: str, operands: Sequence[SSAValue]) -> SSAValue:
    """LLVM's own function of that name."""
    type_ = operands[0].type
    return emit.value(llvm.CallIntrinsicOp(f"llvm.{name}.{mangle(type_)}", list(operands), [type_]))


def _reciprocal(emit: Emitter, value: SSAValue) -> SSAValue:
    type_ = value.type
    assert isinstance(type_, (Float32Type, Float64Type))
    one = emit.value(llvm.ConstantOp(FloatAttr(1.0, type_), type_))
    return emit.value(llvm.FDivOp(one, value))


def _rcp(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return [_reciprocal(emit, call.operands[0])]


def _rsqrt(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return [_reciprocal(emit, standard(emit, "sqrt", call.operands))]


def _div(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return [emit.value(llvm.FDivOp(call.operands[0], call.operands[1]))]


def _tf32(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """The nearest number with 10 bits behind the point, ties away from zero, as bits; NaN is 0x7FFFFFFF."""
    (value,) = call.operands
    bits = emit.value(llvm.BitcastOp(value, i32))
    raised = emit.value(llvm.AddOp(bits, emit.number(0x1000)))
    rounded = emit.value(llvm.AndOp(raised, emit.number(-0x2000)))
    no_number = emit.value(ours.FCmpOp("uno", value, value))
    return [emit.value(ours.SelectOp(no_number, emit.number(0x7FFFFFFF), rounded))]


_KIND = r"(\.(approx|full|r[nzmp]))?(\.ftz)?\.(f|d|f32|f64)"

ARITHMETIC: tuple[IntrinsicMeaning, ...] = (
    intrinsic(rf"ex2{_KIND}", _standard("exp2")),
    intrinsic(rf"lg2{_KIND}", _standard("log2")),
    intrinsic(rf"sin{_KIND}", _standard("sin")),
    intrinsic(rf"cos{_KIND}", _standard("cos")),
    intrinsic(rf"tanh{_KIND}", _standard("tanh")),
    intrinsic(rf"sqrt{_KIND}", _standard("sqrt")),
    intrinsic(rf"fma{_KIND}", _standard("fma")),
    intrinsic(rf"fmin{_KIND}", _standard("minnum")),
    intrinsic(rf"fmax{_KIND}", _standard("maxnum")),
    intrinsic(rf"rcp{_KIND}", _rcp),
    intrinsic(rf"rsqrt{_KIND}", _rsqrt),
    intrinsic(rf"div{_KIND}", _div),
    intrinsic(r"f2tf32\.rna", _tf32),
)
