"""Gradients of the ops of `tensor` that read and write parts, and the parts that other rules need."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from xdsl.dialects import arith, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseArrayBase, TensorType, i64
from xdsl.ir import Operation, SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import tensor_type
from weft.passes.graph.constants import new_index
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.terms import filled
from weft.passes.rewriting import LocatedBuilder


def size_of(builder: LocatedBuilder, value: SSAValue, axis: int) -> SSAValue | int:
    """The size of a dimension: a number where the type says it."""
    size = tensor_type(value).get_shape()[axis]
    return builder.insert(tensor.DimOp(value, new_index(builder, axis))).result if size == DYNAMIC_INDEX else size


def shape_of(builder: LocatedBuilder, value: SSAValue) -> list[SSAValue | int]:
    """The sizes of a tensor."""
    return [size_of(builder, value, axis) for axis in range(tensor_type(value).get_num_dims())]


def insert_range(
    builder: LocatedBuilder, part: SSAValue, whole: SSAValue, starts: Sequence[SSAValue | int], steps: Sequence[int]
) -> SSAValue:
    """`whole` with `part`, of the same rank, put at `starts` by `steps`."""
    return insert_slice(builder, part, whole, starts, shape_of(builder, part), steps)


def insert_slice(
    builder: LocatedBuilder,
    part: SSAValue,
    whole: SSAValue,
    starts: Sequence[SSAValue | int],
    sizes: Sequence[SSAValue | int],
    steps: Sequence[int],
) -> SSAValue:
    """`tensor.insert_slice`, each number static or a value."""
    op = tensor.InsertSliceOp.build(
        operands=[part, whole, _values(starts), _values(sizes), []],
        properties={
            "static_offsets": _numbers(starts),
            "static_sizes": _numbers(sizes),
            "static_strides": _numbers(steps),
        },
        result_types=[whole.type],
    )
    return builder.insert(op).result


def extract_slice(
    builder: LocatedBuilder,
    whole: SSAValue,
    starts: Sequence[SSAValue | int],
    sizes: Sequence[SSAValue | int],
    type_: TensorType,
) -> SSAValue:
    """`tensor.extract_slice` by steps of 1, each number static or a value."""
    return builder.insert(tensor.ExtractSliceOp(whole, starts, sizes, [1] * len(starts), type_)).result


def extract_range(
    builder: LocatedBuilder, whole: SSAValue, parts: Sequence[SSAValue], dim: int
) -> list[SSAValue | None]:
    """What lies in `whole` where `parts` follow each other along `dim`, one for each part."""
    results: list[SSAValue | None] = []
    start: SSAValue | int = 0
    for part in parts:
        sizes = shape_of(builder, part)
        starts: list[SSAValue | int] = [start if axis == dim else 0 for axis in range(len(sizes))]
        results.append(extract_slice(builder, whole, starts, sizes, tensor_type(part)))
        first, size = (new_index(builder, n) if isinstance(n, int) else n for n in (start, sizes[dim]))
        start = builder.insert(arith.AddiOp(first, size)).result
    return results


def _values(numbers: Sequence[SSAValue | int]) -> list[SSAValue]:
    return [number for number in numbers if not isinstance(number, int)]


def _numbers(numbers: Sequence[SSAValue | int]) -> DenseArrayBase:
    return DenseArrayBase.from_list(i64, [n if isinstance(n, int) else DYNAMIC_INDEX for n in numbers])


def of_extract_slice(op: tensor.ExtractSliceOp, here: Here) -> Sequence[SSAValue | None]:
    """Zeros, with the cotangents in the slice."""
    zeros = filled(here.builder, op.source, 0)
    return [_put_back(op, here.cotangent(op.result), zeros, here), *[None] * (len(op.operands) - 1)]


def of_insert_slice(op: tensor.InsertSliceOp, here: Here) -> Sequence[SSAValue | None]:
    """To the source the cotangents in the slice; to the destination the others."""
    g = here.cotangent(op.result)
    part = tensor.ExtractSliceOp.build(
        operands=[g, op.offsets, op.sizes, op.strides], properties=_ranges(op), result_types=[op.source.type]
    )
    rest = _put_back(op, filled(here.builder, op.source, 0), g, here) if here.wants(op.dest) else None
    return [here.builder.insert(part).result, rest, *[None] * (len(op.operands) - 2)]


def _put_back(
    op: tensor.ExtractSliceOp | tensor.InsertSliceOp, part: SSAValue, whole: SSAValue, here: Here
) -> SSAValue:
    """`whole` with `part` in the slice of an op."""
    put = tensor.InsertSliceOp.build(
        operands=[part, whole, op.offsets, op.sizes, op.strides], properties=_ranges(op), result_types=[whole.type]
    )
    return here.builder.insert(put).result


def _ranges(op: tensor.ExtractSliceOp | tensor.InsertSliceOp) -> dict[str, DenseArrayBase]:
    return {
        "static_offsets": op.static_offsets,
        "static_sizes": op.static_sizes,
        "static_strides": op.static_strides,
    }


def of_extract(op: tensor.ExtractOp, here: Here) -> Sequence[SSAValue | None]:
    """Zeros, with the cotangent at the element."""
    zeros = filled(here.builder, op.tensor, 0)
    put = here.builder.insert(tensor.InsertOp(here.cotangent(op.result), zeros, list(op.indices))).result
    return [put, *[None] * len(op.indices)]


def of_insert(op: tensor.InsertOp, here: Here) -> Sequence[SSAValue | None]:
    """To the scalar the cotangent at its place; to the destination the others."""
    g, places = here.cotangent(op.result), list(op.indices)
    one = here.builder.insert(tensor.ExtractOp(g, places, op.scalar.type)).result
    rest = here.builder.insert(tensor.InsertOp(filled(here.builder, op.scalar, 0), g, places)).result
    return [one, rest, *[None] * len(places)]


def of_from_elements(op: tensor.FromElementsOp, here: Here) -> Sequence[SSAValue | None]:
    """To each element the cotangent at its place."""
    g = here.cotangent(op.result)
    places = product(*(range(n) for n in tensor_type(op.result).get_shape()))
    return [
        here.builder.insert(tensor.ExtractOp(g, [new_index(here.builder, i) for i in place], element.type)).result
        for element, place in zip(op.elements, places, strict=True)
    ]


def of_splat(op: tensor.SplatOp, here: Here) -> Sequence[SSAValue | None]:
    """The sum of all cotangents."""
    g = here.term(here.cotangent(op.result))
    total = g.reduce("add", range(tensor_type(op.result).get_num_dims())).value
    one = here.builder.insert(tensor.ExtractOp(total, [], op.input.type)).result
    return [one, *[None] * len(op.dynamicSizes)]


def of_reshape(op: Operation, here: Here) -> Sequence[SSAValue | None]:
    """The cotangents in the shape of the operand."""
    source = op.operands[0]
    sizes = run_time_sizes(here.builder, source)
    back = here.builder.insert(ml.ReshapeOp(here.cotangent(op.results[0]), tensor_type(source), sizes)).result
    return [back, *[None] * (len(op.operands) - 1)]


def of_concat(op: tensor.ConcatOp, here: Here) -> Sequence[SSAValue | None]:
    """To each operand its own range."""
    return extract_range(here.builder, here.cotangent(op.result), op.inputs, op.dim.value.data)


SLICES: Rules = {
    tensor.ExtractSliceOp: of_extract_slice,
    tensor.InsertSliceOp: of_insert_slice,
    tensor.ExtractOp: of_extract,
    tensor.InsertOp: of_insert,
    tensor.FromElementsOp: of_from_elements,
    tensor.SplatOp: of_splat,
    tensor.ExpandShapeOp: of_reshape,
    tensor.CollapseShapeOp: of_reshape,
    tensor.ReshapeOp: of_reshape,
    ml.ReshapeOp: of_reshape,
    tensor.ConcatOp: of_concat,
}
