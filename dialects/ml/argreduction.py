"""Where the greatest or least element is: argmax and argmin."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from xdsl.dialects.builtin import IntegerType, TensorType, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_attr, axis_of, tensor_type, typed
from weft.dialects.ml.dims import Shape, shape_of, static_shape
from weft.dialects.ml.dtypes import Array


class ArgReductionOp(MlOp, ABC):
    """The index, as `i32` or `i64`, of the first extreme element of each line along a dimension.

    The dimension is the last unless given; a negative one counts from the end. NaN counts as extreme. The
    index into a line without elements is 0.
    """

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)
    dimension = opt_prop_def(AXIS)

    assembly_format = "$operand (`,` `dim` `=` $dimension^)? attr-dict `:` type($operand) `to` type($result)"

    def __init__(self, operand: SSAValue | Operation, dim: int = -1, element: IntegerType = i32):
        source = typed(operand)
        shape = shape_of(0, source.get_shape())
        kept = _without(shape, dim % len(shape))
        super().__init__(
            operands=[operand],
            result_types=[TensorType(element, static_shape(kept))],
            properties={"dimension": axis_attr(dim)},
        )

    @property
    def dim(self) -> int:
        """The dimension, counted from the front."""
        dim = axis_of(self.dimension, -1)
        return dim + tensor_type(self.operand).get_num_dims() if dim < 0 else dim

    @staticmethod
    @abstractmethod
    def meaning(x: Array, axis: int) -> Array:
        """The indices along an axis that is not empty."""

    def check(self) -> None:
        if not 0 <= self.dim < tensor_type(self.operand).get_num_dims():
            raise VerifyException(f"{self.name}: {self.operand.type} has no dimension {axis_of(self.dimension, -1)}")
        if tensor_type(self.result).element_type not in (i32, i64):
            raise VerifyException(f"{self.name}: the elements of the result must be i32 or i64, not {self.result.type}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (_without(self.operand_dims(0), self.dim),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        x = numerics.widen(operands[0])
        if x.shape[self.dim] == 0:
            return (np.zeros(self.concrete_shape(operands), self.result_dtype()),)
        return (np.asarray(self.meaning(x, self.dim)).astype(self.result_dtype()),)


def _without(shape: Shape, dim: int) -> Shape:
    return (*shape[:dim], *shape[dim + 1 :])


@irdl_op_definition
class ArgmaxOp(ArgReductionOp):
    """The index of the first greatest element of each line; see :class:`ArgReductionOp`. NumPy: argmax.

    ```mlir
    %r = ml.argmax %x, dim = 1 : tensor<4x8xf32> to tensor<4xi32>
    ```
    """

    name = "ml.argmax"

    @staticmethod
    def meaning(x: Array, axis: int) -> Array:
        return np.argmax(x, axis)


@irdl_op_definition
class ArgminOp(ArgReductionOp):
    """The index of the first least element of each line; see :class:`ArgReductionOp`. NumPy: argmin.

    ```mlir
    %r = ml.argmin %x, dim = 1 : tensor<4x8xf32> to tensor<4xi64>
    ```
    """

    name = "ml.argmin"

    @staticmethod
    def meaning(x: Array, axis: int) -> Array:
        return np.argmin(x, axis)
