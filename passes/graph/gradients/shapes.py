"""Gradients of what moves or repeats elements: each cotangent goes back to where its element came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, i1
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import dtype_of
from weft.dialects.ml.syntax import TO_THE_END
from weft.passes.graph.constants import new_constant
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.slices import extract_range, insert_range
from weft.passes.graph.gradients.terms import Term, filled


def broadcast_in_dim(op: ml.BroadcastInDimOp, here: Here) -> Sequence[SSAValue | None]:
    """The sum over the dimensions that were repeated."""
    source, target = tensor_type(op.operand), tensor_type(op.result).get_shape()
    kept = {dim for dim, size in zip(op.dims, source.get_shape(), strict=True) if size != 1 or target[dim] == 1}
    g = here.term(here.cotangent(op.result)).reduce("add", [axis for axis in range(len(target)) if axis not in kept])
    order = [dim for dim in op.dims if dim in kept]
    perm = [sorted(kept).index(dim) for dim in order]
    value = g.value
    if perm != sorted(perm):
        value = here.builder.insert(ml.TransposeOp(value, perm)).result
    return [_reshaped(here, value, op.operand), *[None] * len(op.sizes)]


def _reshaped(here: Here, value: SSAValue, model: SSAValue) -> SSAValue:
    """The elements in the shape of `model`."""
    if tensor_type(value).get_num_dims() == tensor_type(model).get_num_dims():
        return value
    sizes = run_time_sizes(here.builder, model)
    return here.builder.insert(ml.ReshapeOp(value, tensor_type(model), sizes)).result


def transpose(op: ml.TransposeOp, here: Here) -> Sequence[SSAValue | None]:
    """The dimensions in their old order."""
    inverse = [op.perm.index(axis) for axis in range(len(op.perm))]
    return [here.builder.insert(ml.TransposeOp(here.cotangent(op.result), inverse)).result]


def slice_(op: ml.SliceOp, here: Here) -> Sequence[SSAValue | None]:
    """Zeros around and between the cotangents."""
    return [unsliced(here, here.cotangent(op.result), op.operand, op.starts, op.limits, op.steps)]


def unsliced(
    here: Here,
    part: SSAValue,
    whole: SSAValue,
    starts: Sequence[int],
    limits: Sequence[int],
    steps: Sequence[int],
) -> SSAValue:
    """Zeros like `whole`, with `part` where such a slice of `whole` lies."""
    sizes, counts = tensor_type(whole).get_shape(), tensor_type(part).get_shape()
    ranges = list(zip(sizes, counts, starts, limits, steps, strict=True))
    if any(DYNAMIC_INDEX in (size, n) and (limit != TO_THE_END or step != 1) for size, n, _, limit, step in ranges):
        zeros = filled(here.builder, whole, 0)
        return insert_range(here.builder, part, zeros, list(starts), list(steps))
    high = tuple(
        0 if DYNAMIC_INDEX in (size, n) else size - start - ((n - 1) * step + 1 if n else 0)
        for size, n, start, _, step in ranges
    )
    zero = new_constant(here.builder, np.zeros((), dtype_of(tensor_type(part).element_type)))
    inner = tuple(step - 1 for step in steps)
    return here.builder.insert(ml.PadOp(part, zero, tuple(starts), high, inner)).result


def pad(op: ml.PadOp, here: Here) -> Sequence[SSAValue | None]:
    """To the operand its elements' cotangents; to the value the sum of all others."""
    g = here.term(here.cotangent(op.result))
    inner = unpadded(here, g.value, op.low, op.high, op.interior) if here.wants(op.operand) else None
    return [inner, _sum_of_padding(here, op, g) if here.wants(op.padding_value) else None]


def unpadded(here: Here, value: SSAValue, low: Sequence[int], high: Sequence[int], interior: Sequence[int]) -> SSAValue:
    """What such a padding was put around and between; zeros where it cut."""
    if any(low) or any(high):
        zero = new_constant(here.builder, np.zeros((), dtype_of(tensor_type(value).element_type)))
        value = here.builder.insert(ml.PadOp(value, zero, tuple(-n for n in low), tuple(-n for n in high))).result
    if any(interior):
        rank = len(interior)
        steps = [n + 1 for n in interior]
        value = here.builder.insert(ml.SliceOp(value, [0] * rank, [TO_THE_END] * rank, steps)).result
    return value


def _sum_of_padding(here: Here, op: ml.PadOp, g: Term) -> SSAValue:
    """The sum of the cotangents of elements that are padding."""
    false = filled(here.builder, op.operand, 0, i1)
    true = new_constant(here.builder, np.ones((), np.bool_))
    is_padding = here.builder.insert(ml.PadOp(false, true, op.low, op.high, op.interior)).result
    return g.chosen(is_padding, g, 0).reduce("add", range(len(op.low))).value


def concatenate(op: ml.ConcatenateOp, here: Here) -> Sequence[SSAValue | None]:
    """To each operand its own range."""
    g, start = here.cotangent(op.result), 0
    shapes = [tensor_type(value).get_shape() for value in op.inputs]
    if any(shape[op.dim] == DYNAMIC_INDEX for shape in shapes):
        return extract_range(here.builder, g, op.inputs, op.dim)
    parts: list[SSAValue] = []
    for shape in shapes:
        starts, limits = [0] * len(shape), [TO_THE_END] * len(shape)
        starts[op.dim], limits[op.dim] = start, start + shape[op.dim]
        start += shape[op.dim]
        parts.append(here.builder.insert(ml.SliceOp(g, starts, limits)).result)
    return parts


def cast_(op: tensor.CastOp, here: Here) -> Sequence[SSAValue | None]:
    """The cotangent itself; who takes it casts it back."""
    return [here.cotangent(op.dest)]


SHAPES: Rules = {
    ml.BroadcastInDimOp: broadcast_in_dim,
    ml.TransposeOp: transpose,
    ml.SliceOp: slice_,
    ml.PadOp: pad,
    ml.ConcatenateOp: concatenate,
    tensor.CastOp: cast_,
}
