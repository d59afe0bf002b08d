"""Reductions of windows: a perfect nest over places and window; padding and holes are a copy before it."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.loop.linear import linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import neutral
from weft.passes.loops.ml_to_loop.body import signless, wide
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names
from weft.passes.loops.ml_to_loop.reduction import combine_start, is_neutral, loop_kind, run_body
from weft.passes.loops.ml_to_loop.shapes import Source, Space, with_space
from weft.passes.loops.reify import Size


def reduce_window(kernel: Kernel, op: MlOp) -> None:
    """An `ml.reduce_window`: by a known kind as `loop.reduce`, by any other body as loads and stores in order."""
    assert isinstance(op, ml.ReduceWindowOp)
    if 0 in kernel.dims(op.outputs[0]):
        for result in op.outputs:
            kernel.home(result)
        return
    kind = op.kind
    if kind is None:
        _by_body(kernel, op)
    else:
        _by_kind(kernel, op, kind)


def _by_kind(kernel: Kernel, op: ml.ReduceWindowOp, kind: str) -> None:
    """Sums of f16 and bf16 are kept in f32; a start value is combined at the end."""
    result = op.outputs[0]
    element = tensor_type(result).element_type
    start = None if not op.inits or is_neutral(op.inits[0], kind, element) else op.inits[0]
    dims, source = kernel.dims(result), _source(kernel, op, 0, kind)
    total = kernel.home(result, wide(element)) if start is None else kernel.alloc("t", wide(element), dims)
    nest, place = Nest.top(kernel).loops(dims, loop_names(len(dims)))
    nest, within, over = _window_loops(nest, op)
    value = nest.body.resize_float(source.element(nest, _index(op, place, within)), wide(element))
    nest.reduce(loop_kind(kind, element), value, total, place, over)
    if start is not None:
        combine_start(kernel, result, start, kind, total)


def _by_body(kernel: Kernel, op: ml.ReduceWindowOp) -> None:
    """Store the starts, then for each element of the window load, compute the body, store."""
    sources = [_source(kernel, op, number, None) for number in range(len(op.outputs))]
    buffers, dims = [kernel.home(result) for result in op.outputs], kernel.dims(op.outputs[0])
    outer, place = Nest.top(kernel).loops(dims, loop_names(len(dims)))
    for start, buffer in zip(op.inits, buffers, strict=True):
        outer.store(outer.element(start, ()), buffer, place)
    inner, within, _ = _window_loops(outer, op)
    index = _index(op, place, within)
    run_body(inner, op, buffers, place, lambda number: sources[number].element(inner, index))


def _source(kernel: Kernel, op: ml.ReduceWindowOp, number: int, kind: str | None) -> Source:
    """An input; a copy of it, with the start or the neutral element of a kind around, where it needs space."""
    value, sliding = op.inputs[number], op.sliding
    spaces = [Space(low, high, step) for (low, high), step in zip(sliding.pad, sliding.base_step, strict=True)]
    sizes = sliding.padded(op.operand_dims(number))
    dims = [kernel.sizes.size(size, op) for size in sizes]
    repeats: list[Size] = [-(-size // stride) for size, stride in zip(sliding.window, sliding.stride, strict=True)]
    element = tensor_type(value).element_type

    def filler(nest: Nest) -> SSAValue:
        if op.inits:
            return nest.element(op.inits[number], ())
        assert kind is not None
        return kernel.constant(neutral(kind, element).item(), signless(element))

    return with_space(kernel, value, spaces, dims, filler, repeats)


def _window_loops(nest: Nest, op: ml.ReduceWindowOp) -> tuple[Nest, Index, Index]:
    """Loops over the window where it has more than one element; the index in it, and the counters."""
    window = op.sliding.window
    axes = [axis for axis, size in enumerate(window) if size > 1]
    names = loop_names(len(window))
    inner, counters = nest.loops([window[axis] for axis in axes], [f"{names[axis]}w" for axis in axes])
    places = dict(zip(axes, counters, strict=True))
    return inner, tuple(places.get(axis, linear(0)) for axis in range(len(window))), counters


def _index(op: ml.ReduceWindowOp, place: Index, within: Index) -> Index:
    """Where in the padded input a point of the window is."""
    steps = zip(place, within, op.sliding.stride, op.sliding.window_step, strict=True)
    return tuple(outer * stride + inner * step for outer, inner, stride, step in steps)
