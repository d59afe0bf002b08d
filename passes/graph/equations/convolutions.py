"""Convolutions with a bias."""

from __future__ import annotations

from xdsl.dialects.builtin import f32

from weft.dialects import ml
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import Kind, kind_of, width_of
from weft.passes.graph.equations.building import as_said, put, spread
from weft.passes.graph.identities import Values
from weft.passes.rewriting import LocatedBuilder


def convolution_bias(op: ml.ConvolutionBiasOp, builder: LocatedBuilder) -> Values:
    """convolution_bias(x, w, b) = convolution(x, w) + b; sums of f16 and bf16 stay in f32 until then"""
    element = tensor_type(op.result).element_type
    narrow = kind_of(element) is Kind.FLOAT and width_of(element) == 16
    products = put(builder, op.plain(op.lhs, op.rhs, f32 if narrow else element))
    bias = put(builder, ml.ConvertOp(op.bias, f32)) if narrow else op.bias
    total = put(builder, ml.AddOp(products, spread(builder, bias, [op.feature_dim], products)))
    return [as_said(builder, op, put(builder, ml.ConvertOp(total, element)) if narrow else total)]
