"""Ops that make a tensor of a given shape: broadcast_in_dim and iota."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import (
    AXIS,
    INDEX_LIST,
    TENSOR,
    Body,
    MlOp,
    Tensor,
    axis_attr,
    check_axes,
    index_list,
    tensor_type,
)
from weft.dialects.ml.convert import convert
from weft.dialects.ml.dims import DYNAMIC, Dim, Requirement, Shape, SizeOf
from weft.dialects.ml.dtypes import Array, Kind, kind_of


def sized(op: MlOp, first: int, shape: Sequence[int], known: dict[int, Dim]) -> Shape:
    """The dims of a shape whose `?` are `known` by axis, or else the `sizes` operands from `first` on.

    Raises VerifyException where the number of `sizes` operands is another one.
    """
    dims: list[Dim] = []
    position = first
    for axis, size in enumerate(shape):
        if axis in known:
            dims.append(known[axis])
        elif size == DYNAMIC:
            dims.append(SizeOf(position))
            position += 1
        else:
            dims.append(size)
    if position != len(op.operands):
        raise VerifyException(
            f"{op.name} needs {position - first} sizes, one for each '?' that its operands do not say, "
            f"not {len(op.operands) - first}"
        )
    return tuple(dims)


def sizes_not_negative(op: MlOp, first: int) -> Iterator[Requirement]:
    """The requirements that the `sizes` operands from position `first` on are sizes."""
    for position in range(first, len(op.operands)):
        yield Requirement(0, "<=", SizeOf(position), f"{op.name}: a size must not be negative")


@irdl_op_definition
class BroadcastInDimOp(MlOp):
    """The operand's elements along the result's other dimensions. StableHLO: broadcast_in_dim.

    Dimension i of the operand becomes dimension `broadcast_dimensions[i]` of the result; there it has the
    same size, or is 1 in the operand's type and is repeated. A `?` of the operand is never repeated. A `?` of
    the result that no dimension of the operand says is one of `sizes`, in order.

    ```mlir
    %r = ml.broadcast_in_dim %b, dims = [1] : tensor<512xf32> to tensor<8x512xf32>
    %s = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<512xf32> to tensor<?x512xf32>
    ```
    """

    name = "ml.broadcast_in_dim"
    TAKES: ClassVar = Kind.ALL

    operand = operand_def(TENSOR)
    sizes = var_operand_def(IndexType())
    result = result_def(TENSOR)
    broadcast_dimensions = prop_def(INDEX_LIST)

    assembly_format = (
        "$operand `,` `dims` `=` $broadcast_dimensions (`,` `sizes` `(` $sizes^ `)`)? "
        "attr-dict `:` type($operand) `to` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        dims: Sequence[int],
        result_type: Tensor,
        sizes: Sequence[SSAValue | Operation] = (),
    ):
        super().__init__(
            operands=[operand, sizes],
            result_types=[result_type],
            properties={"broadcast_dimensions": index_list(dims)},
        )

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimension of the result that each dimension of the operand becomes."""
        return self.broadcast_dimensions.get_values()

    def check(self) -> None:
        source, target = tensor_type(self.operand), tensor_type(self.result)
        if len(self.dims) != source.get_num_dims():
            raise VerifyException(f"{self.name}: dims {list(self.dims)} must name one dimension for each of {source}")
        check_axes(f"{self.name}: dims", self.dims, target.get_num_dims())

    def result_dims(self) -> tuple[Shape, ...]:
        known = {axis: dim for axis, dim in zip(self.dims, self.operand_dims(0), strict=True) if dim != 1}
        return (sized(self, 1, tensor_type(self.result).get_shape(), known),)

    def rules(self) -> Iterator[Requirement]:
        return sizes_not_negative(self, 1)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        shape = self.concrete_shape(operands)
        order = np.argsort(self.dims)
        spread = np.ones(len(shape), np.int64)
        spread[list(self.dims)] = operands[0].shape
        source = operands[0].transpose(order).reshape(tuple(spread))
        return (np.broadcast_to(source, shape).copy(),)


@irdl_op_definition
class IotaOp(MlOp):
    """Numbers that count from 0 along one dimension. StableHLO: iota.

    Numbers beyond an integer type wrap. Each `?` of the result is one of `sizes`, in order.

    ```mlir
    %r = ml.iota dim = 1 : tensor<4x8xi32>
    %s = ml.iota dim = 0, sizes(%n) : tensor<?x8xf32>
    ```
    """

    name = "ml.iota"

    sizes = var_operand_def(IndexType())
    result = result_def(TENSOR)
    iota_dimension = prop_def(AXIS)

    assembly_format = "`dim` `=` $iota_dimension (`,` `sizes` `(` $sizes^ `)`)? attr-dict `:` type($result)"

    def __init__(self, dim: int, result_type: Tensor, sizes: Sequence[SSAValue | Operation] = ()):
        super().__init__(operands=[sizes], result_types=[result_type], properties={"iota_dimension": axis_attr(dim)})

    @property
    def dim(self) -> int:
        """The dimension along which the numbers count."""
        return self.iota_dimension.value.data

    def check(self) -> None:
        target = tensor_type(self.result)
        if not 0 <= self.dim < target.get_num_dims():
            raise VerifyException(f"{self.name}: {target} has no dimension {self.dim}")
        if kind_of(target.element_type) is Kind.BOOL:
            raise VerifyException(f"{self.name} makes numbers, not {target}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (sized(self, 0, tensor_type(self.result).get_shape(), {}),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def rules(self) -> Iterator[Requirement]:
        return sizes_not_negative(self, 0)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        shape = self.concrete_shape(operands)
        counts = convert(np.arange(shape[self.dim]), self.result_dtype())
        along = [1] * len(shape)
        along[self.dim] = -1
        return (np.broadcast_to(counts.reshape(along), shape).copy(),)
