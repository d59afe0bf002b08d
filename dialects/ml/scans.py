"""Running sums, products and extremes along an axis."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import VarConstraint, irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_attr, axis_of, tensor_type
from weft.dialects.ml.dims import Shape
from weft.dialects.ml.dtypes import Array, is_float, neutral
from weft.dialects.ml.options import OptionList
from weft.dialects.ml.reduction import combiner


@irdl_custom_directive
class ScanOptions(OptionList):
    """The options of a running reduction."""

    axis: AttributeVariable
    exclusive: AttributeVariable
    reverse: AttributeVariable


class ScanOp(MlOp):
    """A running reduction along an axis (the last unless given; a negative one counts from the end).

    With `exclusive` an element is left out of its own result, so the first one is the neutral element of the
    reduction. With `reverse` it runs from the end. f16 and bf16 are accumulated in f32, others in their own type; the
    order of combination is that of the elements; on a GPU that of a long axis is cut into parts.
    """

    KIND: ClassVar[str]
    """The kind of reduction, one of those of `ml.reduce`."""

    T: ClassVar = VarConstraint("T", TENSOR)

    operand = operand_def(T)
    result = result_def(T)
    axis = opt_prop_def(AXIS)
    exclusive = opt_prop_def(UnitAttr)
    reverse = opt_prop_def(UnitAttr)

    custom_directives = (ScanOptions,)
    assembly_format = "$operand custom<ScanOptions>($axis, $exclusive, $reverse) attr-dict `:` type($result)"

    def __init__(
        self, operand: SSAValue | Operation, axis: int = -1, *, exclusive: bool = False, reverse: bool = False
    ):
        super().__init__(
            operands=[operand],
            result_types=[SSAValue.get(operand).type],
            properties={
                "axis": axis_attr(axis),
                "exclusive": UnitAttr() if exclusive else None,
                "reverse": UnitAttr() if reverse else None,
            },
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

    @staticmethod
    def _accumulated(x: Array) -> Array:
        """In the type of what is accumulated: since the order is given, so are its overflows and what vanishes."""
        return x.astype(np.float32) if is_float(x.dtype) and x.dtype.itemsize == 2 else x

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (x,) = operands
        wide = self._accumulated(np.flip(x, self.dim) if self.reverse is not None else x)
        result = np.asarray(combiner(self.KIND, x.dtype).accumulate(wide, axis=self.dim, dtype=wide.dtype))
        if self.exclusive is not None and result.size:
            first = self._accumulated(neutral(self.KIND, tensor_type(self.operand).element_type))
            result = np.roll(result, 1, self.dim)
            result[(slice(None),) * self.dim + (0,)] = first
        result = np.flip(result, self.dim) if self.reverse is not None else result
        return (numerics.narrow(result, x.dtype) if is_float(x.dtype) else result.copy(),)


@irdl_op_definition
class CumsumOp(ScanOp):
    """The running sum along an axis (the last unless given; a negative one counts from the end). ONNX: CumSum.

    With `exclusive` an element is left out of its own sum, so the first is 0; with `reverse` it runs from the
    end. f16 and bf16 are added in f32. On `i1` it is the running or.

    ```mlir
    %r = ml.cumsum %x, axis = 1 : tensor<4x8xf32>
    %s = ml.cumsum %x, axis = 0, exclusive, reverse : tensor<4x8xf32>
    ```
    """

    name = "ml.cumsum"
    KIND: ClassVar = "add"


@irdl_op_definition
class CumprodOp(ScanOp):
    """The running product along an axis, with the options of `ml.cumsum`; on `i1` the running and.

    ```mlir
    %r = ml.cumprod %x : tensor<4x8xf32>
    %s = ml.cumprod %x, axis = -2, exclusive : tensor<4x8xf32>
    ```
    """

    name = "ml.cumprod"
    KIND: ClassVar = "mul"


@irdl_op_definition
class CummaxOp(ScanOp):
    """The greatest element so far along an axis, with the options of `ml.cumsum`; NaN from the first NaN on.

    With `exclusive` the first is the least value of the type: -inf for floats.

    ```mlir
    %r = ml.cummax %x, axis = 0 : tensor<4x8xf32>
    ```
    """

    name = "ml.cummax"
    KIND: ClassVar = "max"


@irdl_op_definition
class CumminOp(ScanOp):
    """The least element so far along an axis, with the options of `ml.cumsum`; NaN from the first NaN on.

    With `exclusive` the first is the greatest value of the type: +inf for floats.

    ```mlir
    %r = ml.cummin %x, axis = 1, reverse : tensor<4x8xi32>
    ```
    """

    name = "ml.cummin"
    KIND: ClassVar = "min"
