"""Equations of ops that move elements: transpose, reshape, slice, broadcast, concatenate, reduce over nothing."""

from __future__ import annotations

from math import prod
from typing import cast

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import Kind
from weft.dialects.ml.syntax import TO_THE_END
from weft.passes.graph.constants import array_of, same_number
from weft.passes.graph.identities import Values, element_kind, maker
from weft.passes.graph.worklist import Patterns
from weft.passes.rewriting import LocatedBuilder


def transpose_in_place(op: ml.TransposeOp, builder: LocatedBuilder) -> Values:
    """transpose(x by 0, 1, ...) = x"""
    if list(op.perm) != sorted(op.perm) or op.operand.type != op.result.type:
        return None

    return [op.operand]


def transpose_twice(op: ml.TransposeOp, builder: LocatedBuilder) -> Values:
    """transpose(transpose(x by p) by q) = transpose(x by p[q])"""
    inner = maker(op.operand, ml.TransposeOp)
    if inner is None or op.requirements():
        return None

    first = cast(ml.TransposeOp, inner)
    joined = ml.TransposeOp(first.operand, [first.perm[axis] for axis in op.perm])
    return [builder.insert(joined).result] if joined.result.type == op.result.type else None


def reshape_in_place(op: ml.ReshapeOp, builder: LocatedBuilder) -> Values:
    """reshape(x to its own shape) = x"""
    shape = tensor_type(op.operand).get_shape()
    one_unknown = shape.count(DYNAMIC_INDEX) == 1 and 0 not in shape and not op.sizes
    if op.operand.type != op.result.type or not (one_unknown or DYNAMIC_INDEX not in shape):
        return None

    return [op.operand]


def reshape_twice(op: ml.ReshapeOp, builder: LocatedBuilder) -> Values:
    """reshape(reshape(x)) = reshape(x)"""
    inner = maker(op.operand, ml.ReshapeOp)
    if inner is None or 0 in tensor_type(op.operand).get_shape():
        return None

    return [builder.insert(ml.ReshapeOp(inner.operands[0], tensor_type(op.result), op.sizes)).result]


def slice_all(op: ml.SliceOp, builder: LocatedBuilder) -> Values:
    """x[0:n, 0:?] = x"""
    shape = tensor_type(op.operand).get_shape()
    whole = all(
        start == 0 and step == 1 and limit in (TO_THE_END, n if n != DYNAMIC_INDEX else TO_THE_END)
        for start, limit, step, n in zip(op.starts, op.limits, op.steps, shape, strict=True)
    )
    if not whole or op.operand.type != op.result.type:
        return None

    return [op.operand]


def slice_twice(op: ml.SliceOp, builder: LocatedBuilder) -> Values:
    """x[a:b:s][c:d:t] = x[a + s*c : ... : s*t], where all limits are known"""
    inner = maker(op.operand, ml.SliceOp)
    if inner is None or op.requirements() or DYNAMIC_INDEX in tensor_type(op.operand).get_shape():
        return None

    first = cast(ml.SliceOp, inner)
    counts = tensor_type(op.result).get_shape()
    ranges = zip(first.starts, first.steps, op.starts, counts, strict=True)
    starts = [a + s * c if n else a for a, s, c, n in ranges]
    steps = [s * t for s, t in zip(first.steps, op.steps, strict=True)]
    ends = [start + (n - 1) * step + 1 if n else start for start, step, n in zip(starts, steps, counts, strict=True)]
    joined = ml.SliceOp(first.operand, starts, ends, steps)
    return [builder.insert(joined).result] if joined.result.type == op.result.type else None


def broadcast_in_place(op: ml.BroadcastInDimOp, builder: LocatedBuilder) -> Values:
    """broadcast_in_dim(x to its own shape) = x"""
    if list(op.dims) != list(range(len(op.dims))) or op.sizes or op.operand.type != op.result.type:
        return None

    return [op.operand]


def broadcast_twice(op: ml.BroadcastInDimOp, builder: LocatedBuilder) -> Values:
    """broadcast_in_dim(broadcast_in_dim(x by p) by q) = broadcast_in_dim(x by q[p]), to a static shape"""
    inner = maker(op.operand, ml.BroadcastInDimOp)
    target = tensor_type(op.result)
    if inner is None or op.requirements() or not target.has_static_shape():
        return None

    first = cast(ml.BroadcastInDimOp, inner)
    if first.sizes:
        return None
    dims = [op.dims[axis] for axis in first.dims]
    return [builder.insert(ml.BroadcastInDimOp(first.operand, dims, target)).result]


def reverse_nothing(op: ml.ReverseOp, builder: LocatedBuilder) -> Values:
    """reverse(x along no dimensions, or such of size 1) = x"""
    shape = tensor_type(op.operand).get_shape()
    if any(shape[axis] not in (0, 1) for axis in op.dims) or op.operand.type != op.result.type:
        return None

    return [op.operand]


