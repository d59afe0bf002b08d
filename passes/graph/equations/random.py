"""Random numbers of a distribution, from random bits."""

from __future__ import annotations

import math

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import Tensor, tensor_type
from weft.dialects.ml.random import GeneratorOp
from weft.dialects.ml.rounding import MANTISSA_BITS, WIDTHS
from weft.dialects.ml.syntax import TO_THE_END
from weft.passes.graph.equations.building import filled, put
from weft.passes.graph.identities import Values
from weft.passes.rewriting import LocatedBuilder


def random_uniform(op: ml.RandomUniformOp, builder: LocatedBuilder) -> Values:
    """random_uniform(s) = (bits >> (width - mantissa)) * 2^-mantissa, bits = rng_bit_generator(s)"""
    return _uniform(builder, op, tensor_type(op.output))


def _uniform(builder: LocatedBuilder, op: GeneratorOp, target: Tensor) -> list[SSAValue]:
    """The state after, and uniform numbers of a type."""
    made = builder.insert(ml.RngBitGeneratorOp(op.rng_algorithm.data, op.initial_state, op.bits_type, op.sizes))
    mantissa = MANTISSA_BITS[target.element_type]
    distance = filled(builder, made.output, WIDTHS[target.element_type] - mantissa)
    leading = put(builder, ml.ShiftRightLogicalOp(made.output, distance))
    number = put(builder, ml.ConvertOp(leading, target.element_type))
    return [made.output_state, put(builder, ml.MulOp(number, filled(builder, number, 2.0**-mantissa)))]


def random_normal(op: ml.RandomNormalOp, builder: LocatedBuilder) -> Values:
    """random_normal(s) = sqrt(-2 log(1 - u)) cos(2 pi v), (u, v) = random_uniform(s)"""
    state, both = _uniform(builder, op, op.uniform_type)
    shape, element = op.uniform_type.get_shape(), op.uniform_type.element_type

    def half(number: int) -> SSAValue:
        limits = [number + 1, *(TO_THE_END if n == DYNAMIC_INDEX else n for n in shape[1:])]
        part = put(builder, ml.SliceOp(both, [number, *[0] * len(shape[1:])], limits))
        return put(builder, ml.ReshapeOp(part, TensorType(element, shape[1:]), op.sizes))

    u, v = half(0), half(1)
    rest = put(builder, ml.SubOp(filled(builder, u, 1.0), u))
    doubled = put(builder, ml.MulOp(put(builder, ml.LogOp(rest)), filled(builder, u, -2.0)))
    angle = put(builder, ml.MulOp(v, filled(builder, v, 2 * math.pi)))
    result = put(builder, ml.MulOp(put(builder, ml.SqrtOp(doubled)), put(builder, ml.CosOp(angle))))
    if tensor_type(op.output).element_type != element:
        result = put(builder, ml.ConvertOp(result, tensor_type(op.output).element_type))
    return [state, result]
