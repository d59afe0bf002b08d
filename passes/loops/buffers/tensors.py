"""The ops of `tensor`, and constants, on buffers.

A view where the memory is the same (casts, reshapes); else a fresh buffer that is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import cast

from xdsl.dialects import arith, bufferization, memref, tensor
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IndexType, StridedLayoutAttr
from xdsl.ir import Block, Operation, SSAValue

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.constant import dense
from weft.passes.loops.buffers.constants import element_of, in_memory, splat_bytes
from weft.passes.loops.buffers.host import Host, Rule
from weft.passes.loops.buffers.nests import for_each
from weft.passes.loops.buffers.types import Buffer, buffer_type, is_tensor, memref_of
from weft.passes.loops.buffers.views import reshape as reshaped
from weft.passes.loops.buffers.views import view_as
from weft.passes.loops.lists import Size, mixed, static_shape
from weft.passes.loops.reify import Reifier
from weft.passes.rewriting import LocatedBuilder

FILL_BYTES = 4096
"""A splat of more bytes is filled by a loop instead of being stored in the object file."""


def constant(host: Host, op: Operation) -> None:
    """`ml.constant`, and `arith.constant` of a tensor."""
    if not is_tensor(op.results[0].type):
        return
    if isinstance(op, ml.ConstantOp) and op.data is not None:
        host.retire(op, [host.constants.in_file(LocatedBuilder.before(op), op.data, tensor_type(op.result))])
        return
    if isinstance(op, ml.ConstantOp):
        data = dense(op.array())
    elif isinstance(value := cast(arith.ConstantOp, op).value, DenseIntOrFPElementsAttr):
        data = value
    else:
        raise error_at(op, f"{op.name} of {value.name} data has no buffer", "use ml.constant", code=codes.CANNOT_LOWER)
    builder = LocatedBuilder.before(op)
    one = splat_bytes(data)
    if one is None or 0 < len(data.data.data) <= FILL_BYTES:
        host.retire(op, [host.constants.get(builder, data)])
        return
    made = host.fresh(builder, op.results[0])
    if one:
        _fill(host, builder, made, builder.insert(arith.ConstantOp(element_of(in_memory(data), one))).result)
    host.retire(op, [made])


def extract(host: Host, op: Operation) -> None:
    """`tensor.extract`: a load."""
    this = cast(tensor.ExtractOp, op)
    load = memref.LoadOp.get(host.buffer(this.tensor), this.indices)
    host.retire(op, [LocatedBuilder.before(op).insert(load).res])


def insert(host: Host, op: Operation) -> None:
    """`tensor.insert`: a copy with one element stored."""
    this = cast(tensor.InsertOp, op)
    builder = LocatedBuilder.before(op)
    made = host.clone(builder, host.buffer(this.dest))
    builder.insert(memref.StoreOp.get(this.scalar, made, this.indices))
    host.retire(op, [made])


def from_elements(host: Host, op: Operation) -> None:
    """`tensor.from_elements`: a store for each element."""
    this = cast(tensor.FromElementsOp, op)
    builder = LocatedBuilder.before(op)
    made = host.fresh(builder, this.result)
    numbers = Reifier(builder)
    spots = product(*(range(n) for n in memref_of(made).get_shape()))
    for element, spot in zip(this.elements, spots, strict=True):
        builder.insert(memref.StoreOp.get(element, made, [numbers.value(i) for i in spot]))
    host.retire(op, [made])


def empty(host: Host, op: Operation) -> None:
    """`tensor.empty`, `bufferization.alloc_tensor`: a fresh buffer, a copy where one is asked for."""
    builder = LocatedBuilder.before(op)
    source = op.copy if isinstance(op, bufferization.AllocTensorOp) else None
    if source is not None:
        host.retire(op, [host.clone(builder, host.buffer(source))])
        return
    given = iter([v for v in op.operands if isinstance(v.type, IndexType)])
    type_ = cast(Buffer, buffer_type(op.results[0].type))
    sizes: list[Size] = [next(given) if n < 0 else n for n in type_.get_shape()]
    host.retire(op, [host.alloc(builder, type_, sizes)])


def splat(host: Host, op: Operation) -> None:
    """`tensor.splat`: a fresh buffer, filled."""
    this = cast(tensor.SplatOp, op)
    builder = LocatedBuilder.before(op)
    made = host.fresh(builder, this.result)
    _fill(host, builder, made, this.input)
    host.retire(op, [made])


def dim(host: Host, op: Operation) -> None:
    """`tensor.dim`: the size, known or of the buffer."""
    this = cast(tensor.DimOp, op)
    builder = LocatedBuilder.before(op)
    sizes = Reifier(builder, host.buffers)
    axis = sizes.index(this.index)
    if isinstance(axis, int) and axis < len(memref_of(host.buffer(this.source)).get_shape()):
        host.retire(op, [sizes.value(sizes.dim(this.source, axis))])
    else:
        host.retire(op, [builder.insert(memref.DimOp(host.buffer(this.source), this.index)).result])


def cast_tensor(host: Host, op: Operation) -> None:
    """`tensor.cast`: a cast of the buffer."""
    this = cast(tensor.CastOp, op)
    if not (is_tensor(this.source.type) and is_tensor(this.dest.type)):
        raise error_at(op, "a tensor without a known rank has no buffer", code=codes.CANNOT_LOWER)
    wanted = cast(Buffer, buffer_type(this.dest.type))
    host.retire(op, [view_as(LocatedBuilder.before(op), host.buffer(this.source), wanted)])


def view(host: Host, op: Operation) -> None:
    """`ml.reshape`, `tensor.collapse_shape`, `tensor.expand_shape`: another view of the same memory."""
    builder = LocatedBuilder.before(op)
    wanted = cast(Buffer, buffer_type(op.results[0].type))
    sizes = Reifier(builder, host.buffers).shape(op.results[0])
    host.retire(op, [reshaped(builder, host.buffer(op.operands[0]), wanted, sizes)])


def reshape(host: Host, op: Operation) -> None:
    """`tensor.reshape`: a view with the sizes that a tensor holds."""
    this = cast(tensor.ReshapeOp, op)
    builder = LocatedBuilder.before(op)
    numbers = Reifier(builder)
    wanted = cast(Buffer, buffer_type(this.result.type))
    sizes: list[Size] = []
    for axis, known in enumerate(wanted.get_shape()):
        if known >= 0:
            sizes.append(known)
            continue
        size = builder.insert(memref.LoadOp.get(host.buffer(this.shape), [numbers.value(axis)])).res
        if not isinstance(size.type, IndexType):
            size = builder.insert(arith.IndexCastOp(size, IndexType())).result
        sizes.append(size)
    host.retire(op, [reshaped(builder, host.buffer(this.source), wanted, sizes)])


def extract_slice(host: Host, op: Operation) -> None:
    """`tensor.extract_slice`: a copy of the slice."""
    this = cast(tensor.ExtractSliceOp, op)
    builder = LocatedBuilder.before(op)
    lists = _slice(this)
    part = _subview(builder, host.buffer(this.source), lists, this.result)
    kept = _kept(lists[1], memref_of(part).get_shape())
    made = host.alloc(builder, cast(Buffer, buffer_type(this.result.type)), [lists[1][axis] for axis in kept])
    builder.insert(memref.CopyOp(part, made))
    host.retire(op, [made])


def insert_slice(host: Host, op: Operation) -> None:
    """`tensor.insert_slice`: a copy of the destination with the source copied into the slice."""
    this = cast(tensor.InsertSliceOp, op)
    builder = LocatedBuilder.before(op)
    made = host.clone(builder, host.buffer(this.dest))
    host.copy(builder, host.buffer(this.source), _subview(builder, made, _slice(this), this.source))
    host.retire(op, [made])


def concat(host: Host, op: Operation) -> None:
    """`tensor.concat`: each input copied to its place."""
    this = cast(tensor.ConcatOp, op)
    builder = LocatedBuilder.before(op)
    made = host.fresh(builder, this.result)
    axis = this.dim.value.data
    numbers = Reifier(builder, host.buffers)
    at: Size = 0
    for source in this.inputs:
        sizes = numbers.shape(source)
        offsets: list[Size] = [at if n == axis else 0 for n in range(len(sizes))]
        part = _subview(builder, made, (offsets, sizes, [1] * len(sizes)), None)
        host.copy(builder, host.buffer(source), part)
        at = numbers.fold(arith.AddiOp, [at, sizes[axis]], 0)
    host.retire(op, [made])


def pad(host: Host, op: Operation) -> None:
    """`tensor.pad`: the region's value everywhere, then the source in the middle."""
    this = cast(tensor.PadOp, op)
    builder = LocatedBuilder.before(op)
    made = host.fresh(builder, this.result)
    body = this.region.block

    def one(inner: LocatedBuilder, counters: list[SSAValue]) -> None:
        value = _inline(host, inner, body, counters)
        inner.insert(memref.StoreOp.get(value, made, counters))

    for_each(builder, Reifier(builder).shape(made), one)
    low = mixed(this.low, this.static_low)
    sizes = host.sizes(builder, this.source)
    part = _subview(builder, made, (low, sizes, [1] * len(low)), None)
    host.copy(builder, host.buffer(this.source), part)
    host.retire(op, [made])


