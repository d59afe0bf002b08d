"""Pooling: the greatest element and the mean of what a window sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import ClassVar, TypeVar

import numpy as np
from xdsl.dialects.builtin import DenseIntElementsAttr, TensorType, UnitAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import INDEX_LIST, TENSOR, Body, MlOp, check_axes, index_list, tensor_type, typed
from weft.dialects.ml.dims import Requirement, Shape, shape_of, static_shape
from weft.dialects.ml.dtypes import Array, Kind, is_float, least
from weft.dialects.ml.sliding import Sliding
from weft.dialects.ml.syntax import check_padding, padding_attr, padding_of, values_of
from weft.dialects.ml.window_syntax import MeanOptions, WindowOptions

T = TypeVar("T")


class PoolOp(MlOp):
    """An op on what a window sees in the dimensions `dims` of its operand; it keeps the other dimensions."""

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)
    dimensions = prop_def(INDEX_LIST)
    window_dimensions = prop_def(INDEX_LIST)
    window_strides = opt_prop_def(INDEX_LIST)
    padding = opt_prop_def(DenseIntElementsAttr)
    window_dilations = opt_prop_def(INDEX_LIST)

    def __init__(
        self,
        operand: SSAValue | Operation,
        dims: Sequence[int],
        window: Sequence[int],
        stride: Sequence[int] = (),
        pad: Sequence[tuple[int, int]] = (),
        dilate: Sequence[int] = (),
        properties: Mapping[str, Attribute] | None = None,
    ):
        source = typed(operand)
        sliding = _sliding(source.get_num_dims(), dims, window, stride, pad, dilate)
        sizes = static_shape(sliding.result_dims(shape_of(0, source.get_shape())))
        super().__init__(
            operands=[operand],
            result_types=[TensorType(source.element_type, sizes)],
            properties={
                "dimensions": index_list(dims),
                "window_dimensions": index_list(window),
                "window_strides": index_list(stride) if stride else None,
                "padding": padding_attr(pad) if pad else None,
                "window_dilations": index_list(dilate) if dilate else None,
                **(properties or {}),
            },
        )

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions in which the window moves."""
        return values_of(self.dimensions)

    @property
    def sliding(self) -> Sliding:
        """The window in every dimension of the operand."""
        return _sliding(
            tensor_type(self.operand).get_num_dims(),
            self.dims,
            values_of(self.window_dimensions),
            values_of(self.window_strides),
            padding_of(self.padding),
            values_of(self.window_dilations),
        )

    def check(self) -> None:
        check_axes(f"{self.name}: dims", self.dims, tensor_type(self.operand).get_num_dims())
        check_padding(self.name, self.padding)
        lists = {
            "window": values_of(self.window_dimensions),
            "stride": values_of(self.window_strides),
            "pad": padding_of(self.padding),
            "dilate": values_of(self.window_dilations),
        }
        for name, values in lists.items():
            if len(values) != len(self.dims) and (values or name == "window"):
                raise VerifyException(
                    f"{self.name}: {name} needs one entry for each of the {len(self.dims)} dims, not {len(values)}"
                )
            if name != "pad" and min((n for n in values if isinstance(n, int)), default=1) < 1:
                raise VerifyException(f"{self.name}: {name} {list(values)} must be 1 or more")

    def rules(self) -> Iterator[Requirement]:
        return self.sliding.rules(self.name, self.operand_dims(0))

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.sliding.result_dims(self.operand_dims(0)),)


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """The greatest element that a window sees. ONNX: MaxPool.

    `dims` are the dimensions in which the window moves ([2, 3] for NCHW, [1, 2] for NHWC), and `window` is its
    size in each. For each of them: `stride`, how far it moves (1), `pad`, low and high ([0, 0]; padding is never
    the greatest element; negative ones crop), `dilate`, the distance of the elements of the window (1). NaN is
    greater than any number; a window of nothing but padding gives the least value of the type.

    ```mlir
    %r = ml.max_pool %x, dims = [2, 3], window = [2, 2], stride = [2, 2]
        : tensor<1x3x8x8xf32> to tensor<1x3x4x4xf32>
    %s = ml.max_pool %y, dims = [1], window = [3], pad = [[1, 1]], dilate = [2]
        : tensor<1x8x4xi8> to tensor<1x6x4xi8>
    ```
    """

    name = "ml.max_pool"

    custom_directives = (WindowOptions,)
    assembly_format = (
        "$operand custom<WindowOptions>($dimensions, $window_dimensions, $window_strides, $padding, "
        "$window_dilations) attr-dict `:` type($operand) `to` type($result)"
    )

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (x,), sliding = operands, self.sliding
        lowest = least(tensor_type(self.operand).element_type)
        shape = self.concrete_shape(operands)
        padded, result = sliding.spread(x, lowest), np.full(shape, lowest)
        for point in np.ndindex(sliding.window):
            result = numerics.maximum(result, sliding.seen(padded, point, shape))
        return (result.astype(x.dtype),)


