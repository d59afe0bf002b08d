"""Gradients of what sees through a window: the cotangents, seen through the window turned round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Region, SSAValue

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import dtype_of, neutral
from weft.dialects.ml.reduction import reduction_body
from weft.dialects.ml.select_and_scatter import comparison_body
from weft.dialects.ml.sliding import Sliding
from weft.passes.graph.constants import new_constant
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.shapes import unpadded, unsliced
from weft.passes.graph.gradients.slices import extract_slice, shape_of
from weft.passes.graph.gradients.terms import Term, filled


@dataclass(frozen=True)
class Line:
    """How a window moves along one dimension: sizes are -1 where only the run knows them."""

    size: int
    places: int
    window: int
    stride: int
    base_step: int
    window_step: int
    low: int
    high: int

    @property
    def reach(self) -> int:
        """The size of the window with its holes."""
        return (self.window - 1) * self.window_step + 1

    def turned(self) -> tuple[int, int]:
        """The padding of the cotangents (dilated by the stride) with which the window, moving by the base step, has a
        place for each element. Where sizes are not known and strides leave a rest, there may be too many places."""
        low = self.reach - 1 - self.low
        if self.size == DYNAMIC_INDEX or self.places == DYNAMIC_INDEX:
            return low, self.reach - 1 - self.high + self.stride - 1
        seen = (self.places - 1) * self.stride + 1
        return low, self.reach + (self.size - 1) * self.base_step - seen - low

    def has_rest(self) -> bool:
        """Whether :meth:`turned` may give too many places."""
        return self.stride > 1 and DYNAMIC_INDEX in (self.size, self.places)


def cut_to(here: Here, value: SSAValue, model: SSAValue) -> SSAValue:
    """The first elements of a tensor, as many as `model` has."""
    starts: list[SSAValue | int] = [0] * tensor_type(model).get_num_dims()
    return extract_slice(here.builder, value, starts, shape_of(here.builder, model), tensor_type(model))


def is_empty(*values: SSAValue) -> bool:
    """Whether a tensor is known to have no elements."""
    return any(0 in tensor_type(value).get_shape() for value in values)


def reduce_window(op: ml.ReduceWindowOp, here: Here) -> Sequence[SSAValue | None]:
    """By the kind of the reduction. Raises WeftError for other bodies, and where the start would need a gradient."""
    if op.kind not in ("add", "max", "min"):
        raise error_at(op, f"{op.name} has a gradient only by add, max and min", code=codes.NO_GRADIENT)
    if any(map(here.wants, op.inits)):
        message = f"{op.name} has no gradient in the value that it starts from"
        raise error_at(op, message, "combine that value with the result instead", code=codes.NO_GRADIENT)
    x, none = op.inputs[0], [None] * len(op.inits)
    if is_empty(x, op.outputs[0]):
        return [filled(here.builder, x, 0), *none]
    return [_sums(op, here) if op.kind == "add" else _firsts(op, here), *none]


def _lines(op: ml.ReduceWindowOp) -> Iterator[Line]:
    sliding = op.sliding
    shapes = (tensor_type(op.inputs[0]).get_shape(), tensor_type(op.outputs[0]).get_shape())
    steps = (sliding.window, sliding.stride, sliding.base_step, sliding.window_step, sliding.pad)
    for size, places, window, stride, base, step, (low, high) in zip(*shapes, *steps, strict=True):
        yield Line(size, places, window, stride, base, step, low, high)


def _sums(op: ml.ReduceWindowOp, here: Here) -> SSAValue:
    """The sum of the cotangents of all places that see an element."""
    sliding, lines, x = op.sliding, list(_lines(op)), op.inputs[0]
    turned = Sliding(
        sliding.window,
        sliding.base_step,
        sliding.stride,
        sliding.window_step,
        tuple(line.turned() for line in lines),
    )
    result = here.builder.insert(ml.ReduceWindowOp.of("add", here.cotangent(op.outputs[0]), turned)).outputs[0]
    return cut_to(here, result, x) if any(line.has_rest() for line in lines) else result


def _firsts(op: ml.ReduceWindowOp, here: Here) -> SSAValue:
    """The cotangent of each place to the first extreme element that it sees, as JAX has it."""
    x, sliding, g = op.inputs[0], op.sliding, here.term(here.cotangent(op.outputs[0]))
    assert op.kind is not None
    if max((*sliding.base_step, *sliding.window_step, 1)) == 1 and not op.inits:
        zero = new_constant(here.builder, np.zeros((), dtype_of(tensor_type(x).element_type)))
        put = ml.SelectAndScatterOp.of(SELECTED_BY[op.kind], "add", x, g.value, zero, sliding)
        return here.builder.insert(put).result
    init = op.inits[0] if op.inits else _neutral(here, op.kind, x)
    parts: list[Term] = []
    for view, padded, hit in _hits(here, x, init, here.term(op.outputs[0]), sliding):
        back = unsliced(here, g.chosen(hit, g, 0).value, padded, view.starts, view.limits, view.steps)
        parts.append(here.term(unpadded(here, back, view.low, view.high, view.interior)))
    return reduce(Term.__add__, parts).value


SELECTED_BY = {"max": "GE", "min": "LE"}
"""The comparison that selects the first extreme element."""


def _hits(
    here: Here, x: SSAValue, init: SSAValue, extreme: Term, sliding: Sliding
) -> Iterator[tuple[_View, SSAValue, SSAValue]]:
    """For each point of the window: its view, the padded operand, and at which places it is the first extreme one."""
    free = extreme.compare("EQ", extreme)  # nothing equals NaN
    for point in product(*map(range, sliding.window)):
        view = _View.of(sliding, point)
        padded = here.builder.insert(ml.PadOp(x, init, view.low, view.high, view.interior)).result
        seen = here.term(view.slice(here, padded))
        hit = here.builder.insert(ml.AndOp(seen.compare("EQ", extreme), free)).result
        free = here.builder.insert(ml.AndOp(free, here.builder.insert(ml.NotOp(hit)).result)).result
        yield view, padded, hit


def select_and_scatter(op: ml.SelectAndScatterOp, here: Here) -> Sequence[SSAValue | None]:
    """To the source, the cotangents of the selected elements; to the start, all. Raises WeftError for other bodies."""
    element, sliding = tensor_type(op.operand).element_type, op.sliding
    kinds = (kind for kind, by in SELECTED_BY.items() if _is_like(op.select, comparison_body(by, element)))
    kind = next(kinds, None)
    if kind is None or not _is_like(op.scatter, reduction_body("add", element)):
        message = f"{op.name} has a gradient only where it selects by GE or LE, and scatters by add"
        raise error_at(op, message, code=codes.NO_GRADIENT)
    g = here.term(here.cotangent(op.result))
    to_init = g.reduce("add", range(sliding.rank)).value
    if is_empty(op.operand, op.source):
        return [None, filled(here.builder, op.source, 0), to_init]
    extreme = here.term(here.builder.insert(ml.ReduceWindowOp.of(kind, op.operand, sliding)).outputs[0])
    zero = new_constant(here.builder, np.zeros((), dtype_of(element)))
    parts: list[Term] = []
    for view, _, hit in _hits(here, op.operand, _neutral(here, kind, op.operand), extreme, sliding):
        padded = here.builder.insert(ml.PadOp(g.value, zero, view.low, view.high, view.interior)).result
        parts.append(g.chosen(hit, here.term(view.slice(here, padded)), extreme.of(0)))
    return [None, reduce(Term.__add__, parts).value, to_init]


def _is_like(body: Region, other: Region) -> bool:
    return body.is_structurally_equivalent(other)


def _neutral(here: Here, kind: str, x: SSAValue) -> SSAValue:
    return new_constant(here.builder, np.asarray(neutral(kind, tensor_type(x).element_type)))


@dataclass(frozen=True)
class _View:
    """What one point of the window sees from all places: a slice, by the strides, of the operand padded for it."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    interior: tuple[int, ...]
    steps: tuple[int, ...]

    @staticmethod
    def of(sliding: Sliding, point: tuple[int, ...]) -> _View:
        """The view of a point. The padding is that of the window, less what other points see alone."""
        offsets = [at * step for at, step in zip(point, sliding.window_step, strict=True)]
        pads = list(zip(sliding.pad, offsets, sliding.reach, strict=True))
        return _View(
            tuple(low - offset for (low, _), offset, _ in pads),
            tuple(high - (reach - 1 - offset) for (_, high), offset, reach in pads),
            tuple(step - 1 for step in sliding.base_step),
            sliding.stride,
        )

    @property
    def starts(self) -> tuple[int, ...]:
        """Where the slice starts."""
        return (0,) * len(self.low)

    @property
    def limits(self) -> tuple[int, ...]:
        """Where it ends: at the end."""
        return (-1,) * len(self.low)

    def slice(self, here: Here, padded: SSAValue) -> SSAValue:
        """The slice."""
        return here.builder.insert(ml.SliceOp(padded, self.starts, self.limits, self.steps)).result


WINDOWS: Rules = {
    ml.ReduceWindowOp: reduce_window,
    ml.SelectAndScatterOp: select_and_scatter,
}