def to_tensor(host: Host, op: Operation) -> None:
    """`bufferization.to_tensor`: a copy, because the program may write the memref later."""
    this = cast(bufferization.ToTensorOp, op)
    wanted = cast(Buffer, buffer_type(this.tensor.type))
    host.retire(op, [host.clone(LocatedBuilder.before(op), this.memref, wanted)])


def materialize(host: Host, op: Operation) -> None:
    """`bufferization.materialize_in_destination` into a memref: a copy."""
    this = cast(bufferization.MaterializeInDestinationOp, op)
    if is_tensor(this.dest.type):
        host.retire(op, [host.clone(LocatedBuilder.before(op), host.buffer(this.source))])
        return
    host.copy(LocatedBuilder.before(op), host.buffer(this.source), this.dest)
    host.retire(op)


def _fill(host: Host, builder: LocatedBuilder, buffer: SSAValue, value: SSAValue) -> None:
    """Store a scalar everywhere."""

    def one(inner: LocatedBuilder, counters: list[SSAValue]) -> None:
        inner.insert(memref.StoreOp.get(value, buffer, counters))

    for_each(builder, Reifier(builder).shape(buffer), one)


def _inline(host: Host, builder: LocatedBuilder, body: Block, counters: Sequence[SSAValue]) -> SSAValue:
    """The value that a region yields for these indices."""
    values = dict[SSAValue, SSAValue](zip(body.args, counters, strict=True))
    for op in body.ops:
        if isinstance(op, tensor.YieldOp):
            return values.get(op.operands[0], op.operands[0])
        builder.insert(op.clone(values))
    raise AssertionError("a region without a yield")


