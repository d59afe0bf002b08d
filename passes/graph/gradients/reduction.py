"""Gradients of reductions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import SSAValue

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.ml.base import tensor_type
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.terms import Term

Parts = tuple[Term, Term | None]
"""The cotangents of the input and of the start, which is there where the op has one."""


def reduce(op: ml.ReduceOp, here: Here) -> Sequence[SSAValue | None]:
    """By the kind of the reduction. Raises WeftError for any other body."""
    kind = op.kind
    if kind is None or kind not in KINDS:
        raise error_at(
            op,
            f"{op.name} with a body of its own has no gradient",
            f"reduce by one of {', '.join(KINDS)}, after an elementwise op where needed",
            code=codes.NO_GRADIENT,
        )
    element = tensor_type(op.inputs[0]).element_type
    return [part.convert(element).value for part in KINDS[kind](op, here) if part is not None]


def _kept(op: ml.ReduceOp) -> list[int]:
    """The dimensions of the input that the result has."""
    return [axis for axis in range(tensor_type(op.inputs[0]).get_num_dims()) if axis not in op.dims]


def _total(op: ml.ReduceOp, term: Term) -> Term | None:
    """The sum of a term over all dimensions of the result, for the start; None where there is none."""
    return term.reduce("add", range(tensor_type(op.outputs[0]).get_num_dims())) if op.inits else None


def _sum(op: ml.ReduceOp, here: Here) -> Parts:
    g = here.term(here.cotangent(op.outputs[0]))
    return g.spread(_kept(op), op.inputs[0]), _total(op, g)


def _start_like(op: ml.ReduceOp, here: Here) -> Term:
    """The start, repeated to the shape of the result."""
    return here.term(op.inits[0]).wide().spread([], op.outputs[0])


def _extreme(op: ml.ReduceOp, here: Here) -> Parts:
    """Equal extreme elements share the cotangent, as JAX has it; the start is one of them."""
    y, x, kept = here.term(op.outputs[0]).wide(), here.term(op.inputs[0]).wide(), _kept(op)
    g = here.term(here.cotangent(op.outputs[0])).wide()
    is_extreme = x.compare("EQ", y.spread(kept, x.value))
    count = _count(op, x, is_extreme)
    if not op.inits:
        share = (g / count).spread(kept, x.value)
        return g.chosen(is_extreme, share, share.of(0)), None
    start = _start_like(op, here)
    is_start = start.compare("EQ", y)
    count = count + count.chosen(is_start, 1, 0)
    share = g / count
    wide = share.spread(kept, x.value)
    return wide.chosen(is_extreme, wide, 0), _total(op, share.chosen(is_start, share, 0))


def _count(op: ml.ReduceOp, x: Term, flags: SSAValue) -> Term:
    """How many flags hold on each line, as numbers of the type of `x`."""
    return x.chosen(flags, 1, 0).reduce("add", op.dims)


def _product(op: ml.ReduceOp, here: Here) -> Parts:
    """The product of all other factors: where one factor is 0, only that one has a gradient; where two are, none."""
    x, kept = here.term(op.inputs[0]).wide(), _kept(op)
    g = here.term(here.cotangent(op.outputs[0])).wide()
    is_zero = x.compare("EQ", 0)
    factors = x.chosen(is_zero, 1, x)
    rest, zeros = factors.reduce("mul", op.dims), _count(op, x, is_zero)
    scaled = g * rest
    if op.inits:
        scaled = scaled * _start_like(op, here)
    of_zero = zeros.where("EQ", 1, scaled, 0).spread(kept, x.value)
    of_others = zeros.where("EQ", 0, scaled, 0).spread(kept, x.value) / factors
    to_input = x.chosen(is_zero, of_zero, of_others)
    return to_input, _total(op, zeros.where("EQ", 0, g * rest, 0))


KINDS: dict[str, Callable[[ml.ReduceOp, Here], Parts]] = {
    "add": _sum,
    "mul": _product,
    "max": _extreme,
    "min": _extreme,
}
"""The gradient of each kind of reduction of floats."""


def softmax(op: ml.SoftmaxOp, here: Here) -> Sequence[SSAValue | None]:
    """y * (g - sum(g * y))."""
    y = here.term(op.result).wide()
    g = here.term(here.cotangent(op.result)).wide()
    kept = [axis for axis in range(tensor_type(op.result).get_num_dims()) if axis != op.dim]
    total = (g * y).reduce("add", [op.dim]).spread(kept, y.value)
    return [(y * (g - total)).convert(tensor_type(op.result).element_type).value]


def log_softmax(op: ml.LogSoftmaxOp, here: Here) -> Sequence[SSAValue | None]:
    """g - exp(y) * sum(g)."""
    y = here.term(op.result).wide()
    g = here.term(here.cotangent(op.result)).wide()
    kept = [axis for axis in range(tensor_type(op.result).get_num_dims()) if axis != op.dim]
    total = g.reduce("add", [op.dim]).spread(kept, y.value)
    return [(g - y.exp() * total).convert(tensor_type(op.result).element_type).value]


REDUCTION: Rules = {
    ml.ReduceOp: reduce,
    ml.SoftmaxOp: softmax,
    ml.LogSoftmaxOp: log_softmax,
}
