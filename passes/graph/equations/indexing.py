"""What reads at computed places, or says elements by their place, as gathers, comparisons and sorts."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, i64
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.syntax import TO_THE_END
from weft.passes.graph.dim_identities import dim_value
from weft.passes.graph.equations.building import filled, put
from weft.passes.graph.identities import Values
from weft.passes.graph.refinements import as_type
from weft.passes.rewriting import LocatedBuilder


def take(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """take(x, i) = gather(x, i): a slice of one along the axis, of all along the others"""
    assert isinstance(op, ml.TakeOp)
    x, indices = operands
    rank, batch = tensor_type(x).get_num_dims(), tensor_type(indices).get_num_dims()
    offsets = [axis if axis < op.axis else axis + batch for axis in range(rank - 1)]
    gathered = ml.GatherOp(
        x,
        indices,
        [1 if axis == op.axis else TO_THE_END for axis in range(rank)],
        offset_dims=offsets,
        collapsed=[op.axis],
        start_index_map=[op.axis],
        index_vector_dim=batch,
    )
    return put(builder, gathered)


def one_hot(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """one_hot(i) = i == iota, in i64: what is beyond it is negative there"""
    assert isinstance(op, ml.OneHotOp)
    target = tensor_type(op.result)
    number = TensorType(i64, target.get_shape())
    axes = [axis for axis in range(target.get_num_dims()) if axis != op.dim]
    new = list(op.sizes) if target.get_shape()[op.dim] == DYNAMIC_INDEX else []
    indices = op.indices
    if tensor_type(indices).element_type != i64:
        indices = put(builder, ml.ConvertOp(indices, i64))
    wanted = put(builder, ml.BroadcastInDimOp(indices, axes, number, new))
    places = put(builder, ml.IotaOp(op.dim, number, _sizes(builder, op)))
    return _as_number(builder, put(builder, ml.CompareOp("EQ", wanted, places)), target)


def _sizes(builder: LocatedBuilder, op: MlOp) -> list[SSAValue]:
    """The run-time sizes of a result."""
    target = tensor_type(op.results[0])
    pairs = zip(op.result_dims()[0], target.get_shape(), strict=True)
    return [dim_value(builder, op, dim) for dim, n in pairs if n == DYNAMIC_INDEX]


def _as_number(builder: LocatedBuilder, truth: SSAValue, target: TensorType) -> SSAValue:
    same = tensor_type(truth).element_type == target.element_type
    return truth if same else put(builder, ml.ConvertOp(truth, target.element_type))


def _lower(builder: LocatedBuilder, shape: Sequence[int], sizes: Sequence[SSAValue], diagonal: int) -> SSAValue:
    """Whether a place is on or below a diagonal: column - row <= diagonal."""
    number, rank = TensorType(i64, shape), len(shape)
    rows, columns = (put(builder, ml.IotaOp(dim, number, sizes)) for dim in (rank - 2, rank - 1))
    distance = put(builder, ml.SubOp(columns, rows))
    return put(builder, ml.CompareOp("LE", distance, filled(builder, distance, diagonal)))


def tri(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """tri = column - row <= diagonal"""
    assert isinstance(op, ml.TriOp)
    target = tensor_type(op.result)
    return _as_number(builder, _lower(builder, target.get_shape(), list(op.sizes), op.offset), target)


def triangle(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """tril(x) = select(column - row <= diagonal, x, 0)"""
    assert isinstance(op, ml.TrilOp | ml.TriuOp)
    (x,) = operands
    offset = op.offset if op.LOWER else op.offset - 1
    lower = _lower(builder, tensor_type(x).get_shape(), _sizes(builder, op), offset)
    zero = filled(builder, x, 0)
    yes, no = (x, zero) if op.LOWER else (zero, x)
    return put(builder, ml.SelectOp(lower, yes, no))


def top_k(op: ml.TopKOp, builder: LocatedBuilder) -> Values:
    """top_k(x) = the first k of sort(x, iota)"""
    source = tensor_type(op.operand)
    number = TensorType(tensor_type(op.indices).element_type, source.get_shape())
    last = source.get_num_dims() - 1
    dims = zip(op.operand_dims(0), source.get_shape(), strict=True)
    sizes = [dim_value(builder, op, dim) for dim, n in dims if n == DYNAMIC_INDEX]
    places = put(builder, ml.IotaOp(last, number, sizes))
    ordered = builder.insert(ml.SortOp([op.operand, places], "descending", last))
    starts, limits = [0] * (last + 1), [*[TO_THE_END] * last, op.count]
    firsts = [put(builder, ml.SliceOp(value, starts, limits)) for value in ordered.outputs]
    return [as_type(builder, value, result.type) for value, result in zip(firsts, op.results, strict=True)]