_Slice = tuple[list[Size], list[Size], list[Size]]


def _slice(op: tensor.ExtractSliceOp | tensor.InsertSliceOp) -> _Slice:
    """The offsets, sizes and strides of a slice."""
    return (
        mixed(op.offsets, op.static_offsets),
        mixed(op.sizes, op.static_sizes),
        mixed(op.strides, op.static_strides),
    )


def _kept(sizes: Sequence[Size], shape: Sequence[int]) -> list[int]:
    """The axes of a slice that its type keeps; the others have size 1 and are dropped, the first ones first."""
    spare = len(sizes) - len(shape)
    kept: list[int] = []
    for axis, size in enumerate(sizes):
        fits = len(kept) < len(shape) and static_shape([size])[0] == shape[len(kept)]
        if spare and isinstance(size, int) and size == 1 and not (fits and _rest_fits(sizes[axis + 1 :], shape, kept)):
            spare -= 1
        else:
            kept.append(axis)
    return kept


def _rest_fits(rest: Sequence[Size], shape: Sequence[int], kept: Sequence[int]) -> bool:
    """Whether the remaining sizes give the remaining shape, ones dropped, after one more axis is kept."""
    wanted = list(shape[len(kept) + 1 :])
    for size in static_shape(rest):
        if wanted and size == wanted[0]:
            wanted.pop(0)
        elif size != 1:
            return False
    return not wanted


def _subview(builder: LocatedBuilder, source: SSAValue, lists: _Slice, like: SSAValue | None) -> SSAValue:
    """A strided view of a slice; with the rank of the tensor `like` where axes of size 1 are dropped."""
    type_ = memref.SubviewOp.infer_result_type(memref_of(source), *lists)
    if like is not None and len(shape := cast(Buffer, buffer_type(like.type)).get_shape()) < len(lists[1]):
        layout = cast(StridedLayoutAttr, type_.layout)
        kept = _kept(lists[1], shape)
        strides = [layout.get_strides()[axis] for axis in kept]
        sizes = [type_.get_shape()[axis] for axis in kept]
        type_ = Buffer(type_.element_type, sizes, StridedLayoutAttr(strides, layout.get_offset()))
    return builder.insert(memref.SubviewOp.get(source, *lists, type_)).result


RULES: dict[type[Operation], Rule] = {
    ml.ConstantOp: constant,
    arith.ConstantOp: constant,
    ml.ReshapeOp: view,
    tensor.CollapseShapeOp: view,
    tensor.ExpandShapeOp: view,
    tensor.ReshapeOp: reshape,
    tensor.ExtractOp: extract,
    tensor.InsertOp: insert,
    tensor.FromElementsOp: from_elements,
    tensor.EmptyOp: empty,
    bufferization.AllocTensorOp: empty,
    tensor.SplatOp: splat,
    tensor.DimOp: dim,
    tensor.CastOp: cast_tensor,
    tensor.ExtractSliceOp: extract_slice,
    tensor.InsertSliceOp: insert_slice,
    tensor.ConcatOp: concat,
    tensor.PadOp: pad,
    bufferization.ToTensorOp: to_tensor,
    bufferization.MaterializeInDestinationOp: materialize,
}
"""The ops of this file."""
