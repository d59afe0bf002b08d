"""Convolutions over any number of spatial dimensions, in any layout."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import DenseArrayBase, DenseIntElementsAttr, IntegerAttr, TensorType, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import INDEX_LIST, Body, index_list, tensor_type, typed
from weft.dialects.ml.contraction import ContractionOp, Precision, PrecisionAttr, PrecisionName
from weft.dialects.ml.convolution_dims import ConvDimsAttr
from weft.dialects.ml.convolution_syntax import ConvOptions, flags_attr, flags_of
from weft.dialects.ml.convolution_window import Window, convolve
from weft.dialects.ml.dims import Requirement, Shape, shape_of, static_shape
from weft.dialects.ml.dtypes import Array
from weft.dialects.ml.syntax import check_padding, padding_attr, padding_of, values_of


@irdl_op_definition
class ConvolutionOp(ContractionOp):
    """A window of weights moved over the input: products summed over window and input features.

    StableHLO: convolution. `dims` says which dimension of input, kernel and output is what: `b` batch, `f`
    features, `i` and `o` the kernel's input and output features, 0, 1, ... the spatial dimensions. For each
    spatial dimension: `stride` of the window (1), `pad` low and high with zeros ([0, 0]; negative ones crop),
    `lhs_dilate` and `rhs_dilate`, the distance of the elements of input and window (1), `reverse` the window
    (false). Input features in `feature_group_count` groups, or the batch in `batch_group_count` groups, go
    with as many groups of output features.

    A transposed convolution of stride s, padding p and dilation d with a window of k elements has
    `lhs_dilate = s`, `rhs_dilate = d`, `pad` d (k - 1) - p (the high one plus PyTorch's output padding), `reverse`,
    and the roles of `i` and `o` as its kernel says them.

    ```mlir
    %r = ml.convolution %x, %w, dims = [b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f], pad = [[1, 1], [1, 1]]
        : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x8x8x4xf32>
    %s = ml.convolution %a, %k, dims = [b, f, 0] x [o, i, 0] -> [b, f, 0], stride = [2], feature_group_count = 2
        : (tensor<1x4x9xf32>, tensor<6x2x3xf32>) -> tensor<1x6x4xf32>
    %t = ml.convolution %y, %v, dims = [b, f, 0] x [i, o, 0] -> [b, f, 0], pad = [[1, 1]], lhs_dilate = [2],
        reverse = [true] : (tensor<1x4x5xf32>, tensor<4x3x3xf32>) -> tensor<1x3x9xf32>
    ```
    """

    name = "ml.convolution"

    dimension_numbers = prop_def(ConvDimsAttr)
    window_strides = opt_prop_def(INDEX_LIST)
    padding = opt_prop_def(DenseIntElementsAttr)
    lhs_dilation = opt_prop_def(INDEX_LIST)
    rhs_dilation = opt_prop_def(INDEX_LIST)
    window_reversal = opt_prop_def(DenseArrayBase.constr(i1))
    feature_group_count = opt_prop_def(IntegerAttr.constr(i64))
    batch_group_count = opt_prop_def(IntegerAttr.constr(i64))

    custom_directives = (ConvOptions,)
    assembly_format = (
        "$lhs `,` $rhs `,` custom<ConvOptions>($dimension_numbers, $window_strides, $padding, $lhs_dilation, "
        "$rhs_dilation, $window_reversal, $feature_group_count, $batch_group_count, $precision) "
        "attr-dict `:` functional-type(operands, $result)"
    )

    def __init__(
        self,
        lhs: SSAValue | Operation,
        rhs: SSAValue | Operation,
        window: Window,
        *,
        element: Attribute | None = None,
        precision: PrecisionName = "ieee",
    ):
        shape = window.result_dims(shape_of(0, typed(lhs).get_shape()), shape_of(1, typed(rhs).get_shape()))
        super().__init__(
            operands=[lhs, rhs],
            result_types=[TensorType(element or typed(lhs).element_type, static_shape(shape))],
            properties={
                "dimension_numbers": ConvDimsAttr(window.dims),
                "window_strides": index_list(window.strides) if window.strides else None,
                "padding": padding_attr(window.pads) if window.pads else None,
                "lhs_dilation": index_list(window.lhs_dilation) if window.lhs_dilation else None,
                "rhs_dilation": index_list(window.rhs_dilation) if window.rhs_dilation else None,
                "window_reversal": flags_attr(window.reversal) if window.reversal else None,
                "feature_group_count": _count(window.feature_groups),
                "batch_group_count": _count(window.batch_groups),
                "precision": None if precision == "ieee" else PrecisionAttr(Precision(precision)),
            },
        )

    @property
    def window(self) -> Window:
        """All options but the precision."""
        return Window(
            self.dimension_numbers.data,
            values_of(self.window_strides),
            padding_of(self.padding),
            values_of(self.lhs_dilation),
            values_of(self.rhs_dilation),
            flags_of(self.window_reversal),
            1 if self.feature_group_count is None else self.feature_group_count.value.data,
            1 if self.batch_group_count is None else self.batch_group_count.value.data,
        )

    def check(self) -> None:
        super().check()
        check_padding(self.name, self.padding)
        window = self.window
        if (problem := window.problem()) is not None:
            raise VerifyException(f"{self.name}: {problem}")
        for value in (self.lhs, self.rhs):
            if tensor_type(value).get_num_dims() != window.dims.spatial + 2:
                raise VerifyException(f"{self.name}: {value.type} does not have the dimensions {window.dims}")

    def rules(self) -> Iterator[Requirement]:
        return self.window.rules(self.name, self.operand_dims(0), self.operand_dims(1))

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.window.result_dims(self.operand_dims(0), self.operand_dims(1)),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (convolve(operands[0], operands[1], self.window, self.result_dtype()),)


def _count(groups: int) -> IntegerAttr | None:
    return None if groups == 1 else IntegerAttr(groups, i64)
