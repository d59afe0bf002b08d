"""Gradients of what chooses among values: select and clamp."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import tensor_type
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.terms import Term


def select(op: ml.SelectOp, here: Here) -> Sequence[SSAValue | None]:
    """Each element's cotangent goes where the element came from."""
    g = here.term(here.cotangent(op.result))
    return [None, g.chosen(op.pred, g, 0).value, g.chosen(op.pred, 0, g).value]


def select_scalar(op: arith.SelectOp, here: Here) -> Sequence[SSAValue | None]:
    """The cotangent goes where the value came from."""
    g = here.term(here.cotangent(op.result))
    zero = g.of(0).value
    return [
        None,
        here.builder.insert(arith.SelectOp(op.cond, g.value, zero)).result,
        here.builder.insert(arith.SelectOp(op.cond, zero, g.value)).result,
    ]


def clamp(op: ml.ClampOp, here: Here) -> Sequence[SSAValue | None]:
    """To the operand strictly between the bounds, else to the bound that holds it, as JAX has it."""
    x, g = here.term(op.operand), here.term(here.cotangent(op.result))
    low, high = (_like(here, bound, op.operand) for bound in (op.min, op.max))
    to_x = x.where("GT", low, x.where("LT", high, g, 0), 0)
    to_low = low.where("GT", x, low.where("LT", high, g, 0), 0)
    to_high = high.where("LT", x, g, high.where("LT", low, g, 0))
    return [_summed(to_low, op.min), to_x.value, _summed(to_high, op.max)]


def _like(here: Here, bound: SSAValue, operand: SSAValue) -> Term:
    """A bound of rank 0 in the shape of the operand."""
    if tensor_type(bound).get_num_dims() == tensor_type(operand).get_num_dims():
        return here.term(bound)
    return here.term(bound).spread([], operand)


def _summed(cotangent: Term, bound: SSAValue) -> SSAValue:
    """The sum for a bound of rank 0."""
    rank = tensor_type(cotangent.value).get_num_dims()
    return (cotangent if tensor_type(bound).get_num_dims() == rank else cotangent.reduce("add", range(rank))).value


CHOICE: Rules = {
    ml.SelectOp: select,
    arith.SelectOp: select_scalar,
    ml.ClampOp: clamp,
}
