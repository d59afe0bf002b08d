"""The gradient of pooling by selection: each window passes a value on to the element that it selects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from xdsl.dialects.builtin import DenseIntElementsAttr, TensorType, i1
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, region_def, result_def, traits_def
from xdsl.traits import IsolatedFromAbove, RecursivelySpeculatable, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import INDEX_LIST, TENSOR, Body, MlOp, index_list, same_dims, tensor_type, typed
from weft.dialects.ml.compare import CompareOp
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array
from weft.dialects.ml.reduction import ReturnOp, reduction_body
from weft.dialects.ml.sliding import Sliding
from weft.dialects.ml.syntax import check_padding, padding_attr, padding_of, values_of
from weft.dialects.ml.window_syntax import SelectingOptions


def comparison_body(direction: str, element: Attribute) -> Region:
    """The body that compares its two arguments."""
    scalar = TensorType(element, [])
    block = Block(arg_types=[scalar, scalar])
    block.add_op(compared := CompareOp(direction, block.args[0], block.args[1]))
    block.add_op(ReturnOp(compared))
    return Region(block)


@irdl_op_definition
class SelectAndScatterOp(MlOp):
    """The operand's places with what windows scatter to them. StableHLO: select_and_scatter.

    Every place of a window on the operand selects one element: the first, and then the next one wherever
    `select` of the selected and the next element is false; padding is never selected. The result starts as
    `init` everywhere, and the element of `source` that belongs to the window's place is combined by `scatter`
    (of the present and the new value) into the place of the selected element. A window of nothing but padding
    scatters nothing. `window`, `stride` and `pad` are those of `ml.reduce_window`.

    ```mlir
    %r = ml.select_and_scatter(%x, %s init %z), window = [2, 2], stride = [2, 2]
        : (tensor<4x4xf32>, tensor<2x2xf32>, tensor<f32>) -> tensor<4x4xf32> select {
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = ml.compare GE, %a, %b : tensor<f32>
      ml.return %c : tensor<i1>
    } scatter {
    ^bb0(%d: tensor<f32>, %e: tensor<f32>):
      %f = ml.add %d, %e : tensor<f32>
      ml.return %f : tensor<f32>
    }
    ```
    """

    name = "ml.select_and_scatter"

    operand = operand_def(TENSOR)
    source = operand_def(TENSOR)
    init_value = operand_def(TENSOR)
    result = result_def(TENSOR)
    window_dimensions = prop_def(INDEX_LIST)
    window_strides = opt_prop_def(INDEX_LIST)
    padding = opt_prop_def(DenseIntElementsAttr)
    select = region_def("single_block")
    scatter = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), RecursiveMemoryEffect(), RecursivelySpeculatable())
    custom_directives = (SelectingOptions,)
    assembly_format = (
        "`(` $operand `,` $source `init` $init_value `)` custom<SelectingOptions>($window_dimensions, "
        "$window_strides, $padding) attr-dict `:` functional-type(operands, $result) "
        "`select` $select `scatter` $scatter"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        source: SSAValue | Operation,
        init: SSAValue | Operation,
        select: Region,
        scatter: Region,
        sliding: Sliding,
    ):
        super().__init__(
            operands=[operand, source, init],
            result_types=[typed(operand)],
            properties={
                "window_dimensions": index_list(sliding.window),
                "window_strides": index_list(sliding.strides) if sliding.strides else None,
                "padding": padding_attr(sliding.pads) if sliding.pads else None,
            },
            regions=[select, scatter],
        )

    @staticmethod
    def of(
        direction: str,
        kind: str,
        operand: SSAValue | Operation,
        source: SSAValue | Operation,
        init: SSAValue | Operation,
        sliding: Sliding,
    ) -> SelectAndScatterOp:
        """Selection by a comparison (`GE` for the first greatest element), scattering by a kind of reduction."""
        element = typed(operand).element_type
        bodies = comparison_body(direction, element), reduction_body(kind, element)
        return SelectAndScatterOp(operand, source, init, *bodies, sliding)

    @property
    def sliding(self) -> Sliding:
        """The window."""
        lists = values_of(self.window_dimensions), values_of(self.window_strides)
        return Sliding(*lists, pads=padding_of(self.padding))

    def check(self) -> None:
        operand = tensor_type(self.operand)
        check_padding(self.name, self.padding)
        if (problem := self.sliding.problem(operand.get_num_dims())) is not None:
            raise VerifyException(f"{self.name}: {problem}")
        scalar, source = TensorType(operand.element_type, []), tensor_type(self.source)
        if source.element_type != operand.element_type or source.get_num_dims() != operand.get_num_dims():
            raise VerifyException(f"{self.name}: the source must have the rank and elements of {operand}, not {source}")
        if self.init_value.type != scalar:
            raise VerifyException(f"{self.name}: the value to start from must be {scalar}, not {self.init_value.type}")
        for what, region, result in (("select", self.select, TensorType(i1, [])), ("scatter", self.scatter, scalar)):
            end = region.block.last_op
            if [value.type for value in region.block.args] != [scalar, scalar]:
                raise VerifyException(f"{self.name}: {what} must take {scalar}, {scalar}")
            if not isinstance(end, ReturnOp) or [value.type for value in end.values] != [result]:
                raise VerifyException(f"{self.name}: {what} must return {result}")

    def rules(self) -> Iterator[Requirement]:
        yield from self.sliding.rules(self.name, self.operand_dims(0))
        message = f"{self.name}: the source must have an element for each place of the window"
        yield from same_dims(self.sliding.result_dims(self.operand_dims(0)), self.operand_dims(1), message)

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        if body is None:
            raise TypeError(f"{self.name}: the meanings of its bodies are needed")
        x, source, init = operands
        result = np.full(x.shape, init, x.dtype)
        for place in np.ndindex(source.shape):
            chosen: tuple[int, ...] | None = None
            for index in self._seen(place, x.shape):
                if chosen is None or not body(np.asarray(x[chosen]), np.asarray(x[index]))[0]:
                    chosen = index
            if chosen is not None:
                result[chosen] = body(np.asarray(result[chosen]), np.asarray(source[place]), region=1)[0]
        return (result,)

    def _seen(self, place: Sequence[int], shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """The elements that a window sees from a place, in row-major order."""
        sliding = self.sliding
        for point in np.ndindex(sliding.window):
            steps = zip(place, sliding.stride, point, sliding.pad, strict=True)
            index = tuple(at * stride + inner - low for at, stride, inner, (low, _) in steps)
            if all(0 <= i < n for i, n in zip(index, shape, strict=True)):
                yield index
