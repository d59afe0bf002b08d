"""Constants as patterns see them: their NumPy value, whether all elements are one, and making new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from xdsl.dialects.arith import ConstantOp as ScalarConstantOp
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    TensorType,
)
from xdsl.ir import Attribute, Operation, OpResult, SSAValue

from weft.dialects.ml import ConstantOp
from weft.dialects.ml.constant import Dense, dense, elements_of
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Array, dtype_of
from weft.dialects.scalars import evaluate
from weft.passes.repetition import is_repetition
from weft.passes.rewriting import LocatedBuilder


def constant_op(value: SSAValue) -> ConstantOp | ScalarConstantOp | None:
    """The op of ml or arith that makes a constant, if it is one."""
    op = value.op if isinstance(value, OpResult) else None
    return op if isinstance(op, ConstantOp | ScalarConstantOp) else None


def dense_of(value: SSAValue) -> Dense | None:
    """The dense attribute behind a constant tensor whose elements ml has; None for anything else."""
    op = constant_op(value)
    if op is None or not isinstance(op.value, DenseIntOrFPElementsAttr):
        return None
    found = op.value
    return found if found.get_element_type() in ELEMENT_TYPES else None


def splat_of(value: SSAValue) -> Array | None:
    """The one element, as a rank-0 array, of a constant tensor whose elements have the same bits."""
    found = dense_of(value)
    if found is None:
        return None
    if not is_repetition(found):
        return None
    dtype = dtype_of(found.get_element_type())
    return elements_of(found.data.data[: dtype.itemsize], dtype, ())


def is_splat(value: SSAValue, number: float) -> bool:
    """Whether a value is a constant of that number in every element, with the same sign of zero."""
    found = splat_of(value)
    if found is None or found != number:
        return False
    return bool(np.signbit(found.astype(np.float64)) == np.signbit(number)) if number == 0 else True


def array_of(value: SSAValue) -> Array | None:
    """The value of a constant (a tensor, or a scalar as rank 0), or None. Resources count as unknown."""
    op = constant_op(value)
    if op is None:
        return None
    if isinstance(value.type, TensorType):
        return None if dense_of(value) is None else np.asarray(evaluate_constant(op))
    if isinstance(op, ScalarConstantOp) and isinstance(op.value, IntegerAttr | FloatAttr):
        return np.asarray(evaluate_constant(op))
    return None


def evaluate_constant(op: ConstantOp | ScalarConstantOp) -> Array:
    """The value of a constant op. Raises :class:`WeftError` for one that NumPy cannot hold."""
    return op.array() if isinstance(op, ConstantOp) else np.asarray(evaluate(op, ())[0])


def index_of(value: SSAValue) -> int | None:
    """The number that a constant `index` or integer is, or None."""
    op = constant_op(value)
    if op is None or not isinstance(op.value, IntegerAttr):
        return None
    return op.value.value.data


def same_number(builder: LocatedBuilder, number: float, type_: Attribute) -> SSAValue | None:
    """A constant tensor of static shape that is `number` everywhere; None where the shape has `?`."""
    tensor = cast(TensorType[Attribute], type_)
    if not tensor.has_static_shape():
        return None
    return new_constant(builder, np.full(tensor.get_shape(), number, dtype_of(tensor.element_type)))


def new_constant(builder: LocatedBuilder, array: Array) -> SSAValue:
    """An `ml.constant` of an array."""
    return builder.insert(ConstantOp(dense(array))).result


def new_index(builder: LocatedBuilder, number: int) -> SSAValue:
    """An `arith.constant` of type `index`."""
    return builder.insert(ScalarConstantOp(IntegerAttr(number, IndexType()))).result


def new_scalar(builder: LocatedBuilder, value: Array, type_: Attribute) -> SSAValue:
    """An `arith.constant` of a scalar type."""
    if isinstance(type_, IntegerType | IndexType):
        attr = IntegerAttr(int(value), cast(IntegerType, type_), truncate_bits=True)
        return builder.insert(ScalarConstantOp(attr)).result
    attr = FloatAttr(float(value), cast(Float64Type, type_))
    return builder.insert(ScalarConstantOp(attr)).result


def results_of(builder: LocatedBuilder, op: Operation, arrays: Sequence[Array]) -> list[SSAValue]:
    """Constants for the results of an op."""
    return [
        new_constant(builder, array) if isinstance(result.type, TensorType) else new_scalar(builder, array, result.type)
        for result, array in zip(op.results, arrays, strict=True)
    ]
