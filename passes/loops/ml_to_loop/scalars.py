"""The one table from elementwise ml ops to scalar bodies, by what the elements are.

A rule takes a :class:`Body` and the operands as scalars, and gives the result. Floats come as f32 or f64:
:func:`scalar` widens f16 and bf16 and rounds the result once. Integers are signless; which rule applies says
whether they are signed. Division, shifts and casts of `arith` have the meaning that they have everywhere in weft:
nothing traps, a shift by too much gives 0 or the sign, casts from floats saturate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute, Operation, SSAValue

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.loop.hints import accuracy_of
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.compare import CompareType
from weft.dialects.ml.dtypes import Kind, kind_of
from weft.dialects.upstream.arith import RemFOp
from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.formats import F32, F64
from weft.passes.loops.expansions.normal import gelu
from weft.passes.loops.ml_to_loop.body import Body, signless, wide
from weft.passes.loops.ml_to_loop.casts import convert, total_order
from weft.passes.loops.ml_to_loop.powers import float_power, signed_power, unsigned_power

Rule: TypeAlias = Callable[..., SSAValue]
"""A body and scalars in, a scalar out."""


def _direct(op: Callable[..., Operation]) -> Rule:
    """The rule that is one op on the operands as they come."""

    def rule(b: Body, *operands: SSAValue) -> SSAValue:
        return b.put(op(*operands))

    return rule


def _sign(b: Body, x: SSAValue) -> SSAValue:
    zero = b.like(0, x)
    return b.select(b.cmpf("ueq", x, zero), x, b.put(math.CopySignOp(b.like(1, x), x)))


def _sigmoid(b: Body, x: SSAValue) -> SSAValue:
    """1 / (1 + e) for x >= 0, else e / (1 + e), where e = exp(-|x|)."""
    one = b.like(1, x)
    small = b.put(math.ExpOp(b.put(arith.NegfOp(b.put(math.AbsFOp(x))))))
    top = b.select(b.cmpf("oge", x, b.like(0, x)), one, small)
    return b.put(arith.DivfOp(top, b.put(arith.AddfOp(one, small))))


def _silu(b: Body, x: SSAValue) -> SSAValue:
    return b.put(arith.MulfOp(x, _sigmoid(b, x)))


def _softplus(b: Body, x: SSAValue) -> SSAValue:
    """max(x, 0) + log1p(exp(-|x|))."""
    small = b.put(math.ExpOp(b.put(arith.NegfOp(b.put(math.AbsFOp(x))))))
    return b.put(arith.AddfOp(_relu(b, x), b.put(math.Log1pOp(small))))


def _relu(b: Body, x: SSAValue) -> SSAValue:
    return b.put(arith.MaximumfOp(x, b.like(0, x)))


def _gelu(b: Body, x: SSAValue) -> SSAValue:
    return gelu(Floats(b, F64 if x.type == F64.type else F32), x)


def _is_finite(b: Body, x: SSAValue) -> SSAValue:
    return b.cmpf("olt", b.put(math.AbsFOp(x)), b.like(float("inf"), x))


def _negi(b: Body, x: SSAValue) -> SSAValue:
    return b.put(arith.SubiOp(b.like(0, x), x))


def _absi(b: Body, x: SSAValue) -> SSAValue:
    return b.select(b.cmpi("slt", x, b.like(0, x)), _negi(b, x), x)


def _signi(b: Body, x: SSAValue) -> SSAValue:
    return b.put(arith.MaxSIOp(b.put(arith.MinSIOp(x, b.like(1, x))), b.like(-1, x)))


def _not(b: Body, x: SSAValue) -> SSAValue:
    return b.put(arith.XOrIOp(x, b.like(-1, x)))


def _relui(b: Body, x: SSAValue) -> SSAValue:
    return b.put(arith.MaxSIOp(x, b.like(0, x)))


def _same(b: Body, x: SSAValue) -> SSAValue:
    return x


def _clamp(greater: Callable[..., Operation], lesser: Callable[..., Operation]) -> Rule:
    """min(max(x, low), high)."""

    def rule(b: Body, low: SSAValue, x: SSAValue, high: SSAValue) -> SSAValue:
        return b.put(lesser(b.put(greater(x, low)), high))

    return rule


_FLOAT: Mapping[type[MlOp], Rule] = {
    ml.AbsOp: _direct(math.AbsFOp),
    ml.NegOp: _direct(arith.NegfOp),
    ml.SignOp: _sign,
    ml.ExpOp: _direct(math.ExpOp),
    ml.Expm1Op: _direct(math.ExpM1Op),
    ml.Exp2Op: _direct(math.Exp2Op),
    ml.LogOp: _direct(math.LogOp),
    ml.Log1pOp: _direct(math.Log1pOp),
    ml.Log2Op: _direct(math.Log2Op),
    ml.SqrtOp: _direct(math.SqrtOp),
    ml.RsqrtOp: _direct(math.RsqrtOp),
    ml.CbrtOp: _direct(math.CbrtOp),
    ml.SinOp: _direct(math.SinOp),
    ml.CosOp: _direct(math.CosOp),
    ml.TanOp: _direct(math.TanOp),
    ml.TanhOp: _direct(math.TanhOp),
    ml.SigmoidOp: _sigmoid,
    ml.ErfOp: _direct(math.ErfOp),
    ml.GeluOp: _gelu,
    ml.ReluOp: _relu,
    ml.SiluOp: _silu,
    ml.SoftplusOp: _softplus,
    ml.FloorOp: _direct(math.FloorOp),
    ml.CeilOp: _direct(math.CeilOp),
    ml.RoundOp: _direct(math.RoundOp),
    ml.RoundEvenOp: _direct(math.RoundEvenOp),
    ml.IsFiniteOp: _is_finite,
    ml.AddOp: _direct(arith.AddfOp),
    ml.SubOp: _direct(arith.SubfOp),
    ml.MulOp: _direct(arith.MulfOp),
    ml.DivOp: _direct(arith.DivfOp),
    ml.RemOp: _direct(RemFOp),
    ml.PowOp: float_power,
    ml.MaxOp: _direct(arith.MaximumfOp),
    ml.MinOp: _direct(arith.MinimumfOp),
    ml.Atan2Op: _direct(math.Atan2Op),
    ml.ClampOp: _clamp(arith.MaximumfOp, arith.MinimumfOp),
}

_INTEGER: Mapping[type[MlOp], Rule] = {
    ml.NegOp: _negi,
    ml.NotOp: _not,
    ml.AddOp: _direct(arith.AddiOp),
    ml.SubOp: _direct(arith.SubiOp),
    ml.MulOp: _direct(arith.MuliOp),
    ml.AndOp: _direct(arith.AndIOp),
    ml.OrOp: _direct(arith.OrIOp),
    ml.XorOp: _direct(arith.XOrIOp),
    ml.ShiftLeftOp: _direct(arith.ShLIOp),
    ml.ShiftRightArithmeticOp: _direct(arith.ShRSIOp),
    ml.ShiftRightLogicalOp: _direct(arith.ShRUIOp),
}

_SIGNED: Mapping[type[MlOp], Rule] = {
    **_INTEGER,
    ml.AbsOp: _absi,
    ml.SignOp: _signi,
    ml.ReluOp: _relui,
    ml.DivOp: _direct(arith.DivSIOp),
    ml.RemOp: _direct(arith.RemSIOp),
    ml.PowOp: signed_power,
    ml.MaxOp: _direct(arith.MaxSIOp),
    ml.MinOp: _direct(arith.MinSIOp),
    ml.ClampOp: _clamp(arith.MaxSIOp, arith.MinSIOp),
}

_UNSIGNED: Mapping[type[MlOp], Rule] = {
    **_INTEGER,
    ml.ReluOp: _same,
    ml.DivOp: _direct(arith.DivUIOp),
    ml.RemOp: _direct(arith.RemUIOp),
    ml.PowOp: unsigned_power,
    ml.MaxOp: _direct(arith.MaxUIOp),
    ml.MinOp: _direct(arith.MinUIOp),
    ml.ClampOp: _clamp(arith.MaxUIOp, arith.MinUIOp),
}

_BOOL: Mapping[type[MlOp], Rule] = {
    ml.NotOp: _not,
    ml.AddOp: _direct(arith.OrIOp),
    ml.MulOp: _direct(arith.AndIOp),
    ml.MaxOp: _direct(arith.OrIOp),
    ml.MinOp: _direct(arith.AndIOp),
    ml.AndOp: _direct(arith.AndIOp),
    ml.OrOp: _direct(arith.OrIOp),
    ml.XorOp: _direct(arith.XOrIOp),
    ml.ClampOp: _clamp(arith.OrIOp, arith.AndIOp),
}

RULES: Mapping[Kind, Mapping[type[MlOp], Rule]] = {
    Kind.FLOAT: _FLOAT,
    Kind.SIGNED: _SIGNED,
    Kind.UNSIGNED: _UNSIGNED,
    Kind.BOOL: _BOOL,
}
"""The rule of an op, by the kind of its (last) operand's elements."""

