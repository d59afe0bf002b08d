"""Activations: equations on one tensor, element by element."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp
from weft.passes.graph.equations.building import filled, put
from weft.passes.rewriting import LocatedBuilder


def sigmoid(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """sigmoid(x) = 1 / (1 + exp(-x))"""
    (x,) = operands
    one = filled(builder, x, 1.0)
    power = put(builder, ml.ExpOp(put(builder, ml.NegOp(x))))
    return put(builder, ml.DivOp(one, put(builder, ml.AddOp(one, power))))


def silu(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """silu(x) = x * sigmoid(x)"""
    return put(builder, ml.MulOp(operands[0], sigmoid(builder, op, operands)))


def gelu(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """gelu(x) = x / 2 * (1 + erf(x / sqrt(2)))"""
    (x,) = operands
    scaled = put(builder, ml.MulOp(x, filled(builder, x, math.sqrt(0.5))))
    grown = put(builder, ml.AddOp(filled(builder, x, 1.0), put(builder, ml.ErfOp(scaled))))
    half = put(builder, ml.MulOp(x, filled(builder, x, 0.5)))
    return put(builder, ml.MulOp(half, grown))


def softplus(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """softplus(x) = max(x, 0) + log1p(exp(-abs(x)))"""
    (x,) = operands
    size = put(builder, ml.AbsOp(x))
    power = put(builder, ml.ExpOp(put(builder, ml.NegOp(size))))
    rest = put(builder, ml.Log1pOp(power))
    return put(builder, ml.AddOp(put(builder, ml.MaxOp(x, filled(builder, x, 0.0))), rest))


def relu(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """relu(x) = max(x, 0)"""
    (x,) = operands
    return put(builder, ml.MaxOp(x, filled(builder, x, 0.0)))
