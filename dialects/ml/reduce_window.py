"""Reductions of what a sliding window sees: reduce_window with any body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import DenseIntElementsAttr, TensorType
from xdsl.ir import Operation, Region, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import INDEX_LIST, Body, index_list, typed
from weft.dialects.ml.dims import Requirement, Shape, shape_of, static_shape
from weft.dialects.ml.dtypes import Array, is_float
from weft.dialects.ml.reduction import BodyReduction, combiner, reduction_body
from weft.dialects.ml.reduction_syntax import Option
from weft.dialects.ml.sliding import Sliding
from weft.dialects.ml.syntax import (
    check_padding,
    list_text,
    padding_attr,
    padding_of,
    padding_text,
    parse_list,
    parse_padding,
    values_of,
)


@irdl_op_definition
class ReduceWindowOp(BodyReduction):
    """What a window sees from each of its places, combined by a body. StableHLO: reduce_window.

    `window` is its size in every dimension. For each dimension: `stride`, how far it moves (1), `base_dilate`
    and `window_dilate`, the distance of the elements of operand and window (1), `pad`, low and high ([0, 0];
    negative ones crop). Holes and padding hold the value to start from. Operands, starts, body and kinds are
    those of `ml.reduce`. A window that does not fit has no place; where sizes are `?` it must fit.

    ```mlir
    %r = ml.reduce_window max %x, window = [1, 2, 2, 1], stride = [1, 2, 2, 1]
        : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
    %s = ml.reduce_window add %y init %z, window = [3], window_dilate = [2], pad = [[1, 1]]
        : tensor<8xi32> to tensor<6xi32>
    %t = ml.reduce_window(%u init %v), window = [2, 2], base_dilate = [1, 2]
        : (tensor<4x8xf32>, tensor<f32>) -> tensor<3x14xf32> {
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = ml.abs %b : tensor<f32>
      %d = ml.add %a, %c : tensor<f32>
      ml.return %d : tensor<f32>
    }
    ```
    """

    name = "ml.reduce_window"
    OPTIONS: ClassVar = {
        "window": Option("window_dimensions", parse_list, list_text, needed=True),
        "stride": Option("window_strides", parse_list, list_text),
        "base_dilate": Option("base_dilations", parse_list, list_text),
        "window_dilate": Option("window_dilations", parse_list, list_text),
        "pad": Option("padding", parse_padding, padding_text),
    }

    window_dimensions = prop_def(INDEX_LIST)
    window_strides = opt_prop_def(INDEX_LIST)
    base_dilations = opt_prop_def(INDEX_LIST)
    window_dilations = opt_prop_def(INDEX_LIST)
    padding = opt_prop_def(DenseIntElementsAttr)

    def __init__(
        self,
        inputs: Sequence[SSAValue | Operation],
        inits: Sequence[SSAValue | Operation],
        body: Region,
        sliding: Sliding,
    ):
        sizes = static_shape(sliding.result_dims(shape_of(0, typed(inputs[0]).get_shape())))
        super().__init__(
            operands=[(*inputs, *inits)],
            result_types=[[TensorType(typed(value).element_type, sizes) for value in inputs]],
            properties={
                "window_dimensions": index_list(sliding.window),
                "window_strides": index_list(sliding.strides) if sliding.strides else None,
                "base_dilations": index_list(sliding.base_dilation) if sliding.base_dilation else None,
                "window_dilations": index_list(sliding.window_dilation) if sliding.window_dilation else None,
                "padding": padding_attr(sliding.pads) if sliding.pads else None,
            },
            regions=[body],
        )

    @staticmethod
    def of(
        kind: str,
        operand: SSAValue | Operation,
        sliding: Sliding,
        init: SSAValue | Operation | None = None,
    ) -> ReduceWindowOp:
        """The reduction of one input by a kind of :data:`REDUCTIONS`. Raises KeyError for another kind."""
        body = reduction_body(kind, typed(operand).element_type)
        return ReduceWindowOp([operand], [] if init is None else [init], body, sliding)

    @property
    def sliding(self) -> Sliding:
        """The window."""
        return Sliding(
            values_of(self.window_dimensions),
            values_of(self.window_strides),
            values_of(self.base_dilations),
            values_of(self.window_dilations),
            padding_of(self.padding),
        )

    def check_options(self, rank: int) -> None:
        check_padding(self.name, self.padding)
        if (problem := self.sliding.problem(rank)) is not None:
            raise VerifyException(f"{self.name}: {problem}")

    def rules(self) -> Iterator[Requirement]:
        yield from super().rules()
        yield from self.sliding.rules(self.name, self.input_dims())

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.sliding.result_dims(self.input_dims()),) * len(self.outputs)

    def compute_kind(self, kind: str, x: Array, init: Array) -> Array:
        sliding, combine = self.sliding, combiner(kind, x.dtype)
        start, padded = numerics.widen(init), sliding.spread(numerics.widen(x), numerics.widen(init))
        shape = _counts(sliding, x)
        result = np.full(shape, start, padded.dtype)
        for point in np.ndindex(sliding.window):
            result = combine(result, sliding.seen(padded, point, shape))
        return numerics.narrow(result, x.dtype) if is_float(x.dtype) else result

    def compute_body(self, body: Body, inputs: Sequence[Array], inits: Sequence[Array]) -> tuple[Array, ...]:
        sliding, shape = self.sliding, _counts(self.sliding, inputs[0])
        padded = [sliding.spread(x, init) for x, init in zip(inputs, inits, strict=True)]
        results = [np.empty(shape, x.dtype) for x in inputs]
        points = list(np.ndindex(sliding.window))
        seen = [[sliding.seen(x, point, shape) for x in padded] for point in points]
        for place in np.ndindex(shape):
            state: Sequence[Array] = inits
            for elements in seen:
                state = body(*state, *(np.asarray(x[place]) for x in elements))
            for result, value in zip(results, state, strict=True):
                result[place] = value
        return tuple(results)


def _counts(sliding: Sliding, x: Array) -> tuple[int, ...]:
    """How many places the window has on an array, in each dimension."""
    return static_shape(sliding.result_dims(x.shape))
