"""Normalizations: layer_norm, rms_norm, group_norm, batch_norm_inference."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import MlOp, tensor_type
from weft.passes.graph.constants import new_index
from weft.passes.graph.equations.building import (
    along,
    count_along,
    mean_along,
    others,
    put,
    scalar,
    size_of,
    spread,
)
from weft.passes.rewriting import LocatedBuilder


def layer_norm(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """layer_norm(x) = c * rsqrt(mean(c * c) + epsilon) * scale + bias, c = x - mean(x)"""
    assert isinstance(op, ml.LayerNormOp)
    x = operands[0]
    centered = put(builder, ml.SubOp(x, along(builder, mean_along(builder, x, op.dims), x, op.dims)))
    variance = mean_along(builder, put(builder, ml.MulOp(centered, centered)), op.dims)
    normalized = _scaled(builder, centered, along(builder, _inverse(builder, variance, op.offset), x, op.dims))
    return _affine(builder, normalized, op.scale, op.bias, operands[1:], op.dims)


def rms_norm(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """rms_norm(x) = x * rsqrt(mean(x * x) + epsilon) * scale"""
    assert isinstance(op, ml.RmsNormOp)
    x = operands[0]
    squares = mean_along(builder, put(builder, ml.MulOp(x, x)), op.dims)
    normalized = _scaled(builder, x, along(builder, _inverse(builder, squares, op.offset), x, op.dims))
    return _affine(builder, normalized, op.scale, None, operands[1:], op.dims)


def group_norm(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """group_norm(x) = layer_norm of each group of features, sums of features joined to sums of groups"""
    assert isinstance(op, ml.GroupNormOp)
    x, kept = operands[0], [0, op.dim]
    centered = put(builder, ml.SubOp(x, spread(builder, _group_means(builder, op, x), kept, x)))
    variance = _group_means(builder, op, put(builder, ml.MulOp(centered, centered)))
    normalized = _scaled(builder, centered, spread(builder, _inverse(builder, variance, op.offset), kept, x))
    return _affine(builder, normalized, op.scale, op.bias, operands[1:], [op.dim])


def batch_norm_inference(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """batch_norm_inference(x) = (x - mean) * (scale * rsqrt(variance + epsilon)) + offset"""
    assert isinstance(op, ml.BatchNormInferenceOp)
    x, scale, shift, mean, variance = operands
    factor = _scaled(builder, scale, _inverse(builder, variance, op.offset))
    centered = put(builder, ml.SubOp(x, spread(builder, mean, [op.dim], x)))
    scaled = _scaled(builder, centered, spread(builder, factor, [op.dim], x))
    return put(builder, ml.AddOp(scaled, spread(builder, shift, [op.dim], x)))


def _scaled(builder: LocatedBuilder, x: SSAValue, factor: SSAValue) -> SSAValue:
    return put(builder, ml.MulOp(x, factor))


def _inverse(builder: LocatedBuilder, variance: SSAValue, epsilon: float) -> SSAValue:
    """rsqrt(variance + epsilon)"""
    offset = spread(builder, scalar(builder, variance, epsilon), [], variance)
    return put(builder, ml.RsqrtOp(put(builder, ml.AddOp(variance, offset))))


def _affine(
    builder: LocatedBuilder,
    x: SSAValue,
    scale: SSAValue | None,
    bias: SSAValue | None,
    given: Sequence[SSAValue],
    dims: Sequence[int],
) -> SSAValue:
    """x * scale + bias, those that the op has; `given` are their converted values, in order."""
    rest = list(given)
    if scale is not None:
        x = _scaled(builder, x, spread(builder, rest.pop(0), dims, x))
    if bias is not None:
        x = put(builder, ml.AddOp(x, spread(builder, rest.pop(0), dims, x)))
    return x


def _group_means(builder: LocatedBuilder, op: ml.GroupNormOp, x: SSAValue) -> SSAValue:
    """The mean of each feature's group, `[batch, features]`."""
    space = others(x, [0, op.dim])
    sums = put(builder, ml.ReduceOp.of("add", x, space))
    batch, features = tensor_type(sums).get_shape()
    each = DYNAMIC_INDEX if features == DYNAMIC_INDEX else features // op.count
    element = tensor_type(x).element_type
    split_type = TensorType(element, [batch, op.count, each])
    sizes = [size_of(builder, sums, 0)] if batch == DYNAMIC_INDEX else []
    if each == DYNAMIC_INDEX:
        count = new_index(builder, op.count)
        sizes.append(put(builder, arith.DivUIOp(size_of(builder, sums, 1), count)))
    split = put(builder, ml.ReshapeOp(sums, split_type, sizes))
    totals = put(builder, ml.ReduceOp.of("add", split, [2]))
    in_group = _scaled(builder, count_along(builder, x, space), count_along(builder, split, [2]))
    means = put(builder, ml.DivOp(totals, spread(builder, in_group, [], totals)))
    repeated = along(builder, means, split, [2])
    return put(builder, ml.ReshapeOp(repeated, TensorType(element, [batch, features]), run_time_sizes(builder, sums)))
