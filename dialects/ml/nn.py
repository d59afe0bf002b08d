"""Softmax and its logarithm."""

from __future__ import annotations

from abc import ABC
from functools import partial
from typing import ClassVar

import numpy as np
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import VarConstraint, irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_attr, axis_of, tensor_type
from weft.dialects.ml.dims import Shape
from weft.dialects.ml.dtypes import Array, Kind


class LinesOp(MlOp, ABC):
    """An op on each line of a tensor along an axis, the last unless given; a negative one counts from the end."""

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


@irdl_op_definition
class SoftmaxOp(LinesOp):
    """Each line along an axis (the last unless given) as shares of 1: e / sum(e), where e = exp(x - max(x)).

    As smaller ops: `m = reduce max x; e = exp(x - broadcast m); s = reduce add e; e / broadcast s`. A
    negative axis counts from the end. A line with NaN or +inf, and one of -inf only, is NaN. ONNX: Softmax.

    ```mlir
    %r = ml.softmax %x : tensor<4x8xf32>
    %s = ml.softmax %x, axis = 0 : tensor<4x8xf32>
    ```
    """

    name = "ml.softmax"

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(self._softmax, operands[0]),)

    def _softmax(self, x: Array) -> Array:
        shifted = np.exp(x - np.max(x, axis=self.dim, keepdims=True, initial=-np.inf))
        return shifted / np.sum(shifted, axis=self.dim, keepdims=True)


def log_softmax(x: Array, axis: int) -> Array:
    """The logarithms of the softmax of each line along an axis."""
    shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@irdl_op_definition
class LogSoftmaxOp(LinesOp):
    """The logarithm of the softmax of each line along an axis (the last unless given): x - max(x) - log(sum(e)).

    As smaller ops: `d = x - broadcast (reduce max x); d - broadcast (log (reduce add (exp d)))`. A negative axis
    counts from the end. A line with NaN or +inf, and one of -inf only, is NaN. ONNX: LogSoftmax,
    PyTorch: log_softmax.

    ```mlir
    %r = ml.log_softmax %x : tensor<4x8xf32>
    %s = ml.log_softmax %x, axis = 0 : tensor<4x8xf32>
    ```
    """

    name = "ml.log_softmax"

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(partial(log_softmax, axis=self.dim), operands[0]),)
