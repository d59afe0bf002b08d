"""Gradients of running reductions, which run the other way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import TensorType, i64
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import dtype_of, neutral
from weft.dialects.ml.scans import ScanOp
from weft.passes.graph.constants import new_constant
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.terms import Term, filled


def _scan(here: Here, kind: type[ScanOp], op: ScanOp, value: Term, *, back: bool = False) -> Term:
    """A running reduction in the direction of `op`, or back, that no element is left out of."""
    reverse = (op.reverse is not None) != back
    return here.term(here.builder.insert(kind(value.value, op.dim, reverse=reverse)).result)


def _shifted(here: Here, op: ScanOp, value: Term, fill: SSAValue, steps: int) -> Term:
    """A tensor moved along the axis, in the direction of the scan; `fill` moves in."""
    steps = -steps if op.reverse is not None else steps
    rank = tensor_type(value.value).get_num_dims()
    low = tuple(steps if axis == op.dim else 0 for axis in range(rank))
    return here.term(here.builder.insert(ml.PadOp(value.value, fill, low, tuple(-n for n in low))).result)


def _cotangent(op: ScanOp, here: Here) -> Term:
    """The cotangents of the results that no element is left out of."""
    g = here.term(here.cotangent(op.result)).wide()
    if op.exclusive is None:
        return g
    zero = new_constant(here.builder, np.zeros((), dtype_of(tensor_type(g.value).element_type)))
    return _shifted(here, op, g, zero, -1)


def cumsum(op: ml.CumsumOp, here: Here) -> Sequence[SSAValue | None]:
    """The running sum of the cotangents, the other way."""
    found = _scan(here, ml.CumsumOp, op, _cotangent(op, here), back=True)
    return [found.convert(tensor_type(op.operand).element_type).value]


def cumprod(op: ml.CumprodOp, here: Here) -> Sequence[SSAValue | None]:
    """The running sum of cotangent times product, the other way, divided by the element. Where the first 0 of a line
    stands, the products are taken without it; the elements behind it have no gradient."""
    g, x = _cotangent(op, here), here.term(op.operand).wide()
    is_zero = x.compare("EQ", 0)
    zeros = _scan(here, ml.CumsumOp, op, x.chosen(is_zero, 1, x.of(0)))
    is_first = here.builder.insert(ml.AndOp(is_zero, zeros.compare("EQ", 1))).result
    others = x.chosen(is_first, 1, x)
    of_first = _scan(here, ml.CumsumOp, op, g * _scan(here, ml.CumprodOp, op, others), back=True)
    sums = _scan(here, ml.CumsumOp, op, g * _scan(here, ml.CumprodOp, op, x), back=True)
    found = x.chosen(is_first, of_first, sums / x.chosen(is_zero, 1, x))
    return [found.convert(tensor_type(op.operand).element_type).value]


def extreme(op: ml.CummaxOp | ml.CumminOp, here: Here) -> Sequence[SSAValue | None]:
    """To each element the cotangents of the places where it is the extreme one; of equal elements, to the first."""
    g, x = here.term(here.cotangent(op.result)), here.term(op.operand)
    if op.exclusive is not None:
        zero = new_constant(here.builder, np.zeros((), dtype_of(tensor_type(g.value).element_type)))
        g = _shifted(here, op, g, zero, -1)
    so_far = _scan(here, type(op), op, x)
    least = new_constant(here.builder, np.asarray(neutral(op.KIND, tensor_type(x.value).element_type)))
    is_new = x.compare("GT" if op.KIND == "max" else "LT", _shifted(here, op, so_far, least, 1))
    places = here.term(_last_place(op, here, is_new))
    rank = tensor_type(x.value).get_num_dims()
    batch = [axis for axis in range(rank) if axis != op.dim]
    put = ml.ScatterOp(
        [filled(here.builder, x.value, 0)],
        places.value,
        [g.value],
        "add",
        inserted=[op.dim],
        batching=(batch, batch),
        scatter_dims=[op.dim],
        index_vector_dim=rank,
    )
    return [here.builder.insert(put).outputs[0]]


def _last_place(op: ScanOp, here: Here, flags: SSAValue) -> SSAValue:
    """For each element, the last place so far that has a flag, in the direction of the scan; its start if none."""
    shape = tensor_type(flags).get_shape()
    numbers = ml.IotaOp(op.dim, TensorType(i64, shape), run_time_sizes(here.builder, flags))
    number = here.term(here.builder.insert(numbers).result)
    if op.reverse is None:
        return _scan(here, ml.CummaxOp, op, number.chosen(flags, number, 0)).value
    # from the end the numbers fall; where no flag was seen, the place is the end: the greatest number of all
    last = here.term(here.builder.insert(ml.CummaxOp(number.value, op.dim, reverse=True)).result)
    return _scan(here, ml.CumminOp, op, number.chosen(flags, number, last)).value


SCANS: Rules = {
    ml.CumsumOp: cumsum,
    ml.CumprodOp: cumprod,
    ml.CummaxOp: extreme,
    ml.CumminOp: extreme,
}
