"""Reductions: by a known kind as `loop.reduce`, by any other body as loads and stores in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from xdsl.dialects import arith
from xdsl.ir import Attribute, SSAValue

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.loop.linear import Linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import Kind, kind_of, neutral
from weft.dialects.ml.reduction import REDUCTIONS
from weft.passes.loops.ml_to_loop.body import integer_type, signless, wide
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names
from weft.passes.loops.ml_to_loop.scalars import RULES
from weft.passes.loops.ml_to_loop.values import fill

_KINDS: Mapping[Kind, Mapping[str, str]] = {
    Kind.FLOAT: {},
    Kind.SIGNED: {},
    Kind.UNSIGNED: {"max": "umax", "min": "umin"},
    Kind.BOOL: {"add": "or", "mul": "and", "max": "or", "min": "and"},
}


def loop_kind(kind: str, element: Attribute) -> str:
    """The kind of `loop.reduce` for a kind of `ml.reduce` on elements of an ml type."""
    found = kind_of(element)
    assert found is not None
    return _KINDS[found].get(kind, kind)


def reduction(kernel: Kernel, op: MlOp) -> None:
    """An `ml.reduce`."""
    assert isinstance(op, ml.ReduceOp)
    kind = op.kind
    if kind is None:
        _by_body(kernel, op)
    else:
        _by_kind(kernel, op, kind)


def split(index: Index, dims: Sequence[int]) -> tuple[Index, Index]:
    """The counters of the dimensions that are kept, and of those that are reduced."""
    kept = tuple(form for axis, form in enumerate(index) if axis not in dims)
    return kept, tuple(index[axis] for axis in dims)


def _by_kind(kernel: Kernel, op: ml.ReduceOp, kind: str) -> None:
    """One nest over the input. Sums of f16 and bf16 are kept in f32; a start value is combined at the end."""
    source, result = op.inputs[0], op.outputs[0]
    element = tensor_type(source).element_type
    start = None if not op.inits or is_neutral(op.inits[0], kind, element) else op.inits[0]
    dims, kept = kernel.dims(source), kernel.dims(result)
    total = kernel.home(result, wide(element)) if start is None else kernel.alloc("t", wide(element), kept)
    first = neutral(kind, element).item()

    def build(top: Nest) -> None:
        nest, index = top.loops(dims, loop_names(len(dims)))
        place, over = split(index, op.dims)
        nest.reduce(loop_kind(kind, element), nest.wide_element(source, index), total, place, over)

    summed = [dims[axis] for axis in op.dims]
    Nest.top(kernel).where_some(summed, build, lambda top: fill(top, total, kept, first))
    if start is not None:
        combine_start(kernel, result, start, kind, total)


def is_neutral(start: SSAValue, kind: str, element: Attribute) -> bool:
    """Whether a start value is known to change nothing."""
    op = start.owner
    return isinstance(op, ml.ConstantOp) and bool(np.all(op.array() == neutral(kind, element)))


def combine_start(kernel: Kernel, result: SSAValue, start: SSAValue, kind: str, total: SSAValue) -> None:
    """The start value and what was reduced, combined into the result."""
    element = tensor_type(result).element_type
    found = kind_of(element)
    assert found is not None
    rule = RULES[found][REDUCTIONS[kind]]
    dims, buffer = kernel.dims(result), kernel.home(result)
    nest, index = Nest.top(kernel).loops(dims, loop_names(len(dims)))
    combined = rule(nest.body, nest.wide_element(start, ()), nest.load(total, index))
    nest.store(nest.body.resize_float(combined, signless(element)), buffer, index)


def _by_body(kernel: Kernel, op: ml.ReduceOp) -> None:
    """One nest: store the starts, then for each element load, compute the body, store; in order."""
    sources = kernel.dims(op.inputs[0])
    buffers = [kernel.home(result) for result in op.outputs]
    kept = [axis for axis in range(len(sources)) if axis not in op.dims]
    outer, place = Nest.top(kernel).loops([sources[axis] for axis in kept], loop_names(len(kept)))
    for start, buffer in zip(op.inits, buffers, strict=True):
        outer.store(outer.element(start, ()), buffer, place)
    inner, over = outer.loops([sources[axis] for axis in op.dims], loop_names(len(op.dims), len(kept)))
    places: dict[int, Linear] = dict(zip((*kept, *op.dims), (*place, *over), strict=True))
    index = tuple(places[axis] for axis in range(len(places)))
    run_body(inner, op, buffers, place, lambda number: inner.element(op.inputs[number], index))


def run_body(
    nest: Nest, op: ml.BodyReduction, buffers: Sequence[SSAValue], place: Index, element: Callable[[int], SSAValue]
) -> None:
    """Load the accumulated values, compute the body on them and an element of each input, and store what it gives."""
    block = op.body.block
    end = block.last_op
    assert isinstance(end, ml.ReturnOp)
    count = len(op.outputs)
    for arg, buffer in zip(block.args[:count], buffers, strict=True):
        nest.bind(arg, nest.load(buffer, place))
    for number, arg in enumerate(block.args[count:]):
        nest.bind(arg, element(number))
    values = [nest.element(value, ()) for value in end.values]
    for value, buffer in zip(values, buffers, strict=True):
        nest.store(value, buffer, place)


def argument_reduction(kernel: Kernel, op: MlOp) -> None:
    """An argmax or argmin: first the extreme value of each line, then the least index that has it, or is NaN."""
    if not isinstance(op, ml.ArgmaxOp | ml.ArgminOp):
        raise error_at(op, f"{op.name} is no argmax or argmin", code=codes.CANNOT_LOWER)
    element = tensor_type(op.operand).element_type
    target = integer_type(tensor_type(op.result).element_type)
    dims, kept = kernel.dims(op.operand), kernel.dims(op.result)
    best, found = kernel.alloc("m", wide(element), kept), kernel.home(op.result)
    kind = loop_kind("max" if isinstance(op, ml.ArgmaxOp) else "min", element)

    def build(top: Nest) -> None:
        nest, index = top.loops(dims, loop_names(len(dims)))
        place, over = split(index, (op.dim,))
        nest.reduce(kind, nest.wide_element(op.operand, index), best, place, over)
        nest, index = top.loops(dims, loop_names(len(dims)))
        place, over = split(index, (op.dim,))
        value = nest.wide_element(op.operand, index)
        hit = _is_extreme(nest, value, nest.load(best, place), element)
        number = nest.number(over[0], target)
        last = nest.kernel.constant((1 << (target.width.data - 1)) - 1, target)
        nest.reduce("min", nest.body.select(hit, number, last), found, place, over)

    Nest.top(kernel).where_some([dims[op.dim]], build, lambda top: fill(top, found, kept, 0))


def _is_extreme(nest: Nest, value: SSAValue, best: SSAValue, element: Attribute) -> SSAValue:
    body = nest.body
    if kind_of(element) is not Kind.FLOAT:
        return body.cmpi("eq", value, best)
    equal, nan = body.cmpf("oeq", value, best), body.cmpf("uno", value, value)
    return body.put(arith.OrIOp(equal, nan))