@irdl_op_definition
class AvgPoolOp(PoolOp):
    """The mean of the elements that a window sees. ONNX: AveragePool.

    The options are those of `ml.max_pool`. Padding is zeros: they count as elements with `count_include_pad`,
    else the sum is divided by the number of elements that are no padding (NaN where there are none).

    ```mlir
    %r = ml.avg_pool %x, dims = [2, 3], window = [2, 2], stride = [2, 2]
        : tensor<1x3x8x8xf32> to tensor<1x3x4x4xf32>
    %s = ml.avg_pool %x, dims = [2, 3], window = [3, 3], pad = [[1, 1], [1, 1]], count_include_pad
        : tensor<1x3x8x8xf32> to tensor<1x3x8x8xf32>
    ```
    """

    name = "ml.avg_pool"
    TAKES: ClassVar = Kind.FLOAT

    count_include_pad = opt_prop_def(UnitAttr)

    custom_directives = (MeanOptions,)
    assembly_format = (
        "$operand custom<MeanOptions>($dimensions, $window_dimensions, $window_strides, $padding, "
        "$window_dilations, $count_include_pad) attr-dict `:` type($operand) `to` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        dims: Sequence[int],
        window: Sequence[int],
        stride: Sequence[int] = (),
        pad: Sequence[tuple[int, int]] = (),
        dilate: Sequence[int] = (),
        *,
        count_include_pad: bool = False,
    ):
        flags = {"count_include_pad": UnitAttr()} if count_include_pad else None
        super().__init__(operand, dims, window, stride, pad, dilate, flags)

    @property
    def counts_padding(self) -> bool:
        """Whether padding counts as elements."""
        return self.count_include_pad is not None

    def window_elements(self, shape: Sequence[int]) -> Array:
        """How many elements the window has at each of its places on a tensor of that shape; 1 in other dimensions."""
        sliding = self.sliding
        counts = np.ones((1,) * sliding.rank, np.float64)
        if self.counts_padding:
            return counts * prod(sliding.window)
        for axis in self.dims:
            line = sliding.along([axis])
            places = static_shape(line.result_dims((shape[axis],)))
            inside = line.spread(np.ones(shape[axis]), np.zeros(()))
            seen = sum((line.seen(inside, point, places) for point in np.ndindex(line.window)), np.zeros(places))
            counts = counts * seen.reshape([-1 if other == axis else 1 for other in range(sliding.rank)])
        return counts

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (x,), sliding = operands, self.sliding
        shape = self.concrete_shape(operands)
        padded, result = sliding.spread(numerics.widen(x), np.zeros(())), np.zeros(shape)
        for point in np.ndindex(sliding.window):
            result += sliding.seen(padded, point, shape)
        assert is_float(x.dtype)
        return (numerics.narrow(result / self.window_elements(x.shape), x.dtype),)


def _sliding(
    rank: int,
    dims: Sequence[int],
    window: Sequence[int],
    stride: Sequence[int],
    pad: Sequence[tuple[int, int]],
    dilate: Sequence[int],
) -> Sliding:
    """A window in some dimensions as one in all of them."""

    def everywhere(values: Sequence[T], neutral: T) -> tuple[T, ...]:
        given = dict(zip(dims, values, strict=True)) if values else {}
        return tuple(given.get(axis, neutral) for axis in range(rank))

    neutral = (0, 0)
    return Sliding(everywhere(window, 1), everywhere(stride, 1), (), everywhere(dilate, 1), everywhere(pad, neutral))
