"""A convolution and a bias for each output feature, as networks have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, DenseIntElementsAttr, IntegerAttr, TensorType, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import INDEX_LIST, TENSOR, Body, MlOp, tensor_type
from weft.dialects.ml.contraction import PrecisionAttr, PrecisionName
from weft.dialects.ml.convolution import ConvolutionOp
from weft.dialects.ml.convolution_dims import ConvDimsAttr
from weft.dialects.ml.convolution_syntax import ConvOptions
from weft.dialects.ml.convolution_window import Window, convolve
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind, is_float
from weft.dialects.ml.norms import aligned


@irdl_op_definition
class ConvolutionBiasOp(MlOp):
    """A convolution, and a number for each output feature that is added to it.

    All but `bias` is as in `ml.convolution`; bias has one element for each output feature, of the type of the result's
    elements. Floats are rounded once, after the sum. As smaller ops: `ml.convolution + broadcast bias`, which the road
    computes in one kernel. ONNX: Conv; PyTorch: conv1d, conv2d, conv3d.

    ```mlir
    %r = ml.convolution_bias %x, %w, %b, dims = [b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f], pad = [[1, 1], [1, 1]]
        : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>, tensor<4xf32>) -> tensor<1x8x8x4xf32>
    ```
    """

    name = "ml.convolution_bias"
    TAKES: ClassVar = Kind.NUMBER

    lhs = operand_def(TENSOR)
    rhs = operand_def(TENSOR)
    bias = operand_def(TENSOR)
    result = result_def(TENSOR)
    dimension_numbers = prop_def(ConvDimsAttr)
    window_strides = opt_prop_def(INDEX_LIST)
    padding = opt_prop_def(DenseIntElementsAttr)
    lhs_dilation = opt_prop_def(INDEX_LIST)
    rhs_dilation = opt_prop_def(INDEX_LIST)
    window_reversal = opt_prop_def(DenseArrayBase.constr(i1))
    feature_group_count = opt_prop_def(IntegerAttr.constr(i64))
    batch_group_count = opt_prop_def(IntegerAttr.constr(i64))
    precision = opt_prop_def(PrecisionAttr)

    custom_directives = (ConvOptions,)
    assembly_format = (
        "$lhs `,` $rhs `,` $bias `,` custom<ConvOptions>($dimension_numbers, $window_strides, $padding, $lhs_dilation, "
        "$rhs_dilation, $window_reversal, $feature_group_count, $batch_group_count, $precision) "
        "attr-dict `:` functional-type(operands, $result)"
    )

    def __init__(
        self,
        lhs: SSAValue | Operation,
        rhs: SSAValue | Operation,
        bias: SSAValue | Operation,
        window: Window,
        *,
        element: Attribute | None = None,
        precision: PrecisionName = "ieee",
    ):
        plain = ConvolutionOp(lhs, rhs, window, element=element, precision=precision)
        super().__init__(
            operands=[lhs, rhs, bias],
            result_types=[plain.result.type],
            properties=dict(plain.properties),
        )
        plain.erase()

    def plain(self, lhs: SSAValue, rhs: SSAValue, element: Attribute | None = None) -> ConvolutionOp:
        """The convolution alone, of these operands; its result has the elements `element`, by default this op's."""
        type_ = tensor_type(self.result)
        result = TensorType(element or type_.element_type, type_.get_shape())
        return ConvolutionOp.create(operands=[lhs, rhs], result_types=[result], properties=dict(self.properties))

    @property
    def feature_dim(self) -> int:
        """The dimension of the result that has the features."""
        return self.dimension_numbers.data.out.index("f")

    @property
    def window(self) -> Window:
        """All options but the precision."""
        plain = self.plain(self.lhs, self.rhs)
        window = plain.window
        plain.erase()
        return window

    def check(self) -> None:
        plain = self.plain(self.lhs, self.rhs)
        try:
            plain.check()
        finally:
            plain.erase()
        bias, element = tensor_type(self.bias), tensor_type(self.result).element_type
        if bias.get_num_dims() != 1 or bias.element_type != element:
            raise VerifyException(f"{self.name}: the bias must have rank 1 and {element} elements, not {bias}")

    def rules(self) -> Iterator[Requirement]:
        yield from self.window.rules(self.name, self.operand_dims(0), self.operand_dims(1))
        features = self.operand_dims(1)[self.dimension_numbers.data.rhs.index("o")]
        message = f"{self.name}: the bias must have one element for each output feature"
        yield Requirement(self.operand_dims(2)[0], "==", features, message)

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.window.result_dims(self.operand_dims(0), self.operand_dims(1)),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        lhs, rhs, bias = operands
        dtype = self.result_dtype()
        wide = np.dtype(np.float64) if is_float(dtype) else dtype
        products = convolve(lhs, rhs, self.window, wide)
        total = products + aligned(bias.astype(wide), [self.feature_dim], products.ndim)
        return (numerics.narrow(total, dtype) if is_float(dtype) else total.astype(dtype, copy=False),)
