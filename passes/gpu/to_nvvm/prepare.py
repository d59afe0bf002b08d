"""What is done to the body of a function before it is lowered: all that computes is brought to ops that a GPU has."""

from __future__ import annotations

from typing import Any, cast

from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import BFloat16Type, DenseIntOrFPElementsAttr, Float16Type, VectorType
from xdsl.ir import Attribute, Operation
from xdsl.rewriter import Rewriter
from xdsl.utils.hints import isa

from weft.dialects.upstream.arith import ARITH
from weft.passes.gpu.device_math import expand_functions, is_function
from weft.passes.lower.expand_narrow_floats import KEPT, expand_narrow
from weft.passes.rewriting import LocatedBuilder

_COMPUTING = {*ARITH.operations, *math.Math.operations} - {*KEPT}


def prepare(function: Operation) -> None:
    """Rewrite the body of a function in place.

    Functions of `math`, and arithmetic on f16 and bf16, are taken apart lane by lane where they are on vectors;
    arithmetic on f16 and bf16 is done in f32; functions become arithmetic.
    """
    for op in list(function.walk()):
        if type(op) in _COMPUTING and _lanes(op) is not None and (is_function(op) or _is_narrow(op)):
            _take_apart(op)
    expand_narrow(function)
    expand_functions(function)


def _lanes(op: Operation) -> int | None:
    """How many lanes an op on vectors of one dimension works on."""
    type_ = op.results[0].type if op.results else None
    return type_.get_shape()[0] if isa(type_, VectorType) and type_.get_num_dims() == 1 else None


def _element(type_: Attribute) -> Attribute:
    return type_.element_type if isa(type_, VectorType) else type_


def _is_narrow(op: Operation) -> bool:
    return any(isinstance(_element(value.type), BFloat16Type | Float16Type) for value in (*op.operands, *op.results))


def _take_apart(op: Operation) -> None:
    """An op on vectors as one on each lane."""
    builder = LocatedBuilder.before(op)
    (result,) = op.results
    type_ = cast("VectorType[Any]", result.type)
    out = builder.insert(arith.ConstantOp(_zeros(type_))).result
    for lane in range(type_.get_shape()[0]):
        parts = [
            builder.insert(vector.ExtractOp(operand, [lane], _element(operand.type))).result for operand in op.operands
        ]
        made = builder.insert(
            type(op).create(
                operands=parts,
                result_types=[type_.element_type],
                properties=op.properties,
                attributes=op.attributes,
            )
        )
        out = builder.insert(vector.InsertOp(made.results[0], out, [lane])).result
    Rewriter.replace_op(op, [], [out])


def _zeros(type_: VectorType[Any]) -> DenseIntOrFPElementsAttr[Any]:
    return DenseIntOrFPElementsAttr.from_list(type_, [0])