def reverse_twice(op: ml.ReverseOp, builder: LocatedBuilder) -> Values:
    """reverse(reverse(x along a) along b) = reverse(x along those in one of a and b)"""
    inner = maker(op.operand, ml.ReverseOp)
    if inner is None or op.requirements():
        return None

    first = cast(ml.ReverseOp, inner)
    joined = ml.ReverseOp(first.operand, sorted(set(op.dims) ^ set(first.dims)))
    return [builder.insert(joined).result] if joined.result.type == op.result.type else None


def dynamic_slice_at_known(op: ml.DynamicSliceOp, builder: LocatedBuilder) -> Values:
    """dynamic_slice(x at constants) = x[a:b], and so where the slice is all of a dimension"""
    starts = _known_starts(op)
    if starts is None or op.requirements():
        return None

    ends = zip(starts, op.sizes, strict=True)
    made = ml.SliceOp(op.operand, starts, [TO_THE_END if size == TO_THE_END else start + size for start, size in ends])
    return [builder.insert(made).result] if made.result.type == op.result.type else None


def update_all(op: ml.DynamicUpdateSliceOp, builder: LocatedBuilder) -> Values:
    """dynamic_update_slice(x, y of the size of x) = y"""
    if DYNAMIC_INDEX in tensor_type(op.operand).get_shape() or op.update.type != op.result.type:
        return None

    return [op.update]


def _known_starts(op: ml.DynamicSliceOp) -> list[int] | None:
    """The clamped starts of a slice where they are known; None where one is not."""
    found: list[int] = []
    for dim, size, start in zip(tensor_type(op.operand).get_shape(), op.sizes, op.start_indices, strict=True):
        number = array_of(start)
        if size in (TO_THE_END, dim):
            found.append(0)
        elif number is None or dim == DYNAMIC_INDEX:
            return None
        else:
            found.append(min(max(0, int(number)), dim - size))
    return found


def concatenate_some(op: ml.ConcatenateOp, builder: LocatedBuilder) -> Values:
    """concatenate(x) = x;  concatenate(x, empty, y) = concatenate(x, y)"""
    if op.requirements():
        return None
    kept = [value for value in op.inputs if tensor_type(value).get_shape()[op.dim] != 0]
    if len(kept) == 1 and kept[0].type == op.result.type:
        return kept
    if not kept or len(kept) == len(op.inputs):
        return None

    joined = ml.ConcatenateOp(kept, op.dim)
    return [builder.insert(joined).result] if joined.result.type == op.result.type else None


def reduce_nothing(op: ml.ReduceOp, builder: LocatedBuilder) -> Values:
    """reduce(x over no dimensions) = x, from the neutral element; but a sum of floats makes -0.0 to 0.0"""
    if op.dims or op.inits or op.kind is None:
        return None
    if op.kind == "add" and element_kind(op.inputs[0]) is Kind.FLOAT:
        return None

    values: list[SSAValue] = list(op.inputs)
    return values if values[0].type == op.outputs[0].type else None


def reduce_ones(op: ml.ReduceOp, builder: LocatedBuilder) -> Values:
    """reduce(x over dimensions of one element) = reshape(x), from the neutral element; a sum of floats is x + 0.0"""
    if op.inits or op.kind is None or len(op.inputs) != 1:
        return None
    shape = tensor_type(op.inputs[0]).get_shape()
    if not op.dims or any(shape[dim] != 1 for dim in op.dims) or DYNAMIC_INDEX in shape:
        return None

    small = builder.insert(ml.ReshapeOp(op.inputs[0], tensor_type(op.outputs[0]))).result
    if op.kind != "add" or element_kind(small) not in Kind.FLOAT | Kind.COMPLEX:
        return [small]
    zero = same_number(builder, 0, small.type)
    assert zero is not None
    return [builder.insert(ml.AddOp(small, zero)).result]


def broadcast_of_reshape(op: ml.BroadcastInDimOp, builder: LocatedBuilder) -> Values:
    """broadcast_in_dim(reshape(x)) = reshape(x), where it adds dimensions of one element only"""
    inner = maker(op.operand, ml.ReshapeOp)
    source, target = tensor_type(op.operand), tensor_type(op.result)
    if inner is None or op.requirements() or not (source.has_static_shape() and target.has_static_shape()):
        return None
    if prod(source.get_shape()) != prod(target.get_shape()) or list(op.dims) != sorted(op.dims):
        return None

    return [builder.insert(ml.ReshapeOp(op.operand, target)).result]


LAYOUT_IDENTITIES: Patterns = {
    ml.TransposeOp: (transpose_in_place, transpose_twice),
    ml.ReshapeOp: (reshape_in_place, reshape_twice),
    ml.SliceOp: (slice_all, slice_twice),
    ml.BroadcastInDimOp: (broadcast_in_place, broadcast_twice, broadcast_of_reshape),
    ml.ConcatenateOp: (concatenate_some,),
    ml.ReverseOp: (reverse_nothing, reverse_twice),
    ml.DynamicSliceOp: (dynamic_slice_at_known,),
    ml.DynamicUpdateSliceOp: (update_all,),
    ml.ReduceOp: (reduce_nothing, reduce_ones),
}
"""The equations, by op class."""
