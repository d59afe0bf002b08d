"""Softmax, its logarithm, and the loss of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import TensorType, i32, i64
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import Kind, dtype_of, kind_of, width_of
from weft.dialects.ml.losses import LossReduction
from weft.passes.graph.constants import new_constant
from weft.passes.graph.equations.building import along, count_along, filled, others, put, spread
from weft.passes.rewriting import LocatedBuilder


def softmax(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """softmax(x) = e / sum(e), e = exp(x - max(x))"""
    assert isinstance(op, ml.SoftmaxOp)
    (x,) = operands
    greatest = put(builder, ml.ReduceOp.of("max", x, [op.dim]))
    shifted = put(builder, ml.SubOp(x, along(builder, greatest, x, [op.dim])))
    powers = put(builder, ml.ExpOp(shifted))
    total = put(builder, ml.ReduceOp.of("add", powers, [op.dim]))
    return put(builder, ml.DivOp(powers, along(builder, total, x, [op.dim])))


def log_softmax(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """log_softmax(x) = d - log(sum(exp(d))), d = x - max(x)"""
    assert isinstance(op, ml.LogSoftmaxOp)
    (x,) = operands
    greatest = put(builder, ml.ReduceOp.of("max", x, [op.dim]))
    shifted = put(builder, ml.SubOp(x, along(builder, greatest, x, [op.dim])))
    total = put(builder, ml.ReduceOp.of("add", put(builder, ml.ExpOp(shifted)), [op.dim]))
    return put(builder, ml.SubOp(shifted, along(builder, put(builder, ml.LogOp(total)), x, [op.dim])))


def cross_entropy(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """cross_entropy(x, label) = -log_softmax(x)[label];  cross_entropy(x, p) = -sum(p * log_softmax(x))"""
    assert isinstance(op, ml.CrossEntropyOp)
    logits, labels = operands
    logs = put(builder, ml.LogSoftmaxOp(logits, op.dim))
    parts = _right_ones(builder, op, logs, labels) if op.by_index else _weighted(builder, logs, labels)
    losses = put(builder, ml.NegOp(put(builder, ml.ReduceOp.of("add", parts, [op.dim]))))
    if op.joined is LossReduction.NONE:
        return losses
    total = put(builder, ml.ReduceOp.of("add", losses))
    if op.joined is LossReduction.SUM:
        return total
    counted = _counted(builder, op, logits, labels) if op.by_index else count_along(builder, logits, _line_dims(op))
    return put(builder, ml.DivOp(total, counted))


def _line_dims(op: ml.CrossEntropyOp) -> list[int]:
    return others(op.logits, [op.dim])


def _weighted(builder: LocatedBuilder, logs: SSAValue, labels: SSAValue) -> SSAValue:
    """p * logs, and 0 where p is 0."""
    zero = filled(builder, labels, 0.0)
    nothing = put(builder, ml.CompareOp("EQ", labels, zero))
    # 0 in place of the logarithm, and not of the product, whose gradient would be 0 * -inf
    return put(builder, ml.MulOp(labels, put(builder, ml.SelectOp(nothing, zero, logs))))


def _right_ones(builder: LocatedBuilder, op: ml.CrossEntropyOp, logs: SSAValue, labels: SSAValue) -> SSAValue:
    """logs where the class is the label, else 0."""
    numbers = _whole(builder, labels)
    type_ = TensorType(tensor_type(numbers).element_type, tensor_type(logs).get_shape())
    classes = put(builder, ml.IotaOp(op.dim, type_, run_time_sizes(builder, logs)))
    right = put(builder, ml.CompareOp("EQ", classes, along(builder, numbers, logs, [op.dim])))
    return put(builder, ml.SelectOp(right, logs, filled(builder, logs, 0.0)))


def _whole(builder: LocatedBuilder, labels: SSAValue) -> SSAValue:
    """Labels in a type that counts classes without wrapping: i32, or i64 for those of 64 bits and `ui32`."""
    element = tensor_type(labels).element_type
    exceeds = width_of(element) > 32 or (width_of(element) == 32 and kind_of(element) is Kind.UNSIGNED)
    wanted = i64 if exceeds else i32
    return labels if element == wanted else put(builder, ml.ConvertOp(labels, wanted))


def _counted(builder: LocatedBuilder, op: ml.CrossEntropyOp, logits: SSAValue, labels: SSAValue) -> SSAValue:
    """How many labels are classes."""
    numbers = _whole(builder, labels)
    element = tensor_type(numbers).element_type
    size = put(builder, ml.GetDimensionSizeOp(logits, op.dim))
    classes = size if element == i32 else put(builder, ml.ConvertOp(size, element))
    zero = new_constant(builder, np.zeros((), dtype_of(element)))
    high = put(builder, ml.CompareOp("LT", numbers, spread(builder, classes, [], numbers)))
    low = put(builder, ml.CompareOp("GE", numbers, spread(builder, zero, [], numbers)))
    inside = put(builder, ml.ConvertOp(put(builder, ml.AndOp(low, high)), tensor_type(logits).element_type))
    return put(builder, ml.ReduceOp.of("add", inside))
