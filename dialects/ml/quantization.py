"""Between floats and small integers: quantize and dequantize."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, opt_prop_def, result_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_of, tensor_type, typed
from weft.dialects.ml.convert import convert
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import KIND_NAMES, Array, DType, Kind, kind_of, width_of
from weft.dialects.ml.norms import aligned
from weft.dialects.ml.options import OptionList, count_option


@irdl_custom_directive
class QuantizationOptions(OptionList):
    """`, axis = 1`."""

    axis: AttributeVariable


class QuantizationOp(MlOp, ABC):
    """What quantize and dequantize share: a scale and a zero point for all elements, or for each place of an axis."""

    operand = operand_def(TENSOR)
    scale = operand_def(TENSOR)
    zero_point = opt_operand_def(TENSOR)
    result = result_def(TENSOR)
    axis = opt_prop_def(AXIS)

    custom_directives = (QuantizationOptions,)
    assembly_format = (
        "$operand `scale` `(` $scale `:` type($scale) `)` (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)? "
        "custom<QuantizationOptions>($axis) attr-dict `:` type($operand) `to` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        scale: SSAValue | Operation,
        zero_point: SSAValue | Operation | None = None,
        *,
        element: Attribute,
        axis: int | None = None,
    ):
        super().__init__(
            operands=[operand, scale, zero_point],
            result_types=[TensorType(element, typed(operand).get_shape())],
            properties={"axis": None if axis is None else count_option(axis)},
        )

    @property
    @abstractmethod
    def real(self) -> SSAValue:
        """The tensor of floats."""

    @property
    @abstractmethod
    def stored(self) -> SSAValue:
        """The tensor of integers."""

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions of the operand that scale and zero point have: the axis, or none."""
        if tensor_type(self.scale).get_num_dims() == 0:
            return ()
        axis = axis_of(self.axis, 1)
        return (axis + tensor_type(self.operand).get_num_dims() if axis < 0 else axis,)

    def check(self) -> None:
        real, stored = (tensor_type(value).element_type for value in (self.real, self.stored))
        if kind_of(real) is not Kind.FLOAT:
            raise VerifyException(f"{self.name}: real numbers are {KIND_NAMES[Kind.FLOAT]}, not {real}")
        if (kind_of(stored) or Kind.BOOL) not in Kind.INTEGER or width_of(stored) > 32:
            raise VerifyException(f"{self.name}: stored numbers are integers of 8, 16 or 32 bits, not {stored}")
        if tensor_type(self.scale).element_type != real:
            raise VerifyException(f"{self.name}: the scale must have {real} elements, not {self.scale.type}")
        if self.zero_point is not None and tensor_type(self.zero_point).element_type != stored:
            raise VerifyException(
                f"{self.name}: the zero point must have {stored} elements, not {self.zero_point.type}"
            )
        self._check_ranks()

    def _check_ranks(self) -> None:
        rank = tensor_type(self.scale).get_num_dims()
        if rank > 1:
            raise VerifyException(f"{self.name}: the scale must have rank 0, or 1 with an axis, not {self.scale.type}")
        if rank == 0 and self.axis is not None:
            raise VerifyException(f"{self.name}: one scale for all elements has no axis; give a scale of rank 1")
        if self.zero_point is not None and tensor_type(self.zero_point).get_num_dims() != rank:
            raise VerifyException(f"{self.name}: the zero point must have the shape of the scale")
        if any(not 0 <= dim < tensor_type(self.operand).get_num_dims() for dim in self.dims):
            raise VerifyException(f"{self.name}: {self.operand.type} has no axis {axis_of(self.axis, 1)}")

    def rules(self) -> Iterator[Requirement]:
        for dim in self.dims:
            size = self.operand_dims(0)[dim]
            for position in range(1, len(self.operands)):
                what = "the scale" if position == 1 else "the zero point"
                message = f"{self.name}: {what} must have the size of axis {dim}"
                yield Requirement(self.operand_dims(position)[0], "==", size, message)

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def _aligned(self, operands: tuple[Array, ...], position: int) -> Array:
        rank = operands[0].ndim
        if position < len(operands):
            return aligned(operands[position], self.dims, rank)
        return np.zeros((1,) * rank, operands[0].dtype)


def wide_float(dtype: DType) -> DType:
    """The type in which numbers of a float type are divided and multiplied."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


@irdl_op_definition
class QuantizeOp(QuantizationOp):
    """round(x / scale) + zero_point as integers, held to the range of their type.

    Halves are rounded to the even neighbour; the quotient is computed in f32 (f64 for f64), and NaN becomes 0.
    Scale and zero point (0) are of rank 0, for all elements, or of rank 1, for each place of an axis (1 unless
    given; a negative one counts from the end). As smaller ops: `convert (round_even (x / broadcast scale) +
    convert (broadcast zero_point))`. ONNX: QuantizeLinear.

    ```mlir
    %r = ml.quantize %x scale(%s : tensor<f32>) : tensor<4x8xf32> to tensor<4x8xi8>
    %t = ml.quantize %x scale(%u : tensor<8xf32>) zero_point(%z : tensor<8xui8>), axis = 1
        : tensor<4x8xf32> to tensor<4x8xui8>
    ```
    """

    name = "ml.quantize"

    @property
    def real(self) -> SSAValue:
        return self.operand

    @property
    def stored(self) -> SSAValue:
        return self.result

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        wide = wide_float(operands[0].dtype)
        quotient = np.rint(operands[0].astype(wide) / self._aligned(operands, 1).astype(wide))
        shifted = quotient.astype(np.float64) + self._aligned(operands, 2).astype(np.float64)
        return (convert(shifted, self.result_dtype()),)


@irdl_op_definition
class DequantizeOp(QuantizationOp):
    """(x - zero_point) * scale: the numbers that quantized ones stand for.

    The difference is exact; it is rounded to f32 (f64 for f64), where the product is computed. Scale and zero point
    (0) are as of `ml.quantize`. As smaller ops: `convert (convert x - convert (broadcast zero_point)) *
    broadcast scale`. ONNX: DequantizeLinear.

    ```mlir
    %r = ml.dequantize %x scale(%s : tensor<f32>) : tensor<4x8xi8> to tensor<4x8xf32>
    %t = ml.dequantize %x scale(%u : tensor<4xf32>) zero_point(%z : tensor<4xi8>), axis = 0
        : tensor<4x8xi8> to tensor<4x8xf32>
    ```
    """

    name = "ml.dequantize"

    @property
    def real(self) -> SSAValue:
        return self.result

    @property
    def stored(self) -> SSAValue:
        return self.operand

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        dtype = self.result_dtype()
        wide = wide_float(dtype)
        difference = operands[0].astype(np.int64) - self._aligned(operands, 2).astype(np.int64)
        return ((difference.astype(wide) * self._aligned(operands, 1).astype(wide)).astype(dtype),)
