"""What equations are made of: constants, sizes and repetitions like another tensor, and one rounding at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import TypeAlias

import numpy as np
from xdsl.dialects import tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, f32
from xdsl.ir import Operation, SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import MlOp, is_tensor, tensor_type
from weft.dialects.ml.dtypes import Kind, dtype_of, kind_of, width_of
from weft.passes.graph.constants import new_constant, new_index
from weft.passes.graph.identities import Values
from weft.passes.graph.worklist import Pattern
from weft.passes.rewriting import LocatedBuilder

Equation: TypeAlias = Callable[[LocatedBuilder, MlOp, Sequence[SSAValue]], SSAValue]
"""The value of an op with one result. The operands are given apart from it, since they may have been converted."""


def put(builder: LocatedBuilder, op: Operation) -> SSAValue:
    """Insert an op; its first result."""
    return builder.insert(op).results[0]


def size_of(builder: LocatedBuilder, value: SSAValue, axis: int) -> SSAValue:
    """The size of a dimension, as an `index`."""
    return builder.insert(tensor.DimOp(value, new_index(builder, axis))).result


def scalar(builder: LocatedBuilder, model: SSAValue, number: float) -> SSAValue:
    """A number as a rank-0 tensor of the elements of `model`."""
    return new_constant(builder, np.asarray(number).astype(dtype_of(tensor_type(model).element_type)))


def filled(builder: LocatedBuilder, model: SSAValue, number: float) -> SSAValue:
    """A tensor like `model` that is `number` everywhere."""
    return spread(builder, scalar(builder, model, number), [], model)


def spread(builder: LocatedBuilder, value: SSAValue, dims: Sequence[int], model: SSAValue) -> SSAValue:
    """`value`, whose dimensions are the dimensions `dims` of `model`, repeated along the others.

    A dimension that is 1 in the type of `value` is repeated too.
    """
    shape = tensor_type(model).get_shape()
    kept = {dim for dim, n in zip(dims, tensor_type(value).get_shape(), strict=True) if n != 1}
    sizes = run_time_sizes(builder, model, [axis for axis in range(len(shape)) if axis not in kept])
    type_ = TensorType(tensor_type(value).element_type, shape)
    return put(builder, ml.BroadcastInDimOp(value, dims, type_, sizes))


def along(builder: LocatedBuilder, value: SSAValue, model: SSAValue, dims: Sequence[int]) -> SSAValue:
    """`value`, which lacks the dimensions `dims` of `model`, repeated along them."""
    return spread(builder, value, others(model, dims), model)


def others(model: SSAValue, dims: Sequence[int]) -> list[int]:
    """The dimensions of a tensor that are not in `dims`."""
    return [axis for axis in range(tensor_type(model).get_num_dims()) if axis not in dims]


def count_along(builder: LocatedBuilder, value: SSAValue, dims: Sequence[int]) -> SSAValue:
    """How many elements a tensor has along some dimensions, as a rank-0 tensor of its own elements."""
    shape = tensor_type(value).get_shape()
    count = scalar(builder, value, prod(shape[dim] for dim in dims if shape[dim] != DYNAMIC_INDEX))
    for dim in dims:
        if shape[dim] == DYNAMIC_INDEX:
            size = put(builder, ml.GetDimensionSizeOp(value, dim))
            number = put(builder, ml.ConvertOp(size, tensor_type(value).element_type))
            count = put(builder, ml.MulOp(count, number))
    return count


def mean_along(builder: LocatedBuilder, value: SSAValue, dims: Sequence[int]) -> SSAValue:
    """The mean of a tensor along some dimensions, which go away."""
    total = put(builder, ml.ReduceOp.of("add", value, dims))
    return put(builder, ml.DivOp(total, spread(builder, count_along(builder, value, dims), [], total)))


def _in_f32(op: MlOp, builder: LocatedBuilder, *, equation: Equation) -> Values:
    element = tensor_type(op.results[0]).element_type
    operands = [_widened(builder, value) for value in op.operands]
    result = equation(builder, op, operands)
    if tensor_type(result).element_type != element:
        result = put(builder, ml.ConvertOp(result, element))
    return [as_said(builder, op, result)]


def as_said(builder: LocatedBuilder, op: MlOp, result: SSAValue) -> SSAValue:
    """A result in the type of the op, which may say other sizes than the smaller ops know."""
    if result.type == op.results[0].type:
        return result
    return builder.insert(tensor.CastOp(result, tensor_type(op.results[0]))).dest


def _widened(builder: LocatedBuilder, value: SSAValue) -> SSAValue:
    if not is_tensor(value):
        return value
    element = tensor_type(value).element_type
    narrow = kind_of(element) is Kind.FLOAT and width_of(element) == 16
    return put(builder, ml.ConvertOp(value, f32)) if narrow else value


def rounded_once(equation: Equation) -> Pattern:
    """An equation as a pattern: f16 and bf16 are computed in f32, and rounded at the end."""
    return partial(_in_f32, equation=equation)


def _plain(op: MlOp, builder: LocatedBuilder, *, equation: Equation) -> Values:
    return [as_said(builder, op, equation(builder, op, op.operands))]


def exact(equation: Equation) -> Pattern:
    """An equation as a pattern, in the types of the op itself."""
    return partial(_plain, equation=equation)
