"""Ops of neural networks that stay named as long as it pays."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import VarConstraint, irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_attr, axis_of, tensor_type
from weft.dialects.ml.dims import Shape
from weft.dialects.ml.dtypes import Array, Kind


@irdl_op_definition
class SoftmaxOp(MlOp):
    """Each line along an axis (the last unless given) as shares of 1: e / sum(e), where e = exp(x - max(x)).

    As smaller ops: `m = reduce max x; e = exp(x - broadcast m); s = reduce add e; e / broadcast s`. A
    negative axis counts from the end. A line with NaN or +inf, and one of -inf only, is NaN. ONNX: Softmax.

    ```mlir
    %r = ml.softmax %x : tensor<4x8xf32>
    %s = ml.softmax %x, axis = 0 : tensor<4x8xf32>
    ```
    """

    name = "ml.softmax"
    TAKES: ClassVar = Kind.FLOAT

    T: ClassVar = VarConstraint("T", TENSOR)

    operand = operand_def(T)
    result = result_def(T)
    axis = opt_prop_def(AXIS)

    assembly_format = "$operand (`,` `axis` `=` $axis^)? attr-dict `:` type($result)"

    def __init__(self, operand: SSAValue | Operation, axis: int = -1):
        super().__init__(
            operands=[operand],
            result_types=[SSAValue.get(operand).type],
            properties={"axis": axis_attr(axis)},
        )

    @property
    def dim(self) -> int:
        """The axis, counted from the front."""
        axis = axis_of(self.axis, -1)
        return axis + tensor_type(self.operand).get_num_dims() if axis < 0 else axis

    def check(self) -> None:
        if not 0 <= self.dim < tensor_type(self.operand).get_num_dims():
            raise VerifyException(f"{self.name}: {self.operand.type} has no axis {axis_of(self.axis, -1)}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(self._softmax, operands[0]),)

    def _softmax(self, x: Array) -> Array:
        shifted = np.exp(x - np.max(x, axis=self.dim, keepdims=True, initial=-np.inf))
        return shifted / np.sum(shifted, axis=self.dim, keepdims=True)
