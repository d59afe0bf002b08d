"""Between floats and small integers: quantize and dequantize."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import f64, i32, i64
from xdsl.ir import Attribute, SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import width_of
from weft.passes.graph.equations.building import put, spread
from weft.passes.rewriting import LocatedBuilder


def quantize(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """quantize(x) = convert(round_even(x / scale) + zero_point)"""
    assert isinstance(op, ml.QuantizeOp)
    x, scale, *rest = operands
    whole = put(builder, ml.RoundEvenOp(put(builder, ml.DivOp(x, spread(builder, scale, op.dims, x)))))
    stored = tensor_type(op.result).element_type
    for zero_point in rest:
        # f32 has not all numbers of 32 bits, nor their sums
        whole = _as(builder, whole, f64) if width_of(stored) == 32 else whole
        zero = _as(builder, zero_point, tensor_type(whole).element_type)
        whole = put(builder, ml.AddOp(whole, spread(builder, zero, op.dims, x)))
    return put(builder, ml.ConvertOp(whole, stored))


def dequantize(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """dequantize(x) = convert(x - zero_point) * scale"""
    assert isinstance(op, ml.DequantizeOp)
    x, scale, *rest = operands
    difference = i64 if width_of(tensor_type(x).element_type) == 32 else i32
    for zero_point in rest:
        zero = spread(builder, _as(builder, zero_point, difference), op.dims, x)
        x = put(builder, ml.SubOp(_as(builder, x, difference), zero))
    number = _as(builder, x, tensor_type(scale).element_type)
    return put(builder, ml.MulOp(number, spread(builder, scale, op.dims, number)))


def _as(builder: LocatedBuilder, value: SSAValue, element: Attribute) -> SSAValue:
    return value if tensor_type(value).element_type == element else put(builder, ml.ConvertOp(value, element))
