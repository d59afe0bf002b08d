"""Pooling as reductions of windows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import dtype_of
from weft.passes.graph.constants import new_constant
from weft.passes.graph.dim_identities import dim_value
from weft.passes.graph.equations.building import put, scalar, size_of
from weft.passes.rewriting import LocatedBuilder


def max_pool(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """max_pool(x) = reduce_window max x"""
    assert isinstance(op, ml.MaxPoolOp)
    return put(builder, ml.ReduceWindowOp.of("max", operands[0], op.sliding))


def avg_pool(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """avg_pool(x) = reduce_window add x / n, n = reduce_window add 1"""
    assert isinstance(op, ml.AvgPoolOp)
    (x,) = operands
    total = put(builder, ml.ReduceWindowOp.of("add", x, op.sliding))
    return put(builder, ml.DivOp(total, _counts(builder, op, x, tensor_type(total))))


def _counts(builder: LocatedBuilder, op: ml.AvgPoolOp, x: SSAValue, target: TensorType) -> SSAValue:
    """How many elements each sum has, as a tensor of the type of the sums."""
    shape, axes = tensor_type(x).get_shape(), sorted(op.dims)
    if op.counts_padding or all(max(pad) <= 0 for pad in op.sliding.pad):
        return _repeated(builder, op, scalar(builder, x, prod(op.sliding.window)), [], target)
    if any(shape[axis] == DYNAMIC_INDEX for axis in axes):
        counts = _counted(builder, op, x, axes)
    else:
        found = op.window_elements(shape)
        dtype = dtype_of(target.element_type)
        counts = new_constant(builder, found.reshape([found.shape[axis] for axis in axes]).astype(dtype))
    return _repeated(builder, op, counts, axes, target)


def _counted(builder: LocatedBuilder, op: ml.AvgPoolOp, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    """The counts where only the run knows the sizes: the sum of what the windows see of a tensor of ones."""
    source = tensor_type(x)
    shape = [source.get_shape()[axis] for axis in axes]
    sizes = [size_of(builder, x, axis) for axis, n in zip(axes, shape, strict=True) if n == DYNAMIC_INDEX]
    ones = ml.BroadcastInDimOp(scalar(builder, x, 1), [], TensorType(source.element_type, shape), sizes)
    return put(builder, ml.ReduceWindowOp.of("add", put(builder, ones), op.sliding.along(axes)))


def _repeated(builder: LocatedBuilder, op: MlOp, value: SSAValue, axes: Sequence[int], target: TensorType) -> SSAValue:
    """A value along `axes` of the result, repeated along the others; sizes are asked of what the op takes."""
    said = {axis for axis, n in zip(axes, tensor_type(value).get_shape(), strict=True) if n != 1}
    sizes = [
        dim_value(builder, op, op.result_dims()[0][axis])
        for axis, n in enumerate(target.get_shape())
        if n == DYNAMIC_INDEX and axis not in said
    ]
    return put(builder, ml.BroadcastInDimOp(value, axes, target, sizes))
