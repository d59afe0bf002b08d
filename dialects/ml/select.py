"""Choosing among values: select and clamp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import VarConstraint, irdl_op_definition, operand_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import TENSOR, Body, MlOp, same_dims, tensor_type
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind


def check_rank(op: MlOp, value: SSAValue, model: SSAValue, what: str) -> None:
    """Verify that a tensor has the rank of another one, or rank 0. Raises VerifyException."""
    rank = tensor_type(value).get_num_dims()
    if rank not in (0, tensor_type(model).get_num_dims()):
        raise VerifyException(f"{op.name}: {what} must have the shape of {model.type} or rank 0, not {value.type}")


@irdl_op_definition
class SelectOp(MlOp):
    """`on_true` where the predicate holds, else `on_false`. StableHLO: select.

    The predicate is a tensor of `i1`, of the same shape or of rank 0.

    ```mlir
    %r = ml.select %p, %a, %b : tensor<4xi1>, tensor<4xf32>
    ```
    """

    name = "ml.select"
    TAKES: ClassVar = Kind.ALL

    T: ClassVar = VarConstraint("T", TENSOR)

    pred = operand_def(TENSOR)
    on_true = operand_def(T)
    on_false = operand_def(T)
    result = result_def(T)

    assembly_format = "$pred `,` $on_true `,` $on_false attr-dict `:` type($pred) `,` type($result)"

    def __init__(self, pred: SSAValue | Operation, on_true: SSAValue | Operation, on_false: SSAValue | Operation):
        super().__init__(operands=[pred, on_true, on_false], result_types=[SSAValue.get(on_true).type])

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(1),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.on_true).element_type,)

    def check(self) -> None:
        if tensor_type(self.pred).element_type != i1:
            raise VerifyException(f"{self.name}: the predicate must have i1 elements, not {self.pred.type}")
        check_rank(self, self.pred, self.on_true, "the predicate")

    def rules(self) -> Iterator[Requirement]:
        dims = self.operand_dims(1)
        yield from same_dims(dims, self.operand_dims(2), f"{self.name}: both values must have the same sizes")
        if pred := self.operand_dims(0):
            yield from same_dims(dims, pred, f"{self.name}: the predicate must have the sizes of the values")

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (np.where(*operands),)


@irdl_op_definition
class ClampOp(MlOp):
    """`operand`, held between `min` and `max`: the lesser of (the greater of `operand` and `min`) and `max`.

    NaN in any of them gives NaN. The bounds have the type of the operand or are of rank 0. StableHLO: clamp.

    ```mlir
    %r = ml.clamp %lo, %x, %hi : tensor<f32>, tensor<4xf32>, tensor<f32>
    ```
    """

    name = "ml.clamp"

    T: ClassVar = VarConstraint("T", TENSOR)

    min = operand_def(TENSOR)
    operand = operand_def(T)
    max = operand_def(TENSOR)
    result = result_def(T)

    assembly_format = "$min `,` $operand `,` $max attr-dict `:` type($min) `,` type($operand) `,` type($max)"

    def __init__(self, low: SSAValue | Operation, operand: SSAValue | Operation, high: SSAValue | Operation):
        super().__init__(operands=[low, operand, high], result_types=[SSAValue.get(operand).type])

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(1),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.operand).element_type,)

    def check(self) -> None:
        element = tensor_type(self.operand).element_type
        for bound, what in ((self.min, "min"), (self.max, "max")):
            if tensor_type(bound).element_type != element:
                raise VerifyException(f"{self.name}: {what} must have {element} elements, not {bound.type}")
            check_rank(self, bound, self.operand, what)

    def rules(self) -> Iterator[Requirement]:
        for position, what in ((0, "min"), (2, "max")):
            if bound := self.operand_dims(position):
                message = f"{self.name}: {what} must have the sizes of the operand"
                yield from same_dims(self.operand_dims(1), bound, message)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(_clamp, *operands),)


def _clamp(low: Array, x: Array, high: Array) -> Array:
    return numerics.minimum(numerics.maximum(x, low), high)
