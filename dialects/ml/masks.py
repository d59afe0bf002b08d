"""Tensors by place: one_hot, and triangles of matrices."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, Tensor, axis_attr, axis_of, tensor_type
from weft.dialects.ml.broadcast import sized, sizes_not_negative
from weft.dialects.ml.dims import Dim, Requirement, Shape
from weft.dialects.ml.dtypes import Array
from weft.dialects.ml.index_vectors import check_indices


@irdl_op_definition
class OneHotOp(MlOp):
    """1 where the place along a dimension is the index, else 0. ONNX: OneHot.

    The dimension is new; its size is said by the result type, or by `sizes` where that is `?`. An index outside
    of it gives zeros.

    ```mlir
    %r = ml.one_hot %labels, dim = 1 : tensor<32xi32> to tensor<32x10xf32>
    %s = ml.one_hot %labels, dim = 0, sizes(%n) : tensor<32xi32> to tensor<?x32xi1>
    ```
    """

    name = "ml.one_hot"

    indices = operand_def(TENSOR)
    sizes = var_operand_def(IndexType())
    result = result_def(TENSOR)
    dimension = prop_def(AXIS)

    assembly_format = (
        "$indices `,` `dim` `=` $dimension (`,` `sizes` `(` $sizes^ `)`)? "
        "attr-dict `:` type($indices) `to` type($result)"
    )

    def __init__(
        self,
        indices: SSAValue | Operation,
        result_type: Tensor,
        dim: int,
        sizes: Sequence[SSAValue | Operation] = (),
    ):
        super().__init__(
            operands=[indices, sizes],
            result_types=[result_type],
            properties={"dimension": axis_attr(dim)},
        )

    @property
    def dim(self) -> int:
        """The dimension along which one element is 1."""
        return self.dimension.value.data

    def check(self) -> None:
        check_indices(self.name, self.indices)
        source, target = tensor_type(self.indices), tensor_type(self.result)
        if target.get_num_dims() != source.get_num_dims() + 1:
            raise VerifyException(f"{self.name}: the result must have one dimension more than {source}, not {target}")
        if not 0 <= self.dim < target.get_num_dims():
            raise VerifyException(f"{self.name}: {target} has no dimension {self.dim}")

    def result_dims(self) -> tuple[Shape, ...]:
        rank = tensor_type(self.result).get_num_dims()
        kept = [axis for axis in range(rank) if axis != self.dim]
        known: dict[int, Dim] = dict(zip(kept, self.operand_dims(0), strict=True))
        return (sized(self, 1, tensor_type(self.result).get_shape(), known),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def rules(self) -> Iterator[Requirement]:
        return sizes_not_negative(self, 1)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        shape = self.concrete_shape(operands)
        along = [1] * len(shape)
        along[self.dim] = -1
        places = np.arange(shape[self.dim]).reshape(along)
        indices = np.expand_dims(operands[0], self.dim)
        return ((indices.astype(object) == places).astype(np.bool_).astype(self.result_dtype()),)


FARTHEST = 1 << 62
"""No matrix has a diagonal as far out as this; places and sizes may be added to it."""


def _reachable(diagonal: int) -> int:
    """A diagonal that 64 bits can count with, outside of every matrix where the given one is."""
    return max(-FARTHEST, min(FARTHEST, diagonal))


def in_lower(rows: int, columns: int, diagonal: int) -> Array:
    """Whether each place of a matrix is on or below a diagonal."""
    return np.arange(columns) - np.arange(rows)[:, None] <= diagonal


@irdl_op_definition
class TriOp(MlOp):
    """1 on and below a diagonal of the last two dimensions, else 0: with `i1`, a causal mask. NumPy: tri.

    The diagonal 0 starts at the first element; positive ones are above it. Each `?` of the
    result is one of `sizes`, in order.

    ```mlir
    %r = ml.tri diagonal = 0 : tensor<8x8xi1>
    %s = ml.tri diagonal = -1, sizes(%n) : tensor<4x?x8xf32>
    ```
    """

    name = "ml.tri"

    sizes = var_operand_def(IndexType())
    result = result_def(TENSOR)
    diagonal = prop_def(AXIS)

    assembly_format = "`diagonal` `=` $diagonal (`,` `sizes` `(` $sizes^ `)`)? attr-dict `:` type($result)"

    def __init__(self, result_type: Tensor, diagonal: int = 0, sizes: Sequence[SSAValue | Operation] = ()):
        super().__init__(
            operands=[sizes],
            result_types=[result_type],
            properties={"diagonal": axis_attr(diagonal)},
        )

    @property
    def offset(self) -> int:
        """The diagonal: how far its places are right of the first diagonal."""
        return _reachable(self.diagonal.value.data)

    def check(self) -> None:
        if tensor_type(self.result).get_num_dims() < 2:
            raise VerifyException(f"{self.name} makes matrices, not {self.result.type}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (sized(self, 0, tensor_type(self.result).get_shape(), {}),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def rules(self) -> Iterator[Requirement]:
        return sizes_not_negative(self, 0)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        shape = self.concrete_shape(operands)
        lower = in_lower(shape[-2], shape[-1], self.offset)
        return (np.broadcast_to(lower, shape).astype(self.result_dtype()),)


class TriangleOp(MlOp, ABC):
    """An op that keeps a triangle of the matrices in the last two dimensions and sets the rest to 0."""

    T: ClassVar = VarConstraint("T", TENSOR)

    operand = operand_def(T)
    result = result_def(T)
    diagonal = opt_prop_def(AXIS)

    assembly_format = "$operand (`,` `diagonal` `=` $diagonal^)? attr-dict `:` type($operand)"

    LOWER: ClassVar[bool]
    """Whether it keeps what is on and below the diagonal; else what is on and above it."""

    def __init__(self, operand: SSAValue | Operation, diagonal: int = 0):
        super().__init__(
            operands=[operand],
            result_types=[SSAValue.get(operand).type],
            properties={"diagonal": axis_attr(diagonal) if diagonal else None},
        )

    @property
    def offset(self) -> int:
        """The diagonal: how far its places are right of the first diagonal."""
        return _reachable(axis_of(self.diagonal, 0))

    def check(self) -> None:
        if tensor_type(self.operand).get_num_dims() < 2:
            raise VerifyException(f"{self.name} takes matrices, not {self.operand.type}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (x,) = operands
        below = in_lower(x.shape[-2], x.shape[-1], self.offset if self.LOWER else self.offset - 1)
        return (np.where(below if self.LOWER else ~below, x, np.zeros((), x.dtype)),)


@irdl_op_definition
class TrilOp(TriangleOp):
    """The operand on and below a diagonal (0 unless given) of the last two dimensions, 0 above. NumPy: tril.

    ```mlir
    %r = ml.tril %a, diagonal = -1 : tensor<4x4xf32>
    ```
    """

    name = "ml.tril"
    LOWER: ClassVar = True


@irdl_op_definition
class TriuOp(TriangleOp):
    """The operand on and above a diagonal (0 unless given) of the last two dimensions, 0 below. NumPy: triu.

    ```mlir
    %r = ml.triu %a, diagonal = 1 : tensor<4x4xf32>
    ```
    """

    name = "ml.triu"
    LOWER: ClassVar = False
