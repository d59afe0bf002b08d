"""Elements at computed places (gather, take), by their place (one_hot, triangles), and by bits (reduce_precision)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerType, i64
from xdsl.ir import Attribute, SSAValue

from weft.dialects import ml
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import Kind, kind_of, width_of
from weft.dialects.ml.index_vectors import IndexVectors
from weft.passes.loops.ml_to_loop.body import is_float, signless
from weft.passes.loops.reify import Size

if TYPE_CHECKING:
    from weft.passes.loops.ml_to_loop.nests import Index, Nest


def place_of(nest: Nest, element: SSAValue, type_: Attribute) -> SSAValue:
    """An element of a tensor of indices as `i64`; a greater one is the greatest `i64`. `type_` is its ml type."""
    signed = kind_of(type_) is Kind.SIGNED
    if not signed and width_of(type_) == 64:
        return nest.body.put(arith.MinUIOp(element, nest.body.like((1 << 63) - 1, element)))
    return nest.body.resize_integer(element, i64, signed=signed)


def as_form(nest: Nest, place: SSAValue) -> Linear:
    """An `i64` that is known to be inside a dimension, as a form."""
    return linear(nest.body.put(arith.IndexCastOp(place, IndexType())))


def clamped(nest: Nest, place: SSAValue, last: Linear) -> Linear:
    """A place of type `i64`, held between 0 and `last`."""
    low = nest.body.put(arith.MaxSIOp(place, nest.body.like(0, place)))
    return as_form(nest, nest.body.put(arith.MinSIOp(low, nest.number(last, i64))))


def component(nest: Nest, vectors: IndexVectors, indices: SSAValue, batch: Index, number: int) -> SSAValue:
    """Component `number` of the index vector that `batch` means, as `i64`."""
    index = list(batch)
    if vectors.vector_dim < vectors.rank:
        index.insert(vectors.vector_dim, linear(number))
    return place_of(nest, nest.element(indices, tuple(index)), tensor_type(indices).element_type)


def gather(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.gather` reads its operand behind a clamped start."""
    assert isinstance(op, ml.GatherOp)
    vectors, offsets = op.vectors, op.offset_dims.get_values()
    batch = tuple(form for axis, form in enumerate(index) if axis not in offsets)
    inside = iter(index[axis] for axis in offsets)
    dims = nest.kernel.dims(op.operand)
    sizes = op.slice_sizes.get_values()
    place = [linear(0) if axis in op.dropped else next(inside) for axis in range(len(dims))]
    for number, axis in enumerate(vectors.dims):
        size: Size = dims[axis] if sizes[axis] < 0 else sizes[axis]
        start = component(nest, vectors, op.start_indices, batch, number)
        place[axis] += clamped(nest, start, linear(dims[axis]) - size)
    for axis, along in zip(vectors.operand_batching, vectors.indices_batching, strict=True):
        place[axis] = batch[vectors.batch_axes.index(along)]
    return nest.element(op.operand, tuple(place))


def take(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.take` reads its operand at a clamped place of the axis."""
    assert isinstance(op, ml.TakeOp)
    indices = tensor_type(op.indices)
    behind = op.axis + indices.get_num_dims()
    start = place_of(nest, nest.element(op.indices, index[op.axis : behind]), indices.element_type)
    place = clamped(nest, start, linear(nest.kernel.dims(op.operand)[op.axis]) - 1)
    return nest.element(op.operand, (*index[: op.axis], place, *index[behind:]))


def one_hot(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.one_hot` compares the index with the place."""
    assert isinstance(op, ml.OneHotOp)
    others = tuple(form for axis, form in enumerate(index) if axis != op.dim)
    wanted = place_of(nest, nest.element(op.indices, others), tensor_type(op.indices).element_type)
    found = nest.body.cmpi("eq", wanted, nest.number(index[op.dim], i64))
    return truth(nest, found, tensor_type(op.result).element_type)


def truth(nest: Nest, value: SSAValue, type_: Attribute) -> SSAValue:
    """A truth value as 1 or 0 of an ml type."""
    target = signless(type_)
    if is_float(target):
        return nest.body.select(value, nest.kernel.constant(1.0, target), nest.kernel.constant(0.0, target))
    return nest.body.resize_integer(value, target, signed=False)


def _in_lower(nest: Nest, index: Index, diagonal: int) -> SSAValue:
    """Whether a place of a matrix is on or below a diagonal: row + diagonal - column >= 0."""
    distance = nest.number(index[-2] + diagonal - index[-1], i64)
    return nest.body.cmpi("sge", distance, nest.body.like(0, distance))


def tri(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.tri` compares the row with the column."""
    assert isinstance(op, ml.TriOp)
    return truth(nest, _in_lower(nest, index, op.offset), tensor_type(op.result).element_type)


def triangle(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.tril` or `ml.triu` selects the element or 0."""
    assert isinstance(op, ml.TrilOp | ml.TriuOp)
    element = nest.element(op.operand, index)
    zero = nest.kernel.constant(0, element.type)
    if isinstance(op, ml.TrilOp):
        return nest.body.select(_in_lower(nest, index, op.offset), element, zero)
    return nest.body.select(_in_lower(nest, index, op.offset - 1), zero, element)


def reduce_precision(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.reduce_precision` rounds the bits of an element."""
    assert isinstance(op, ml.ReducePrecisionOp)
    body, how = nest.body, op.rounding
    x = nest.element(op.operand, index)
    bits = found = body.put(arith.BitcastOp(x, IntegerType(width_of(x.type))))
    sign = body.put(arith.AndIOp(bits, body.like(how.sign, bits)))
    if how.dropped:
        even = body.put(arith.ShRUIOp(bits, body.like(how.dropped, bits)))
        even = body.put(arith.AndIOp(even, body.like(1, bits)))
        found = body.put(arith.AddiOp(body.put(arith.AddiOp(bits, even)), body.like(how.bias, bits)))
        found = body.put(arith.AndIOp(found, body.like(how.kept, bits)))
    if how.flushes:
        size = body.put(arith.AndIOp(found, body.like(how.exponent, bits)))
        infinity = body.put(arith.OrIOp(sign, body.like(how.exponent, bits)))
        found = body.select(body.cmpi("ugt", size, body.like(how.greatest, bits)), infinity, found)
        found = body.select(body.cmpi("ule", size, body.like(how.least, bits)), sign, found)
    lost = body.like(how.exponent, bits) if how.loses_nan else bits
    magnitude = body.put(arith.AndIOp(bits, body.like(how.sign - 1, bits)))
    found = body.select(body.cmpi("ugt", magnitude, body.like(how.exponent, bits)), lost, found)
    return body.put(arith.BitcastOp(found, x.type))


LOOKUPS: Mapping[type[MlOp], Callable[..., SSAValue]] = {
    ml.GatherOp: gather,
    ml.TakeOp: take,
    ml.OneHotOp: one_hot,
    ml.TriOp: tri,
    ml.TrilOp: triangle,
    ml.TriuOp: triangle,
    ml.ReducePrecisionOp: reduce_precision,
}
"""How each of these ops gives an element: a nest, the op and an index in, a scalar out."""