_PREDICATES: Mapping[Kind, str] = {
    Kind.FLOAT: "EQ oeq NE une GE oge GT ogt LE ole LT olt",
    Kind.SIGNED: "EQ eq NE ne GE sge GT sgt LE sle LT slt",
    Kind.UNSIGNED: "EQ eq NE ne GE uge GT ugt LE ule LT ult",
    Kind.BOOL: "EQ eq NE ne GE uge GT ugt LE ule LT ult",
}
"""For each direction of ml.compare, the predicate of arith."""


def scalar(b: Body, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """One element of the result of an elementwise op. Raises :class:`WeftError` for an op without a rule."""
    element = tensor_type(op.operands[-1]).element_type
    match op:
        case ml.ConvertOp():
            return convert(b, operands[0], element, tensor_type(op.result).element_type)
        case ml.BitcastConvertOp():
            return bitcast(b, operands[0], signless(tensor_type(op.result).element_type))
        case ml.CompareOp():
            return _compare(b, op, element, *operands)
        case ml.SelectOp():
            return b.select(*operands)
        case _:
            return _by_rule(b, op, element, operands)


def _by_rule(b: Body, op: MlOp, element: Attribute, operands: Sequence[SSAValue]) -> SSAValue:
    kind = kind_of(element)
    rule = RULES[kind].get(type(op)) if kind is not None else None
    if rule is None:
        raise error_at(op, f"{op.name} on {element} has no scalar form", code=codes.CANNOT_LOWER)
    b.accuracy = accuracy_of(op)
    kept = _computed_in(element, b.accuracy)
    result = rule(b, *(b.resize_float(x, kept) for x in operands))
    b.accuracy = None
    return b.resize_float(result, element)


def _computed_in(element: Attribute, accuracy: str | None) -> Attribute:
    """The type in which an op on elements is computed; its result is rounded once."""
    return f64 if element == f32 and accuracy == "1ulp" else wide(element)


def _compare(b: Body, op: ml.CompareOp, element: Attribute, x: SSAValue, y: SSAValue) -> SSAValue:
    kind = kind_of(element)
    assert kind is not None
    if op.order is CompareType.TOTALORDER:
        kind, x, y = Kind.SIGNED, total_order(b, x), total_order(b, y)
    elif kind is Kind.FLOAT:
        x, y = (b.resize_float(v, wide(element)) for v in (x, y))
    words = _PREDICATES[kind].split()
    predicate = dict(zip(words[::2], words[1::2], strict=True))[op.direction.value]
    return (b.cmpf if kind is Kind.FLOAT else b.cmpi)(predicate, x, y)


def bitcast(b: Body, value: SSAValue, target: Attribute) -> SSAValue:
    """The bits of a scalar as another type of the same width."""
    return value if value.type == target else b.put(arith.BitcastOp(value, target))
