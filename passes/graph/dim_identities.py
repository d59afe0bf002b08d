"""Sizes: `tensor.dim` answered by the type or by the op that makes the tensor; casts that say nothing new."""

from __future__ import annotations

from typing import cast

import numpy as np
from xdsl.dialects import tensor
from xdsl.dialects.arith import AddiOp, FloorDivSIOp, MuliOp
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import OpResult, SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dims import Dim, DimOf, FloorDiv, Product, SizeOf, Sum
from weft.passes.graph.constants import index_of, new_constant, new_index
from weft.passes.graph.identities import Values
from weft.passes.graph.worklist import Patterns
from weft.passes.rewriting import LocatedBuilder


def dim_value(builder: LocatedBuilder, op: MlOp, dim: Dim) -> SSAValue:
    """The number that a dim of an op is, as an `index` made of the op's operands."""
    match dim:
        case int():
            return new_index(builder, dim)
        case DimOf(operand, axis):
            return builder.insert(tensor.DimOp(op.operands[operand], new_index(builder, axis))).result
        case SizeOf(operand):
            return op.operands[operand]
        case Sum(parts) | Product(parts):
            join = AddiOp if isinstance(dim, Sum) else MuliOp
            first, *rest = (dim_value(builder, op, part) for part in parts)
            for value in rest:
                first = builder.insert(join(first, value)).result
            return first
        case FloorDiv(dividend, divisor):
            value = dim_value(builder, op, dividend)
            return builder.insert(FloorDivSIOp(value, new_index(builder, divisor))).result


def dim_of_known(op: tensor.DimOp, builder: LocatedBuilder) -> Values:
    """dim(x, i) = n, where the type of x says so"""
    axis = index_of(op.index)
    if axis is None or not isinstance(op.source.type, TensorType):
        return None
    shape = tensor_type(op.source).get_shape()
    if not 0 <= axis < len(shape) or shape[axis] == DYNAMIC_INDEX:
        return None

    return [new_index(builder, shape[axis])]


def dim_of_made(op: tensor.DimOp, builder: LocatedBuilder) -> Values:
    """dim(op(a, b), i) = the op's own shape rule on a and b"""
    axis = index_of(op.index)
    made = op.source.op if isinstance(op.source, OpResult) else None
    if axis is None or not isinstance(made, MlOp) or not isinstance(op.source, OpResult):
        return None
    dims = made.result_dims()[op.source.index]
    if not 0 <= axis < len(dims):
        return None

    return [dim_value(builder, made, dims[axis])]


def dim_of_sized(op: tensor.DimOp, builder: LocatedBuilder) -> Values:
    """dim(tensor.empty(%n), i) = %n, and so for splat"""
    axis = index_of(op.index)
    made = op.source.op if isinstance(op.source, OpResult) else None
    if axis is None or not isinstance(made, tensor.EmptyOp | tensor.SplatOp):
        return None
    shape = tensor_type(op.source).get_shape()
    if not 0 <= axis < len(shape) or shape[axis] != DYNAMIC_INDEX:
        return None

    sizes = made.dynamic_sizes if isinstance(made, tensor.EmptyOp) else made.dynamicSizes
    return [sizes[shape[:axis].count(DYNAMIC_INDEX)]]


def dim_of_cast(op: tensor.DimOp, builder: LocatedBuilder) -> Values:
    """dim(cast(x), i) = dim(x, i)"""
    made = op.source.op if isinstance(op.source, OpResult) else None
    if not isinstance(made, tensor.CastOp) or not isinstance(made.source.type, TensorType):
        return None

    return [builder.insert(tensor.DimOp(made.source, op.index)).result]


def size_of_known(op: ml.GetDimensionSizeOp, builder: LocatedBuilder) -> Values:
    """get_dimension_size(x, i) = n, where the type of x says so"""
    size = tensor_type(op.operand).get_shape()[op.dim]
    if size == DYNAMIC_INDEX:
        return None

    return [new_constant(builder, np.array(size).astype(np.int32))]


def size_of_made(op: ml.GetDimensionSizeOp, builder: LocatedBuilder) -> Values:
    """get_dimension_size(op(a, b), i) = get_dimension_size(a, j), where the op's shape rule says so"""
    made = op.operand.op if isinstance(op.operand, OpResult) else None
    if not isinstance(made, MlOp) or not isinstance(op.operand, OpResult):
        return None
    dim = made.result_dims()[op.operand.index][op.dim]
    if not isinstance(dim, DimOf):
        return None

    return [builder.insert(ml.GetDimensionSizeOp(made.operands[dim.operand], dim.axis)).results[0]]


def cast_to_same(op: tensor.CastOp, builder: LocatedBuilder) -> Values:
    """cast(x to its own type) = x"""
    return [op.source] if op.source.type == op.dest.type else None


def cast_twice(op: tensor.CastOp, builder: LocatedBuilder) -> Values:
    """cast(cast(x)) = cast(x), where the first cast only forgets sizes"""
    made = op.source.op if isinstance(op.source, OpResult) else None
    if not isinstance(made, tensor.CastOp) or not only_forgets(made):
        return None
    if not isinstance(made.source.type, TensorType) or not isinstance(op.dest.type, TensorType):
        return None
    if disagree(made.source, op.dest):
        return None

    return [builder.insert(tensor.CastOp(made.source, op.dest.type)).dest]


def only_forgets(op: tensor.CastOp) -> bool:
    """Whether a cast claims no size that its source does not have."""
    if not isinstance(op.source.type, TensorType) or not isinstance(op.dest.type, TensorType):
        return False
    source, dest = tensor_type(op.source).get_shape(), tensor_type(op.dest).get_shape()
    return all(b in (DYNAMIC_INDEX, a) for a, b in zip(source, dest, strict=True))


def disagree(left: SSAValue, right: SSAValue) -> bool:
    """Whether the types of two tensors of one rank claim different sizes."""
    pairs = zip(tensor_type(left).get_shape(), tensor_type(right).get_shape(), strict=True)
    return any(a != b and DYNAMIC_INDEX not in (a, b) for a, b in pairs)


def extract_of_elements(op: tensor.ExtractOp, builder: LocatedBuilder) -> Values:
    """extract(from_elements(a, b, ...), i) = the element i;  extract(splat(a)) = a"""
    made = op.tensor.op if isinstance(op.tensor, OpResult) else None
    if isinstance(made, tensor.SplatOp) and not op.indices:
        return [made.input]
    index = [index_of(value) for value in op.indices]
    if not isinstance(made, tensor.FromElementsOp) or None in index:
        return None
    shape = tensor_type(op.tensor).get_shape()
    known = cast(list[int], index)
    if any(not 0 <= i < n for i, n in zip(known, shape, strict=True)):
        return None

    place = int(np.ravel_multi_index(known, shape)) if shape else 0
    return [made.elements[place]]


DIM_IDENTITIES: Patterns = {
    tensor.DimOp: (dim_of_known, dim_of_made, dim_of_sized, dim_of_cast),
    tensor.CastOp: (cast_to_same, cast_twice),
    tensor.ExtractOp: (extract_of_elements,),
    ml.GetDimensionSizeOp: (size_of_known, size_of_made),
}
"""The equations, by op class."""
