"""Gradients of what works element by element, on tensors and on scalars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log, pi, sqrt

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue

from weft.dialects import ml
from weft.passes.graph.gradients.rule import Here, Rule, Rules, nothing
from weft.passes.graph.gradients.terms import Term, element_of, is_differentiable

Derivative = Callable[[Term, Term], Term]
"""From the operand x and the result y to dy/dx."""

Cotangents = Callable[[Term, Term, Term, Term], tuple[Term, Term]]
"""From the cotangent g, the operands a and b, and the result y to the cotangents of a and b."""


def _sign(x: Term) -> Term:
    if isinstance(x.value.type, TensorType):
        return x.apply(ml.SignOp)
    return x.where("GT", 0, x.of(1), x.where("LT", 0, x.of(-1), 0))


def _gelu(x: Term, y: Term) -> Term:
    below = 0.5 * (1 + (x * sqrt(0.5)).apply(ml.ErfOp))
    return below + x * (x * x * -0.5).exp() * (1 / sqrt(2 * pi))


def _silu(x: Term, y: Term) -> Term:
    share = x.sigmoid()
    return share * (1 + x * (1 - share))


def _cosh(x: Term) -> Term:
    return 0.5 * (x.exp() + (-x).exp())


def _sinh(x: Term) -> Term:
    return 0.5 * (x.exp() - (-x).exp())


def _root(x: Term) -> Term:
    return x.apply(ml.SqrtOp)


DERIVATIVES: Mapping[type[Operation], Derivative] = {
    ml.ExpOp: lambda x, y: y,
    ml.Expm1Op: lambda x, y: y + 1,
    ml.Exp2Op: lambda x, y: y * log(2),
    ml.LogOp: lambda x, y: 1 / x,
    ml.Log1pOp: lambda x, y: 1 / (x + 1),
    ml.Log2Op: lambda x, y: 1 / (x * log(2)),
    ml.SqrtOp: lambda x, y: 0.5 / y,
    ml.RsqrtOp: lambda x, y: y / x * -0.5,
    ml.CbrtOp: lambda x, y: 1 / (y * y * 3),
    ml.SinOp: lambda x, y: x.cos(),
    ml.CosOp: lambda x, y: -x.sin(),
    ml.TanOp: lambda x, y: y * y + 1,
    ml.TanhOp: lambda x, y: (1 - y) * (1 + y),
    ml.SigmoidOp: lambda x, y: y * (1 - y),
    ml.ErfOp: lambda x, y: (-(x * x)).exp() * (2 / sqrt(pi)),
    ml.GeluOp: _gelu,
    ml.SiluOp: _silu,
    ml.SoftplusOp: lambda x, y: x.sigmoid(),
    ml.AbsOp: lambda x, y: _sign(x),
}
"""The derivative of each op of ml with one operand."""

SCALAR_DERIVATIVES: Mapping[type[Operation], Derivative] = {
    math.ExpOp: DERIVATIVES[ml.ExpOp],
    math.ExpM1Op: DERIVATIVES[ml.Expm1Op],
    math.Exp2Op: DERIVATIVES[ml.Exp2Op],
    math.LogOp: DERIVATIVES[ml.LogOp],
    math.Log1pOp: DERIVATIVES[ml.Log1pOp],
    math.Log2Op: DERIVATIVES[ml.Log2Op],
    math.Log10Op: lambda x, y: 1 / (x * log(10)),
    math.SqrtOp: DERIVATIVES[ml.SqrtOp],
    math.RsqrtOp: DERIVATIVES[ml.RsqrtOp],
    math.CbrtOp: DERIVATIVES[ml.CbrtOp],
    math.SinOp: DERIVATIVES[ml.SinOp],
    math.CosOp: DERIVATIVES[ml.CosOp],
    math.TanOp: DERIVATIVES[ml.TanOp],
    math.TanhOp: DERIVATIVES[ml.TanhOp],
    math.ErfOp: DERIVATIVES[ml.ErfOp],
    math.AbsFOp: DERIVATIVES[ml.AbsOp],
    math.SinhOp: lambda x, y: _cosh(x),
    math.CoshOp: lambda x, y: _sinh(x),
    math.AsinOp: lambda x, y: 1 / _root(1 - x * x),
    math.AcosOp: lambda x, y: -1 / _root(1 - x * x),
    math.AtanOp: lambda x, y: 1 / (x * x + 1),
    math.AsinhOp: lambda x, y: 1 / _root(x * x + 1),
    math.AcoshOp: lambda x, y: 1 / _root(x * x - 1),
    math.AtanhOp: lambda x, y: 1 / (1 - x * x),
}
"""The derivative of each op of math with one operand."""


def _power(g: Term, a: Term, b: Term, y: Term) -> tuple[Term, Term]:
    """By the base, 0 where the exponent is 0; by the exponent, 0 where the base is 0."""
    to_base = b.where("EQ", 0, 0, b * a ** (b - 1))
    to_exponent = a.where("EQ", 0, a.of(1), a).log() * y
    return g * to_base, g * to_exponent


def _share(direction: str) -> Cotangents:
    """The cotangent goes to the operand that was chosen; equal ones get half each, as JAX has it."""

    def formula(g: Term, a: Term, b: Term, y: Term) -> tuple[Term, Term]:
        half = a.where("EQ", b, g * 0.5, 0)
        return a.where(direction, b, g, half), b.where(direction, a, g, half)

    return formula


def _angle(g: Term, a: Term, b: Term, y: Term) -> tuple[Term, Term]:
    square = a * a + b * b
    return g * (b / square), -g * (a / square)


def _remainder(g: Term, a: Term, b: Term, y: Term) -> tuple[Term, Term]:
    times = (a - y) / b
    return g, -g * times.apply(ml.RoundEvenOp)


def _product(g: Term, a: Term, b: Term, y: Term) -> tuple[Term, Term]:
    return g * b, g * a


def _quotient(g: Term, a: Term, b: Term, y: Term) -> tuple[Term, Term]:
    return g / b, -(g / b) * y


BINARY: Mapping[type[Operation], Cotangents] = {
    ml.AddOp: lambda g, a, b, y: (g, g),
    ml.SubOp: lambda g, a, b, y: (g, -g),
    ml.MulOp: _product,
    ml.DivOp: _quotient,
    ml.RemOp: _remainder,
    ml.PowOp: _power,
    ml.MaxOp: _share("GT"),
    ml.MinOp: _share("LT"),
    ml.Atan2Op: _angle,
    arith.AddfOp: lambda g, a, b, y: (g, g),
    arith.SubfOp: lambda g, a, b, y: (g, -g),
    arith.MulfOp: _product,
    arith.DivfOp: _quotient,
    arith.MaximumfOp: _share("GT"),
    arith.MinimumfOp: _share("LT"),
    arith.MaxnumfOp: _share("GT"),
    arith.MinnumfOp: _share("LT"),
    math.PowFOp: _power,
    math.Atan2Op: _angle,
}
"""The cotangents of each op with two operands."""


def _unary_rule(derivative: Derivative) -> Rule:
    def rule(op: Operation, here: Here) -> Sequence[SSAValue | None]:
        x, y = here.term(op.operands[0]), here.term(op.results[0])
        g = here.term(here.cotangent(op.results[0]))
        return [(g.wide() * derivative(x.wide(), y.wide())).convert(element_of(x.value.type)).value]

    return rule


def _binary_rule(formula: Cotangents) -> Rule:
    def rule(op: Operation, here: Here) -> Sequence[SSAValue | None]:
        y = here.term(op.results[0])
        a, b = (here.term(operand).wide() for operand in op.operands)
        given = formula(here.term(here.cotangent(y.value)).wide(), a, b, y.wide())
        return [term.convert(element_of(y.value.type)).value for term in given]

    return rule


def relu(op: ml.ReluOp, here: Here) -> Sequence[SSAValue | None]:
    """1 above 0, and 0 from there down, as JAX has it."""
    g = here.term(here.cotangent(op.result))
    return [here.term(op.operand).where("GT", 0, g, 0).value]


def negation(op: Operation, here: Here) -> Sequence[SSAValue | None]:
    """-1."""
    return [(-here.term(here.cotangent(op.results[0]))).value]


def conversion(op: Operation, here: Here) -> Sequence[SSAValue | None]:
    """Floats to floats pass the cotangent on in the type of the operand."""
    (x,) = op.operands
    if not is_differentiable(x.type):
        return [None]
    return [here.term(here.cotangent(op.results[0])).convert(element_of(x.type)).value]


def bits(op: ml.BitcastConvertOp, here: Here) -> Sequence[SSAValue | None]:
    """Bits read as the same type pass the cotangent on; read as another type, they are no smooth function."""
    return [here.cotangent(op.result) if op.operand.type == op.result.type else None]


def precision(op: ml.ReducePrecisionOp, here: Here) -> Sequence[SSAValue | None]:
    """The cotangent, of the same precision, as JAX has it."""
    bits = op.exponent_bits.value.data, op.mantissa_bits.value.data
    return [here.builder.insert(ml.ReducePrecisionOp(here.cotangent(op.results[0]), *bits)).results[0]]


def fused_product(op: math.FmaOp, here: Here) -> Sequence[SSAValue | None]:
    """a * b + c."""
    g = here.term(here.cotangent(op.result))
    return [(g * here.term(op.b)).value, (g * here.term(op.a)).value, g.value]


ELEMENTWISE: Rules = {
    **{kind: _unary_rule(derivative) for kind, derivative in {**DERIVATIVES, **SCALAR_DERIVATIVES}.items()},
    **{kind: _binary_rule(formula) for kind, formula in BINARY.items()},
    ml.ReluOp: relu,
    ml.NegOp: negation,
    arith.NegfOp: negation,
    ml.ConvertOp: conversion,
    arith.ExtFOp: conversion,
    arith.TruncFOp: conversion,
    math.FmaOp: fused_product,
    ml.BitcastConvertOp: bits,
    ml.ReducePrecisionOp: precision,
    **dict.fromkeys(
        (
            ml.SignOp,
            ml.FloorOp,
            ml.CeilOp,
            ml.RoundOp,
            ml.RoundEvenOp,
            math.FloorOp,
            math.CeilOp,
            math.RoundOp,
            math.RoundEvenOp,
            math.TruncOp,
        ),
        nothing,
    ),
}
