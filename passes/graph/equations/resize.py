"""Resizing as taking elements at computed places, one dimension after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import tensor
from xdsl.dialects.arith import IndexCastOp
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, i64
from xdsl.ir import Attribute, SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dims import Dim
from weft.dialects.ml.dtypes import Array, dtype_of
from weft.dialects.ml.resize import Coordinates, nearest, neighbours, rounding_terms
from weft.passes.graph.constants import new_constant
from weft.passes.graph.dim_identities import dim_value
from weft.passes.graph.equations.building import put
from weft.passes.rewriting import LocatedBuilder


def resize(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """resize(x) = take(x, nearest);  resize(x) = take(x, low) * (1 - w) + take(x, high) * w"""
    assert isinstance(op, ml.ResizeOp)
    x = operands[0]
    sizes = list(op.operand_dims(0))
    for axis in op.dims:
        source, target = op.operand_dims(0)[axis], op.result_dims()[0][axis]
        sizes[axis] = target
        if isinstance(source, int) and source == target:
            continue
        line = _Line(builder, op, source, target)
        if not op.is_linear:
            x = put(builder, ml.TakeOp(x, line.nearest(), axis))
            continue
        low, high, weight, rest = line.neighbours(tensor_type(x).element_type)
        parts = [put(builder, ml.TakeOp(x, places, axis)) for places in (low, high)]
        type_ = tensor_type(parts[0])
        said = tensor_type(weight).get_shape() != (1,)
        given = [
            dim_value(builder, op, size)
            for other, (size, n) in enumerate(zip(sizes, type_.get_shape(), strict=True))
            if n == DYNAMIC_INDEX and not (other == axis and said)
        ]
        spread = [put(builder, ml.BroadcastInDimOp(value, [axis], type_, given)) for value in (rest, weight)]
        left, right = (put(builder, ml.MulOp(*pair)) for pair in zip(parts, spread, strict=True))
        x = put(builder, ml.AddOp(left, right))
    return x


class _Line:
    """The places of the elements of one dimension: constants where both sizes are known, else computed in `i64`."""

    def __init__(self, builder: LocatedBuilder, op: ml.ResizeOp, source: Dim, target: Dim) -> None:
        self.builder, self.op, self.source, self.target = builder, op, source, target
        self.type = TensorType(i64, [target if isinstance(target, int) else DYNAMIC_INDEX])
        self.sizes = [] if isinstance(target, int) else [dim_value(builder, op, target)]

    def nearest(self) -> SSAValue:
        """The place of the nearest element of each."""
        if isinstance(self.source, int) and isinstance(self.target, int):
            return self._constant(nearest(self.source, self.target, self.op.transform, self.op.rounded), i64)
        place, divisor = self._fraction()
        p, q, r, s = rounding_terms(self.op.rounded)
        scaled = self._sum(self._times(place, p), self._times(divisor, q))
        rounded = put(self.builder, ml.MaxOp(self._sum(scaled, self._filled(r)), self._filled(0)))
        found = put(self.builder, ml.DivOp(rounded, self._times(divisor, s)))
        return put(self.builder, ml.MinOp(found, self._last()))

    def neighbours(self, element: Attribute) -> tuple[SSAValue, SSAValue, SSAValue, SSAValue]:
        """The places before and behind each, the weight of the latter in a float type, and one less it."""
        if isinstance(self.source, int) and isinstance(self.target, int):
            low, high, weight = neighbours(self.source, self.target, self.op.transform)
            places = [self._constant(places, i64) for places in (low, high)]
            return places[0], places[1], self._constant(weight, element), self._constant(1 - weight, element)
        place, divisor = self._fraction()
        end = put(self.builder, ml.MulOp(self._last(), divisor))
        place = put(self.builder, ml.MinOp(put(self.builder, ml.MaxOp(place, self._filled(0))), end))
        low = put(self.builder, ml.DivOp(place, divisor))
        high = put(self.builder, ml.MinOp(self._sum(low, self._filled(1)), self._last()))
        behind = put(self.builder, ml.SubOp(place, put(self.builder, ml.MulOp(low, divisor))))
        before = put(self.builder, ml.SubOp(divisor, behind))
        parts = [put(self.builder, ml.ConvertOp(value, element)) for value in (behind, before, divisor)]
        weight, rest = (put(self.builder, ml.DivOp(part, parts[2])) for part in parts[:2])
        return low, high, weight, rest

    def _fraction(self) -> tuple[SSAValue, SSAValue]:
        """Numerator and denominator of the place of each element."""
        i = put(self.builder, ml.IotaOp(0, self.type, self.sizes))
        source, target, one = self._size(self.source), self._size(self.target), self._filled(1)
        match self.op.transform:
            case Coordinates.HALF_PIXEL:
                moved = put(self.builder, ml.MulOp(self._sum(self._times(i, 2), one), source))
                return put(self.builder, ml.SubOp(moved, target)), self._times(target, 2)
            case Coordinates.ALIGN_CORNERS:
                gaps = put(self.builder, ml.MaxOp(put(self.builder, ml.SubOp(target, one)), one))
                return put(self.builder, ml.MulOp(i, put(self.builder, ml.SubOp(source, one)))), gaps
            case Coordinates.ASYMMETRIC:
                return put(self.builder, ml.MulOp(i, source)), target

    def _last(self) -> SSAValue:
        return put(self.builder, ml.SubOp(self._size(self.source), self._filled(1)))

    def _size(self, size: Dim) -> SSAValue:
        """A size, for each element."""
        if isinstance(size, int):
            return self._filled(size)
        number = put(self.builder, IndexCastOp(dim_value(self.builder, self.op, size), i64))
        scalar = self.builder.insert(tensor.FromElementsOp(number, result_type=TensorType(i64, []))).result
        return put(self.builder, ml.BroadcastInDimOp(scalar, [], self.type, self.sizes))

    def _filled(self, number: int) -> SSAValue:
        scalar = new_constant(self.builder, np.array(number, np.int64))
        return put(self.builder, ml.BroadcastInDimOp(scalar, [], self.type, self.sizes))

    def _constant(self, numbers: Array, element: Attribute) -> SSAValue:
        return new_constant(self.builder, numbers.astype(dtype_of(element)))

    def _times(self, value: SSAValue, factor: int) -> SSAValue:
        return value if factor == 1 else put(self.builder, ml.MulOp(value, self._filled(factor)))

    def _sum(self, left: SSAValue, right: SSAValue) -> SSAValue:
        return put(self.builder, ml.AddOp(left, right))
