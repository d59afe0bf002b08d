"""Attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, i1, i32
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import MlOp, tensor_type
from weft.passes.graph.constants import new_index
from weft.passes.graph.equations.building import (
    along,
    count_along,
    filled,
    put,
    scalar,
    size_of,
    spread,
)
from weft.passes.rewriting import LocatedBuilder


def attention(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """attention(q, k, v) = (p @ v) / sum(p), p = exp(s - max(s)), s = q @ transpose(k) * scale, masked

    Grouped heads are two dimensions from the start to the end, `[..., h, g, l, n]`: the scores are made, masked and
    summed up as they lie.
    """
    assert isinstance(op, ml.AttentionOp)
    query, key, value = operands[:3]
    masks = [_split(builder, op, mask) for mask in operands[3:]]
    scores = _masked(builder, op, _scores(builder, op, _split(builder, op, query), key), masks)
    last = tensor_type(scores).get_num_dims() - 1
    powers = _powers(builder, scores, last)
    total = put(builder, ml.ReduceOp.of("add", powers, [last]))
    none = put(builder, ml.CompareOp("EQ", total, filled(builder, total, 0.0)))
    total = put(builder, ml.SelectOp(none, filled(builder, total, 1.0), total))
    lead = list(range(tensor_type(value).get_num_dims() - 2))
    weighted = put(builder, ml.DotGeneralOp(powers, value, batch=(lead, lead), contract=([last], [len(lead)])))
    result = put(builder, ml.DivOp(weighted, along(builder, total, weighted, [last])))
    return result if op.heads is None else _joined(builder, result, query, value)


def _scores(builder: LocatedBuilder, op: ml.AttentionOp, query: SSAValue, key: SSAValue) -> SSAValue:
    """q @ transpose(k) * scale, `[..., l, s]`."""
    last, end = tensor_type(query).get_num_dims() - 1, tensor_type(key).get_num_dims() - 1
    lead = list(range(end - 1))
    scores = put(builder, ml.DotGeneralOp(query, key, batch=(lead, lead), contract=([last], [end])))
    size = tensor_type(query).get_shape()[-1]
    if op.scale is None and size == DYNAMIC_INDEX:
        count = put(builder, ml.MaxOp(count_along(builder, query, [last]), scalar(builder, query, 1.0)))
        factor = put(builder, ml.RsqrtOp(count))
    else:
        factor = scalar(builder, query, op.factor(size))
    return put(builder, ml.MulOp(scores, spread(builder, factor, [], scores)))


def _masked(builder: LocatedBuilder, op: ml.AttentionOp, scores: SSAValue, masks: Sequence[SSAValue]) -> SSAValue:
    """The scores, -inf where a key is not seen; with the numbers of a mask added."""
    rank = tensor_type(scores).get_num_dims()
    if op.causal is not None:
        scores = _only(builder, _causal(builder, scores), scores)
    for mask in masks:
        dims = list(range(rank - tensor_type(mask).get_num_dims(), rank))
        wide = spread(builder, mask, dims, scores)
        if tensor_type(mask).element_type == i1:
            scores = _only(builder, wide, scores)
        else:
            scores = put(builder, ml.AddOp(scores, wide))
    return scores


def _only(builder: LocatedBuilder, seen: SSAValue, scores: SSAValue) -> SSAValue:
    return put(builder, ml.SelectOp(seen, scores, filled(builder, scores, -np.inf)))


def _causal(builder: LocatedBuilder, scores: SSAValue) -> SSAValue:
    """Whether key j is not after query i."""
    shape = tensor_type(scores).get_shape()
    type_ = TensorType(i32, shape)
    sizes = run_time_sizes(builder, scores)
    query, key = (put(builder, ml.IotaOp(len(shape) - back, type_, sizes)) for back in (2, 1))
    return put(builder, ml.CompareOp("GE", query, key))


def _powers(builder: LocatedBuilder, scores: SSAValue, last: int) -> SSAValue:
    """exp(s - max(s)), with 0 for a maximum of -inf."""
    greatest = put(builder, ml.ReduceOp.of("max", scores, [last]))
    none = put(builder, ml.CompareOp("EQ", greatest, filled(builder, greatest, -np.inf)))
    base = put(builder, ml.SelectOp(none, filled(builder, greatest, 0.0), greatest))
    return put(builder, ml.ExpOp(put(builder, ml.SubOp(scores, along(builder, base, scores, [last])))))


def _split(builder: LocatedBuilder, op: ml.AttentionOp, x: SSAValue) -> SSAValue:
    """`[..., g * h, l, n]` as `[..., h, g, l, n]`: the heads that go with one head of the key beside each other.

    A dimension of the heads that is 1 becomes two of them; a mask may have none.
    """
    shape = tensor_type(x).get_shape()
    if op.heads is None or len(shape) < 3:
        return x
    axis, key = len(shape) - 3, op.heads[1]
    heads = shape[axis]
    groups = DYNAMIC_INDEX if heads == DYNAMIC_INDEX else heads if heads == 1 else heads // max(key, 1)
    sizes = {dim: size_of(builder, x, dim) for dim, size in enumerate(shape) if size == DYNAMIC_INDEX}
    if heads == DYNAMIC_INDEX:
        sizes[axis] = put(builder, arith.DivUIOp(sizes[axis], new_index(builder, max(key, 1))))
    target = [*shape[:axis], 1 if heads == 1 else key, groups, *shape[axis + 1 :]]
    return put(builder, ml.ReshapeOp(x, TensorType(tensor_type(x).element_type, target), list(sizes.values())))


def _joined(builder: LocatedBuilder, x: SSAValue, query: SSAValue, value: SSAValue) -> SSAValue:
    """`[..., h, g, l, n]` as `[..., g * h, l, n]`, with as many heads and rows as the query."""
    last = tensor_type(query).get_num_dims() - 1
    shape = [*tensor_type(query).get_shape()[:-1], tensor_type(value).get_shape()[-1]]
    owners = [query] * last + [value]
    sizes = [size_of(builder, owners[axis], axis) for axis, n in enumerate(shape) if n == DYNAMIC_INDEX]
    return put(builder, ml.ReshapeOp(x, TensorType(tensor_type(x).element_type, shape), sizes))
