"""Equations of ops that order elements, keep them by their place, or read them at places: sort, triangles, take."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.index_vectors import as_places
from weft.dialects.ml.syntax import TO_THE_END
from weft.passes.graph.constants import array_of
from weft.passes.graph.identities import Values, maker
from weft.passes.graph.worklist import Patterns
from weft.passes.rewriting import LocatedBuilder


def sort_of_few(op: ml.SortOp, builder: LocatedBuilder) -> Values:
    """sort(x along a dimension of size 0 or 1) = x"""
    if any(tensor_type(value).get_shape()[op.dim] not in (0, 1) for value in op.inputs):
        return None

    values: list[SSAValue] = list(op.inputs)
    return values if [value.type for value in values] == [result.type for result in op.outputs] else None


def sort_twice(op: ml.SortOp, builder: LocatedBuilder) -> Values:
    """sort(sort(x)) = sort(x), in one order"""
    inner = maker(op.inputs[0], ml.SortOp)
    if inner is None or list(op.inputs) != list(inner.results):
        return None

    first = cast(ml.SortOp, inner)
    if op.order is None or op.order != first.order or op.dim != first.dim or op.requirements():
        return None
    return list(op.inputs) if [v.type for v in op.inputs] == [r.type for r in op.outputs] else None


def triangle_of_all(op: ml.TrilOp | ml.TriuOp, builder: LocatedBuilder) -> Values:
    """tril(x) = x, where the diagonal is outside of the matrix"""
    rows, columns = tensor_type(op.operand).get_shape()[-2:]
    whole = columns != DYNAMIC_INDEX and op.offset >= columns - 1
    if isinstance(op, ml.TriuOp):
        whole = rows != DYNAMIC_INDEX and op.offset <= 1 - rows
    return [op.operand] if whole else None


def triangle_twice(op: ml.TrilOp | ml.TriuOp, builder: LocatedBuilder) -> Values:
    """tril(tril(x, a), b) = tril(x, min(a, b)); triu(triu(x, a), b) = triu(x, max(a, b))"""
    inner = maker(op.operand, type(op))
    if inner is None:
        return None

    first = cast(ml.TrilOp | ml.TriuOp, inner)
    least = min if op.LOWER else max
    return [builder.insert(type(op)(first.operand, least(op.offset, first.offset))).result]


def reduce_nothing(op: ml.ReducePrecisionOp, builder: LocatedBuilder) -> Values:
    """reduce_precision(x to at least the bits that it has) = x"""
    how = op.rounding
    return None if how.dropped or how.flushes or how.loses_nan else [op.operand]


def take_at_known(op: ml.TakeOp, builder: LocatedBuilder) -> Values:
    """take(x, constant of one index) = x[i : i + 1], in the shape of the result"""
    places, target = array_of(op.indices), tensor_type(op.result)
    shape = tensor_type(op.operand).get_shape()
    if places is None or places.size != 1 or DYNAMIC_INDEX in (shape[op.axis], *target.get_shape()):
        return None
    if DYNAMIC_INDEX in shape or op.requirements():
        return None

    place = min(max(int(as_places(places).reshape(-1)[0]), 0), shape[op.axis] - 1)
    starts = [place if axis == op.axis else 0 for axis in range(len(shape))]
    limits = [place + 1 if axis == op.axis else TO_THE_END for axis in range(len(shape))]
    part = builder.insert(ml.SliceOp(op.operand, starts, limits)).result
    return [builder.insert(ml.ReshapeOp(part, target)).result]


def scatter_of_none(op: ml.ScatterOp, builder: LocatedBuilder) -> Values:
    """scatter(x, no updates) = x"""
    if 0 not in tensor_type(op.updates[0]).get_shape() or op.requirements():
        return None

    values: list[SSAValue] = list(op.inputs)
    return values if [value.type for value in values] == [result.type for result in op.outputs] else None


PLACE_IDENTITIES: Patterns = {
    ml.SortOp: (sort_of_few, sort_twice),
    ml.TrilOp: (triangle_of_all, triangle_twice),
    ml.TriuOp: (triangle_of_all, triangle_twice),
    ml.ReducePrecisionOp: (reduce_nothing,),
    ml.TakeOp: (take_at_known,),
    ml.ScatterOp: (scatter_of_none,),
}
"""The equations, by op class."""
