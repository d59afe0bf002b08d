"""Named ops as equations of smaller ones, one pattern each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from xdsl.dialects import tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, f32
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import dtype_of, width_of
from weft.passes.graph.constants import new_constant, new_index
from weft.passes.graph.identities import Values
from weft.passes.graph.worklist import Pattern
from weft.passes.rewriting import LocatedBuilder

Equation = Callable[[LocatedBuilder, SSAValue, MlOp], SSAValue]


def sizes_like(builder: LocatedBuilder, model: SSAValue) -> list[SSAValue]:
    """The run-time sizes of a tensor, one for each `?`."""
    axes = [axis for axis, n in enumerate(tensor_type(model).get_shape()) if n == DYNAMIC_INDEX]
    return [builder.insert(tensor.DimOp(model, new_index(builder, axis))).result for axis in axes]


def filled(builder: LocatedBuilder, model: SSAValue, number: float) -> SSAValue:
    """A tensor like `model` that is `number` everywhere."""
    type_ = tensor_type(model)
    scalar = new_constant(builder, np.asarray(number).astype(dtype_of(type_.element_type)))
    return builder.insert(ml.BroadcastInDimOp(scalar, [], type_, sizes_like(builder, model))).result


def along(builder: LocatedBuilder, value: SSAValue, model: SSAValue, dim: int) -> SSAValue:
    """`value`, which lacks the dimension `dim` of `model`, repeated along it."""
    type_ = tensor_type(model)
    kept = [axis for axis in range(type_.get_num_dims()) if axis != dim]
    sizes: Sequence[SSAValue] = ()
    if type_.get_shape()[dim] == DYNAMIC_INDEX:
        sizes = [builder.insert(tensor.DimOp(model, new_index(builder, dim))).result]
    return builder.insert(ml.BroadcastInDimOp(value, kept, type_, sizes)).result


def softmax(builder: LocatedBuilder, x: SSAValue, op: MlOp) -> SSAValue:
    """softmax(x) = e / sum(e), e = exp(x - max(x))"""
    assert isinstance(op, ml.SoftmaxOp)
    greatest = builder.insert(ml.ReduceOp.of("max", x, [op.dim])).outputs[0]
    shifted = builder.insert(ml.SubOp(x, along(builder, greatest, x, op.dim))).result
    powers = builder.insert(ml.ExpOp(shifted)).result
    total = builder.insert(ml.ReduceOp.of("add", powers, [op.dim])).outputs[0]
    return builder.insert(ml.DivOp(powers, along(builder, total, x, op.dim))).result


def sigmoid(builder: LocatedBuilder, x: SSAValue, op: MlOp) -> SSAValue:
    """sigmoid(x) = 1 / (1 + exp(-x))"""
    one = filled(builder, x, 1.0)
    power = builder.insert(ml.ExpOp(builder.insert(ml.NegOp(x)))).result
    return builder.insert(ml.DivOp(one, builder.insert(ml.AddOp(one, power)))).result


def silu(builder: LocatedBuilder, x: SSAValue, op: MlOp) -> SSAValue:
    """silu(x) = x * sigmoid(x)"""
    return builder.insert(ml.MulOp(x, sigmoid(builder, x, op))).result


def gelu(builder: LocatedBuilder, x: SSAValue, op: MlOp) -> SSAValue:
    """gelu(x) = x / 2 * (1 + erf(x / sqrt(2)))"""
    scaled = builder.insert(ml.MulOp(x, filled(builder, x, math.sqrt(0.5)))).result
    grown = builder.insert(ml.AddOp(filled(builder, x, 1.0), builder.insert(ml.ErfOp(scaled)))).result
    half = builder.insert(ml.MulOp(x, filled(builder, x, 0.5))).result
    return builder.insert(ml.MulOp(half, grown)).result


def softplus(builder: LocatedBuilder, x: SSAValue, op: MlOp) -> SSAValue:
    """softplus(x) = max(x, 0) + log1p(exp(-abs(x)))"""
    size = builder.insert(ml.AbsOp(x)).result
    power = builder.insert(ml.ExpOp(builder.insert(ml.NegOp(size)))).result
    rest = builder.insert(ml.Log1pOp(power)).result
    return builder.insert(ml.AddOp(builder.insert(ml.MaxOp(x, filled(builder, x, 0.0))), rest)).result


def relu(builder: LocatedBuilder, x: SSAValue, op: MlOp) -> SSAValue:
    """relu(x) = max(x, 0)"""
    return builder.insert(ml.MaxOp(x, filled(builder, x, 0.0))).result


def _decomposed(op: MlOp, builder: LocatedBuilder, *, equation: Equation) -> Values:
    """An equation on one operand; in f32 for f16 and bf16, so that there is one rounding at the end."""
    x = op.operands[0]
    element = tensor_type(x).element_type
    narrow = dtype_of(element).kind not in "iu" and width_of(element) == 16
    if narrow and not isinstance(op, ml.ReluOp):
        wide = builder.insert(ml.ConvertOp(x, f32)).result
        return [builder.insert(ml.ConvertOp(equation(builder, wide, op), element)).result]

    return [equation(builder, x, op)]


DECOMPOSITIONS: dict[type[MlOp], Pattern] = {
    ml.SoftmaxOp: partial(_decomposed, equation=softmax),
    ml.SigmoidOp: partial(_decomposed, equation=sigmoid),
    ml.SiluOp: partial(_decomposed, equation=silu),
    ml.GeluOp: partial(_decomposed, equation=gelu),
    ml.SoftplusOp: partial(_decomposed, equation=softplus),
    ml.ReluOp: partial(_decomposed, equation=relu),
}
"""The equation of each op that has one."""
