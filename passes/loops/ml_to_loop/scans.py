"""Running reductions: a loop along the axis that carries what is accumulated.

Along the last axis it is carried in a register. Along another one the loops over the later dimensions stand inside,
so that they read and write lines; what is accumulated is then a buffer.
"""

from __future__ import annotations

from xdsl.dialects.builtin import MemRefType

from weft.dialects import ml
from weft.dialects.loop.buffers import AllocOp
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import kind_of, neutral
from weft.dialects.ml.reduction import REDUCTIONS
from weft.passes.loops.ml_to_loop.body import signless, wide
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Nest, loop_names
from weft.passes.loops.ml_to_loop.scalars import RULES


def scan(kernel: Kernel, op: MlOp) -> None:
    """A running sum, product, maximum or minimum."""
    assert isinstance(op, ml.ScanOp)
    own = tensor_type(op.operand).element_type
    kind, element = kind_of(own), wide(own)
    assert kind is not None
    rule, first = RULES[kind][REDUCTIONS[op.KIND]], neutral(op.KIND, own).item()
    result, dims = kernel.home(op.result), kernel.dims(op.operand)
    names = loop_names(len(dims))
    before, behind = dims[: op.dim], dims[op.dim + 1 :]
    lines = None if not behind else kernel.alloc("acc", element, (*before, *behind))
    outer, place = Nest.top(kernel).loops(before, names[: op.dim])
    if lines is None:
        made = AllocOp("reg", kernel.fresh_name("acc"), MemRefType(element, []))
        state = outer.builder.insert(made).result
        outer.store(kernel.constant(first, element), state, ())
    else:
        state = lines
        fill, rest = outer.loops(behind, [f"{name}z" for name in names[op.dim + 1 :]])
        fill.store(kernel.constant(first, element), state, (*place, *rest))
    inner, (along,) = outer.loops([dims[op.dim]], [names[op.dim]])
    nest, rest = inner.loops(behind, names[op.dim + 1 :])
    at: Linear = linear(dims[op.dim]) - along - 1 if op.reverse is not None else along
    index, held = (*place, at, *rest), () if lines is None else (*place, *rest)
    present = nest.load(state, held)
    combined = rule(nest.body, present, nest.wide_element(op.operand, index))
    given = present if op.exclusive is not None else combined
    nest.store(nest.body.resize_float(given, signless(own)), result, index)
    nest.store(combined, state, held)
