"""Orders along a dimension: sort and top_k."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from xdsl.dialects.builtin import IntegerType, TensorType, UnitAttr, i1, i32, i64
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, RecursivelySpeculatable, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_attr, axis_of, same_dims, tensor_type, typed
from weft.dialects.ml.combinations import Order, check_body, order_body, order_of
from weft.dialects.ml.compare import total_order_key
from weft.dialects.ml.dims import Requirement, Shape, meet, shape_of, static_shape
from weft.dialects.ml.dtypes import Array, is_float


def sorting_order(x: Array, axis: int, *, descending: bool) -> Array:
    """The places of the elements along an axis in their order, equal ones as they stand; floats in total order."""
    key = total_order_key(x) if is_float(x.dtype) else x
    return np.argsort(np.invert(key) if descending else key, axis=axis, kind="stable")


def merge_sort(count: int, goes_before: Callable[[int, int], bool]) -> list[int]:
    """0 to `count` - 1 in order: runs of 1, 2, 4, ... are merged; a right one goes first where it goes before."""
    order, width = list(range(count)), 1
    while width < count:
        merged: list[int] = []
        for start in range(0, count, 2 * width):
            left, right = order[start : start + width], order[start + width : start + 2 * width]
            while left or right:
                later = bool(right) and (not left or goes_before(right[0], left[0]))
                merged.append((right if later else left).pop(0))
        order, width = merged, 2 * width
    return order


@irdl_op_definition
class SortOp(MlOp):
    """The operands, reordered together along a dimension (the last unless given). StableHLO: sort.

    The body takes an element of the first operand, one that is compared with it, then the same of the second
    operand and so on, of rank 0, and says whether the first ones go before. Equal elements stay in order, whether
    `is_stable` is said or not. The short forms compare the elements of the first operand, floats by the total
    order (-NaN < -inf < ... < -0 < +0 < ... < +inf < +NaN). A body that is no strict weak order gives
    some order of the elements.

    ```mlir
    %r = ml.sort(%x), dim = 1 : (tensor<4x8xf32>) -> tensor<4x8xf32> by descending
    %s, %t = ml.sort(%y, %i), dim = 0 {is_stable} : (tensor<8xf32>, tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>) {
    ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<i32>, %d: tensor<i32>):
      %p = ml.compare LT, %a, %b : tensor<f32>
      ml.return %p : tensor<i1>
    }
    ```
    """

    name = "ml.sort"

    inputs = var_operand_def(TENSOR)
    outputs = var_result_def(TENSOR)
    dimension = opt_prop_def(AXIS)
    is_stable = opt_prop_def(UnitAttr)
    comparator = region_def("single_block")

    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(IsolatedFromAbove(), RecursiveMemoryEffect(), RecursivelySpeculatable())
    custom_directives = (Order,)
    assembly_format = (
        "`(` $inputs `)` (`,` `dim` `=` $dimension^)? "
        "attr-dict `:` functional-type($inputs, $outputs) custom<Order>($comparator)"
    )

    def __init__(self, inputs: Sequence[SSAValue | Operation], order: Region | str = "ascending", dim: int = -1):
        """Sort by a body or by the name of an order; a negative `dim` counts from the end."""
        if isinstance(order, str):
            order = order_body(order, [typed(value).element_type for value in inputs])
        super().__init__(
            operands=[inputs],
            result_types=[[SSAValue.get(value).type for value in inputs]],
            properties={"dimension": axis_attr(dim)},
            regions=[order],
        )

    @property
    def dim(self) -> int:
        """The dimension, counted from the front."""
        dim = axis_of(self.dimension, -1)
        return dim + tensor_type(self.inputs[0]).get_num_dims() if dim < 0 else dim

    @property
    def order(self) -> str | None:
        """The name of the order that the body is, or None for any other body."""
        return order_of(self.comparator)

    def check(self) -> None:
        if not self.inputs or len(self.inputs) != len(self.outputs):
            raise VerifyException(f"{self.name} takes at least one operand and gives as many results")
        rank = tensor_type(self.inputs[0]).get_num_dims()
        if any(tensor_type(value).get_num_dims() != rank for value in self.inputs):
            raise VerifyException(f"{self.name}: the operands must have one rank")
        if not 0 <= self.dim < rank:
            raise VerifyException(f"{self.name}: {self.inputs[0].type} has no dimension {axis_of(self.dimension, -1)}")
        scalars = [TensorType(tensor_type(value).element_type, []) for value in self.inputs for _ in range(2)]
        check_body(self, self.comparator, scalars, [TensorType(i1, [])])

    def rules(self) -> Iterator[Requirement]:
        first = self.operand_dims(0)
        for position in range(1, len(self.inputs)):
            message = f"{self.name}: the operands must have the same sizes"
            yield from same_dims(first, self.operand_dims(position), message)

    def result_dims(self) -> tuple[Shape, ...]:
        shapes = [self.operand_dims(position) for position in range(len(self.inputs))]
        known = shapes[0]
        for shape in shapes[1:]:
            known = tuple(map(meet, known, shape))
        return (known,) * len(shapes)

    def result_elements(self) -> tuple[Attribute, ...]:
        return tuple(tensor_type(value).element_type for value in self.inputs)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        order = self.order
        if order is not None:
            places = sorting_order(operands[0], self.dim, descending=order == "descending")
        else:
            if body is None:
                raise TypeError(f"{self.name}: the meaning of the body is needed")
            places = self._merged(operands, body)
        return tuple(np.take_along_axis(x, places, self.dim) for x in operands)

    def _merged(self, operands: tuple[Array, ...], body: Body) -> Array:
        """The places of the elements in the order of the body."""
        moved = [np.moveaxis(x, self.dim, -1) for x in operands]
        places = np.empty(moved[0].shape, np.int64)
        for row in np.ndindex(moved[0].shape[:-1]):
            lines = [x[row] for x in moved]

            def goes_before(a: int, b: int, lines: list[Array] = lines) -> bool:
                return bool(body(*(np.asarray(line[place]) for line in lines for place in (a, b)))[0])

            places[row] = merge_sort(len(lines[0]), goes_before)
        return np.moveaxis(places, -1, self.dim)


@irdl_op_definition
class TopKOp(MlOp):
    """The k greatest elements along the last dimension, greatest first, and their places. CHLO: top_k.

    Of equal elements the first comes first; floats are in total order, so NaN is the greatest. The places are
    `i32` or `i64`.

    ```mlir
    %v, %i = ml.top_k %x, k = 3 : tensor<4x10xf32> to tensor<4x3xf32>, tensor<4x3xi32>
    ```
    """

    name = "ml.top_k"

    operand = operand_def(TENSOR)
    values = result_def(TENSOR)
    indices = result_def(TENSOR)
    k = prop_def(AXIS)

    assembly_format = "$operand `,` `k` `=` $k attr-dict `:` type($operand) `to` type($values) `,` type($indices)"

    def __init__(self, operand: SSAValue | Operation, k: int, element: IntegerType = i32):
        source = typed(operand)
        shape = static_shape((*shape_of(0, source.get_shape())[:-1], k))
        super().__init__(
            operands=[operand],
            result_types=[TensorType(source.element_type, shape), TensorType(element, shape)],
            properties={"k": axis_attr(k)},
        )

    @property
    def count(self) -> int:
        """How many elements are given."""
        return self.k.value.data

    def check(self) -> None:
        if not tensor_type(self.operand).get_num_dims():
            raise VerifyException(f"{self.name}: {self.operand.type} has no dimension")
        if self.count < 0:
            raise VerifyException(f"{self.name}: k must not be negative, but is {self.count}")
        if tensor_type(self.indices).element_type not in (i32, i64):
            raise VerifyException(f"{self.name}: the places must be i32 or i64, not {self.indices.type}")

    def rules(self) -> Iterator[Requirement]:
        message = f"{self.name}: k must not be greater than the last dimension"
        yield Requirement(self.count, "<=", self.operand_dims(0)[-1], message)

    def result_dims(self) -> tuple[Shape, ...]:
        return ((*self.operand_dims(0)[:-1], self.count),) * 2

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.operand).element_type, tensor_type(self.indices).element_type)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (x,) = operands
        places = sorting_order(x, -1, descending=True)[..., : self.count]
        return np.take_along_axis(x, places, -1), places.astype(self.result_dtype(1))
