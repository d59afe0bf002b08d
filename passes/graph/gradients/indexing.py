"""Gradients of what reads and writes at places that the run knows: cotangents go there, or come from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import arith, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, IntegerType, TensorType, i32, i64
from xdsl.ir import SSAValue

from weft import codes
from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.locations import error_at
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.combinations import SET
from weft.dialects.ml.dtypes import dtype_of
from weft.dialects.ml.gather import GatherOp
from weft.passes.graph.constants import new_constant, new_index
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.slices import extract_slice, shape_of, size_of
from weft.passes.graph.gradients.terms import filled, spread


def dynamic_slice(op: ml.DynamicSliceOp, here: Here) -> Sequence[SSAValue | None]:
    """Zeros, with the cotangents in the slice."""
    zeros = filled(here.builder, op.operand, 0)
    put = ml.DynamicUpdateSliceOp(zeros, here.cotangent(op.result), list(op.start_indices))
    return [here.builder.insert(put).result, *[None] * len(op.start_indices)]


def dynamic_update_slice(op: ml.DynamicUpdateSliceOp, here: Here) -> Sequence[SSAValue | None]:
    """To the update the cotangents in the slice; to the operand the others."""
    g, starts = here.cotangent(op.result), list(op.start_indices)
    rest = ml.DynamicUpdateSliceOp(g, filled(here.builder, op.update, 0), starts)
    results = [here.builder.insert(rest).result, _sliced(here, g, op.update, starts)]
    return [*results, *[None] * len(starts)]


def _sliced(here: Here, g: SSAValue, part: SSAValue, starts: Sequence[SSAValue]) -> SSAValue | None:
    """The slice of `g` of the sizes of `part`."""
    if not here.wants(part):
        return None
    target = tensor_type(part)
    if target.has_static_shape():
        return here.builder.insert(ml.DynamicSliceOp(g, starts, target.get_shape())).result
    sizes = shape_of(here.builder, part)
    places = [_start(here, start, g, axis, size) for axis, (start, size) in enumerate(zip(starts, sizes, strict=True))]
    return extract_slice(here.builder, g, places, sizes, target)


def _start(here: Here, start: SSAValue, whole: SSAValue, axis: int, size: SSAValue | int) -> SSAValue:
    """A start as an index, held so that a slice of that size lies inside."""
    index = IndexType()
    number = here.builder.insert(tensor.ExtractOp(_as_i64(here, start), [], i64)).result
    place = here.builder.insert(arith.IndexCastOp(number, index)).result
    dim, length = (
        new_index(here.builder, n) if isinstance(n, int) else n for n in (size_of(here.builder, whole, axis), size)
    )
    room = here.builder.insert(arith.SubiOp(dim, length)).result
    place = here.builder.insert(arith.MinSIOp(place, room)).result
    return here.builder.insert(arith.MaxSIOp(place, new_index(here.builder, 0))).result


def take(op: ml.TakeOp, here: Here) -> Sequence[SSAValue | None]:
    """The sums of the cotangents of each slice."""
    rank, places = tensor_type(op.operand).get_num_dims(), tensor_type(op.indices).get_num_dims()
    indices = _clamped(here, op.indices, places, op.operand, [op.axis], [1])
    windows = [axis if axis < op.axis else axis + places - 1 for axis in range(rank) if axis != op.axis]
    put = ml.ScatterOp(
        [filled(here.builder, op.operand, 0)],
        indices,
        [here.cotangent(op.result)],
        "add",
        update_window_dims=windows,
        inserted=[op.axis],
        scatter_dims=[op.axis],
        index_vector_dim=places,
    )
    return [here.builder.insert(put).outputs[0], None]


def gather(op: ml.GatherOp, here: Here) -> Sequence[SSAValue | None]:
    """The sums of the cotangents of each element."""
    vectors = op.vectors
    sizes = op.slice_sizes.get_values()
    indexed = [sizes[dim] for dim in vectors.dims]
    indices = _clamped(here, op.start_indices, vectors.vector_dim, op.operand, vectors.dims, indexed)
    put = ml.ScatterOp(
        [filled(here.builder, op.operand, 0)],
        indices,
        [here.cotangent(op.result)],
        "add",
        update_window_dims=op.offset_dims.get_values(),
        inserted=op.collapsed_slice_dims.get_values(),
        batching=(vectors.operand_batching, vectors.indices_batching),
        scatter_dims=vectors.dims,
        index_vector_dim=vectors.vector_dim,
    )
    return [here.builder.insert(put).outputs[0], None]


def _as_i64(here: Here, indices: SSAValue) -> SSAValue:
    """Indices as i64; those beyond it are its greatest number."""
    element = tensor_type(indices).element_type
    if dtype_of(element) == np.uint64:
        greatest = filled(here.builder, indices, np.iinfo(np.int64).max)
        indices = here.builder.insert(ml.MinOp(indices, greatest)).result
    return indices if element == i64 else here.builder.insert(ml.ConvertOp(indices, i64)).result


def _clamped(
    here: Here, indices: SSAValue, vector_dim: int, whole: SSAValue, dims: Sequence[int], sizes: Sequence[int]
) -> SSAValue:
    """Index vectors held so that slices of `sizes` (-1: all) lie inside of `whole` in `dims`, as gather holds them."""
    places = _as_i64(here, indices)
    limits = [_room(here, whole, dim, size) for dim, size in zip(dims, sizes, strict=True)]
    greatest = _vector(here, limits, places, vector_dim)
    low = new_constant(here.builder, np.zeros((), np.int64))
    return here.builder.insert(ml.ClampOp(low, places, greatest)).result


def _room(here: Here, whole: SSAValue, dim: int, size: int) -> SSAValue | int:
    """The greatest start of a slice: the size of a dimension less that of the slice."""
    known = tensor_type(whole).get_shape()[dim]
    if size < 0:
        return 0
    if known != DYNAMIC_INDEX:
        return known - size
    found = here.builder.insert(ml.GetDimensionSizeOp(whole, dim)).result
    wide = here.builder.insert(ml.ConvertOp(found, i64)).result
    less = new_constant(here.builder, np.asarray(size, np.int64))
    return here.builder.insert(ml.SubOp(wide, less)).result


def _vector(here: Here, numbers: Sequence[SSAValue | int], model: SSAValue, vector_dim: int) -> SSAValue:
    """Numbers along the dimension of index vectors, repeated to the shape of `model`."""
    if all(isinstance(number, int) for number in numbers):
        vector = new_constant(here.builder, np.asarray(numbers, np.int64))
    else:
        one = TensorType(i64, [1])
        parts = [
            new_constant(here.builder, np.asarray([number], np.int64))
            if isinstance(number, int)
            else here.builder.insert(ml.ReshapeOp(number, one)).result
            for number in numbers
        ]
        vector = here.builder.insert(ml.ConcatenateOp(parts)).result
    if vector_dim == tensor_type(model).get_num_dims():
        scalar = here.builder.insert(ml.ReshapeOp(vector, TensorType(i64, []))).result
        return spread(here.builder, scalar, [], model)
    return spread(here.builder, vector, [vector_dim], model)


def scatter(op: ml.ScatterOp, here: Here) -> Sequence[SSAValue | None]:
    """By adding, or by setting: where an element is set twice, the last update gets its cotangent."""
    kind = op.kind
    if kind not in ("add", SET) or len(op.outputs) != 1:
        message = f"{op.name} has a gradient only for one input, and by add or by set"
        raise error_at(op, message, code=codes.NO_GRADIENT)
    g, (input_,), (updates,) = here.cotangent(op.outputs[0]), op.inputs, op.updates
    read = _read(here, op, g, updates)
    if kind == "add":
        return [g, None, read]
    rest = _like(op, g, filled(here.builder, updates, 0), SET)
    rest = here.builder.insert(rest).outputs[0] if here.wants(input_) else None
    return [rest, None, read if op.unique_indices is not None else _last(here, op, read)]


def _like(op: ml.ScatterOp, value: SSAValue, updates: SSAValue, kind: str) -> ml.ScatterOp:
    """A scatter into another tensor, to the same places."""
    vectors = op.vectors
    return ml.ScatterOp(
        [value],
        op.indices,
        [updates],
        kind,
        update_window_dims=op.update_window_dims.get_values(),
        inserted=op.inserted_window_dims.get_values(),
        batching=(vectors.operand_batching, vectors.indices_batching),
        scatter_dims=vectors.dims,
        index_vector_dim=vectors.vector_dim,
        unique=op.unique_indices is not None,
    )


def _read(here: Here, op: ml.ScatterOp, value: SSAValue, updates: SSAValue) -> SSAValue:
    """What stands in `value` where each update goes, 0 where it goes nowhere.

    The tensor gets a border as wide as a window, so that a window that leaves it finds zeros.
    """
    vectors, shape = op.vectors, tensor_type(updates).get_shape()
    rank = tensor_type(value).get_num_dims()
    windows = dict(zip(op.window_axes, op.update_window_dims.get_values(), strict=True))
    sizes = [shape[windows[axis]] if axis in windows else 1 for axis in range(rank)]
    if any(sizes[dim] == DYNAMIC_INDEX for dim in vectors.dims):
        message = f"{op.name} of windows of run-time size, at places that the run knows, has no gradient"
        raise error_at(op, message, code=codes.NO_GRADIENT)
    shape = tensor_type(value).get_shape()
    if any(DYNAMIC_INDEX != shape[axis] < sizes[axis] for axis in range(rank) if axis not in vectors.dims):
        return filled(here.builder, updates, 0)  # no window fits in: no update goes anywhere
    border = tuple(sizes[axis] if axis in vectors.dims else 0 for axis in range(rank))
    zero = new_constant(here.builder, np.zeros((), dtype_of(tensor_type(value).element_type)))
    wide = here.builder.insert(ml.PadOp(value, zero, border, border)).result
    places = _shifted(here, op, [border[dim] for dim in vectors.dims])
    found = GatherOp(
        wide,
        places,
        sizes,
        offset_dims=op.update_window_dims.get_values(),
        collapsed=op.inserted_window_dims.get_values(),
        batching=(vectors.operand_batching, vectors.indices_batching),
        start_index_map=vectors.dims,
        index_vector_dim=vectors.vector_dim,
    )
    return here.builder.insert(found).result


def _shifted(here: Here, op: ml.ScatterOp, border: Sequence[int]) -> SSAValue:
    """The indices into a tensor with a border. Great ones stay great: they are held below the end of i64 first."""
    places = _as_i64(here, op.indices)
    shift = _vector(here, list(border), places, op.vectors.vector_dim)
    greatest = _vector(here, [np.iinfo(np.int64).max - n for n in border], places, op.vectors.vector_dim)
    held = here.builder.insert(ml.MinOp(places, greatest)).result
    return here.builder.insert(ml.AddOp(held, shift)).result


def _last(here: Here, op: ml.ScatterOp, read: SSAValue) -> SSAValue:
    """`read`, and 0 for updates that a later one replaced: each writes its number, and reads whose number is there."""
    model = here.builder.insert(ml.ConvertOp(op.updates[0], i32)).result
    count = TensorType(i32, [int(np.prod(tensor_type(model).get_shape(), dtype=np.int64))])
    if not tensor_type(model).has_static_shape():
        count = TensorType(i32, [DYNAMIC_INDEX])
    flat = here.builder.insert(ml.ReshapeOp(model, count)).result
    numbers = here.builder.insert(ml.IotaOp(0, count, run_time_sizes(here.builder, flat))).result
    numbers = here.builder.insert(ml.ReshapeOp(numbers, tensor_type(model), run_time_sizes(here.builder, model))).result
    one = filled(here.builder, model, 1)
    numbers = here.builder.insert(ml.AddOp(numbers, one)).result
    written = _like(op, filled(here.builder, op.inputs[0], 0, i32), numbers, SET)
    seen = _read(here, op, here.builder.insert(written).outputs[0], op.updates[0])
    is_last = here.builder.insert(ml.CompareOp("EQ", seen, numbers)).result
    return here.term(read).chosen(is_last, here.term(read), 0).value


def reverse(op: ml.ReverseOp, here: Here) -> Sequence[SSAValue | None]:
    """The cotangents in the reverse order."""
    return [here.builder.insert(ml.ReverseOp(here.cotangent(op.result), op.dims)).result]


def triangle(op: ml.TrilOp | ml.TriuOp, here: Here) -> Sequence[SSAValue | None]:
    """The same triangle of the cotangents."""
    return [here.builder.insert(type(op)(here.cotangent(op.result), op.offset)).result]


def sort(op: ml.SortOp, here: Here) -> Sequence[SSAValue | None]:
    """Back to where the elements came from: their numbers are sorted along, then the cotangents by these."""
    element = IntegerType(64)
    shape = tensor_type(op.inputs[0]).get_shape()
    numbers = ml.IotaOp(op.dim, TensorType(element, shape), run_time_sizes(here.builder, op.inputs[0]))
    numbers = here.builder.insert(numbers).result
    order = op.comparator.clone()
    for _ in range(2):
        order.block.insert_arg(TensorType(element, []), len(order.block.args))
    places = here.builder.insert(ml.SortOp([*op.inputs, numbers], order, op.dim)).outputs[-1]
    wanted = [n for n, value in enumerate(op.inputs) if here.wants(value)]
    given = [here.cotangent(op.outputs[n]) for n in wanted]
    back = here.builder.insert(ml.SortOp([places, *given], "ascending", op.dim)).outputs[1:]
    results: list[SSAValue | None] = [None] * len(op.inputs)
    for n, value in zip(wanted, back, strict=True):
        results[n] = value
    return results


def top_k(op: ml.TopKOp, here: Here) -> Sequence[SSAValue | None]:
    """Zeros, with the cotangents at the places of the greatest elements."""
    last = tensor_type(op.operand).get_num_dims() - 1
    put = ml.ScatterOp(
        [filled(here.builder, op.operand, 0)],
        op.indices,
        [here.cotangent(op.values)],
        "add",
        inserted=[last],
        batching=(range(last), range(last)),
        scatter_dims=[last],
        index_vector_dim=last + 1,
        unique=True,
    )
    return [here.builder.insert(put).outputs[0]]


INDEXING: Rules = {
    ml.DynamicSliceOp: dynamic_slice,
    ml.DynamicUpdateSliceOp: dynamic_update_slice,
    ml.TakeOp: take,
    ml.GatherOp: gather,
    ml.ScatterOp: scatter,
    ml.ReverseOp: reverse,
    ml.TrilOp: triangle,
    ml.TriuOp: triangle,
    ml.SortOp: sort,
    ml.TopKOp: top_k,
}
