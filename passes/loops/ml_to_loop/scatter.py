"""Scatters: the inputs are copied, then each update is combined into its place, in order."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, i64
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.lookups import component
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names
from weft.passes.loops.reify import Size


def scatter(kernel: Kernel, op: MlOp) -> None:
    """An `ml.scatter`: a nest that copies the inputs, and one over the updates."""
    assert isinstance(op, ml.ScatterOp)
    dims, updates = kernel.dims(op.inputs[0]), kernel.dims(op.updates[0])
    buffers = [kernel.room(result) for result in op.outputs]
    copy, index = Nest.top(kernel).loops(dims, loop_names(len(dims)))
    elements = [copy.element(value, index) for value in op.inputs]
    for element, buffer in zip(elements, buffers, strict=True):
        copy.store(element, buffer, index)
    kernel.held.update(zip(op.outputs, buffers, strict=True))
    Nest.top(kernel).where_some(dims, lambda top: _update(top, op, buffers, updates), lambda top: None)


def _update(top: Nest, op: ml.ScatterOp, buffers: list[SSAValue], updates: tuple[Size, ...]) -> None:
    """One iteration for each update: where it is outside, what is at some place is stored there again."""
    nest, index = top.loops(updates, [f"{name}u" for name in loop_names(len(updates))])
    place, inside = _place(nest, op, index)
    block = op.update_computation.block
    count = len(buffers)
    old = [nest.load(buffer, place) for buffer in buffers]
    for arg, value in zip(block.args[:count], old, strict=True):
        nest.bind(arg, value)
    for arg, update in zip(block.args[count:], op.updates, strict=True):
        nest.bind(arg, nest.element(update, index))
    end = block.last_op
    assert isinstance(end, ml.ReturnOp)
    new = [nest.element(value, ()) for value in end.values]
    for value, before, buffer in zip(new, old, buffers, strict=True):
        kept = value if inside is None else nest.body.select(inside, value, before)
        nest.store(kept, buffer, place)


def _place(nest: Nest, op: ml.ScatterOp, index: Index) -> tuple[Index, SSAValue | None]:
    """The place of an update, or one inside where it is outside; and whether it is inside, None where it must be."""
    windows, vectors = op.update_window_dims.get_values(), op.vectors
    dims = nest.kernel.dims(op.inputs[0])
    batch = tuple(form for axis, form in enumerate(index) if axis not in windows)
    place = [linear(0)] * len(dims)
    for axis, window in zip(op.window_axes, windows, strict=True):
        place[axis] = index[window]
    for axis, along in zip(vectors.operand_batching, vectors.indices_batching, strict=True):
        place[axis] = batch[vectors.batch_axes.index(along)]
    numbers = {
        axis: _moved(nest, component(nest, vectors, op.indices, batch, number), place[axis], dims[axis])
        for number, axis in enumerate(vectors.dims)
    }
    inside: SSAValue | None = None
    for axis, number in numbers.items():
        below = nest.body.cmpi("ult", number, nest.number(linear(dims[axis]), i64))
        inside = below if inside is None else nest.body.put(arith.AndIOp(inside, below))
    for axis, number in numbers.items():
        assert inside is not None
        safe = nest.body.select(inside, number, nest.body.like(0, number))
        place[axis] = linear(nest.body.put(arith.IndexCastOp(safe, IndexType())))
    return tuple(place), inside


def _moved(nest: Nest, start: SSAValue, offset: Linear, size: Size) -> SSAValue:
    """A start and an offset in its window; a start near the end of `i64` is held outside of the dimension."""
    if offset == linear(0):
        return start
    held = nest.body.put(arith.MinSIOp(start, nest.number(linear(size), i64)))
    return nest.body.put(arith.AddiOp(held, nest.number(offset, i64)))
