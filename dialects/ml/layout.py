"""Ops that move elements and change none: reshape, transpose, slice, concatenate; and sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import IndexType, TensorType, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import (
    AXIS,
    INDEX_LIST,
    TENSOR,
    Body,
    MlOp,
    Tensor,
    axis_attr,
    axis_of,
    index_list,
    tensor_type,
    typed,
)
from weft.dialects.ml.broadcast import sized, sizes_not_negative
from weft.dialects.ml.dims import (
    DYNAMIC,
    Dim,
    Requirement,
    Shape,
    meet,
    product,
    quotient,
    shape_of,
    static_shape,
    total,
)
from weft.dialects.ml.dtypes import Array, Kind
from weft.dialects.ml.syntax import TO_THE_END, Ranges, values_of


@irdl_op_definition
class ReshapeOp(MlOp):
    """The elements, in row-major order, in another shape. StableHLO: reshape, dynamic_reshape.

    One `?` of the result is what the number of elements leaves for it (0 where other dimensions are 0). More
    than one are `sizes`, one for each, in order; `sizes` may also be given for one.

    ```mlir
    %r = ml.reshape %a : tensor<?x6xf32> to tensor<?x2x3xf32>
    %s = ml.reshape %a, sizes(%m, %n) : tensor<?x6xf32> to tensor<?x?xf32>
    ```
    """

    name = "ml.reshape"
    TAKES: ClassVar = Kind.ALL

    operand = operand_def(TENSOR)
    sizes = var_operand_def(IndexType())
    result = result_def(TENSOR)

    assembly_format = "$operand (`,` `sizes` `(` $sizes^ `)`)? attr-dict `:` type($operand) `to` type($result)"

    def __init__(self, operand: SSAValue | Operation, result_type: Tensor, sizes: Sequence[SSAValue | Operation] = ()):
        super().__init__(operands=[operand, sizes], result_types=[result_type])

    def result_dims(self) -> tuple[Shape, ...]:
        shape = tensor_type(self.result).get_shape()
        known: dict[int, Dim] = {}
        if not self.sizes and shape.count(DYNAMIC) == 1:
            rest = product(n for n in shape if n != DYNAMIC)
            count = product(self.operand_dims(0))
            known[shape.index(DYNAMIC)] = quotient(count, rest) if isinstance(rest, int) and rest else 0
        return (sized(self, 1, shape, known),)

    def rules(self) -> Iterator[Requirement]:
        yield from sizes_not_negative(self, 1)
        message = f"{self.name}: {self.operand.type} and {self.result.type} must have the same number of elements"
        yield Requirement(product(self.operand_dims(0)), "==", product(self.result_dims()[0]), message)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (operands[0].reshape(self.concrete_shape(operands)),)


@irdl_op_definition
class TransposeOp(MlOp):
    """The dimensions in another order: dimension i of the result is `permutation[i]` of the operand.

    StableHLO: transpose.

    ```mlir
    %r = ml.transpose %a, perm = [1, 0] : tensor<2x3xf32> to tensor<3x2xf32>
    ```
    """

    name = "ml.transpose"
    TAKES: ClassVar = Kind.ALL

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)
    permutation = prop_def(INDEX_LIST)

    assembly_format = "$operand `,` `perm` `=` $permutation attr-dict `:` type($operand) `to` type($result)"

    def __init__(self, operand: SSAValue | Operation, perm: Sequence[int]):
        source = typed(operand)
        shape = [source.get_shape()[axis] for axis in perm]
        super().__init__(
            operands=[operand],
            result_types=[TensorType(source.element_type, shape)],
            properties={"permutation": index_list(perm)},
        )

    @property
    def perm(self) -> tuple[int, ...]:
        """The dimension of the operand that each dimension of the result is."""
        return self.permutation.get_values()

    def check(self) -> None:
        rank = tensor_type(self.operand).get_num_dims()
        if sorted(self.perm) != list(range(rank)):
            raise VerifyException(
                f"{self.name}: perm {list(self.perm)} must name each dimension of {self.operand.type} once"
            )

    def result_dims(self) -> tuple[Shape, ...]:
        dims = self.operand_dims(0)
        return (tuple(dims[axis] for axis in self.perm),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (operands[0].transpose(self.perm),)


@irdl_op_definition
class SliceOp(MlOp):
    """The elements from start up to limit, by stride, of each dimension. StableHLO: slice.

    Starts and limits count from 0; the limit `?` (-1 in `limit_indices`) is the end of the dimension. Strides
    are 1 unless given.

    ```mlir
    %r = ml.slice %a [0:4, 2:10:2] : tensor<8x16xf32> to tensor<4x4xf32>
    %s = ml.slice %b [1:?, 0:16] : tensor<?x16xf32> to tensor<?x16xf32>
    ```
    """

    name = "ml.slice"
    TAKES: ClassVar = Kind.ALL

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)
    start_indices = prop_def(INDEX_LIST)
    limit_indices = prop_def(INDEX_LIST)
    strides = opt_prop_def(INDEX_LIST)

    custom_directives = (Ranges,)
    assembly_format = (
        "$operand custom<Ranges>($start_indices, $limit_indices, $strides) "
        "attr-dict `:` type($operand) `to` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        starts: Sequence[int],
        limits: Sequence[int],
        steps: Sequence[int] | None = None,
    ):
        source = typed(operand)
        strides = tuple(steps or (1,) * len(starts))
        dims = _slice_dims(shape_of(0, source.get_shape()), starts, limits, strides)
        super().__init__(
            operands=[operand],
            result_types=[TensorType(source.element_type, static_shape(dims))],
            properties={
                "start_indices": index_list(starts),
                "limit_indices": index_list(limits),
                "strides": index_list(strides) if any(n != 1 for n in strides) else None,
            },
        )

    @property
    def starts(self) -> tuple[int, ...]:
        """The first index of each dimension."""
        return self.start_indices.get_values()

    @property
    def limits(self) -> tuple[int, ...]:
        """The index after the last one of each dimension; -1 for its end."""
        return self.limit_indices.get_values()

    @property
    def steps(self) -> tuple[int, ...]:
        """The stride of each dimension."""
        return values_of(self.strides) or (1,) * len(self.starts)

    def check(self) -> None:
        rank = tensor_type(self.operand).get_num_dims()
        if not len(self.starts) == len(self.limits) == len(self.steps) == rank:
            raise VerifyException(f"{self.name} needs one range for each dimension of {self.operand.type}")
        if any(start < 0 for start in self.starts) or any(limit < TO_THE_END for limit in self.limits):
            raise VerifyException(f"{self.name}: starts and limits must not be negative")
        if any(step < 1 for step in self.steps):
            raise VerifyException(f"{self.name}: strides {list(self.steps)} must be 1 or more")

    def rules(self) -> Iterator[Requirement]:
        ranges = zip(self.operand_dims(0), self.starts, self.limits, strict=True)
        for axis, (size, start, limit) in enumerate(ranges):
            end = size if limit == TO_THE_END else limit
            yield Requirement(start, "<=", end, f"{self.name}: the start of dimension {axis} is after its limit")
            yield Requirement(end, "<=", size, f"{self.name}: the limit of dimension {axis} is after its end")

    def result_dims(self) -> tuple[Shape, ...]:
        return (_slice_dims(self.operand_dims(0), self.starts, self.limits, self.steps),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        ranges = (
            slice(start, None if limit == TO_THE_END else limit, step)
            for start, limit, step in zip(self.starts, self.limits, self.steps, strict=True)
        )
        return (operands[0][tuple(ranges)].copy(),)


def _slice_dims(shape: Shape, starts: Sequence[int], limits: Sequence[int], steps: Sequence[int]) -> Shape:
    """The sizes of a slice: how many steps fit between start and limit."""
    return tuple(
        quotient(total((size if limit == TO_THE_END else limit, step - 1 - start)), step)
        for size, start, limit, step in zip(shape, starts, limits, steps, strict=True)
    )


@irdl_op_definition
class ConcatenateOp(MlOp):
    """Tensors one after the other along a dimension (the first unless given). StableHLO: concatenate.

    ```mlir
    %r = ml.concatenate(%a, %b), dim = 1 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
    ```
    """

    name = "ml.concatenate"
    TAKES: ClassVar = Kind.ALL

    inputs = var_operand_def(TENSOR)
    result = result_def(TENSOR)
    dimension = opt_prop_def(AXIS)

    assembly_format = "`(` $inputs `)` (`,` `dim` `=` $dimension^)? attr-dict `:` functional-type($inputs, $result)"

    def __init__(self, inputs: Sequence[SSAValue | Operation], dim: int = 0):
        shapes = [shape_of(i, typed(value).get_shape()) for i, value in enumerate(inputs)]
        super().__init__(
            operands=[inputs],
            result_types=[TensorType(typed(inputs[0]).element_type, static_shape(_joined(shapes, dim)))],
            properties={"dimension": axis_attr(dim)},
        )

    @property
    def dim(self) -> int:
        """The dimension along which the tensors follow each other."""
        return axis_of(self.dimension, 0)

    def check(self) -> None:
        if not self.inputs:
            raise VerifyException(f"{self.name} needs at least one operand")
        first = tensor_type(self.inputs[0])
        for value in self.inputs:
            other = tensor_type(value)
            if other.element_type != first.element_type or other.get_num_dims() != first.get_num_dims():
                raise VerifyException(
                    f"{self.name}: the operands must have one rank and element type, not {first} and {other}"
                )
        if not 0 <= self.dim < first.get_num_dims():
            raise VerifyException(f"{self.name}: {first} has no dimension {self.dim}")

    def rules(self) -> Iterator[Requirement]:
        first = self.operand_dims(0)
        for position in range(1, len(self.operands)):
            for axis, (a, b) in enumerate(zip(first, self.operand_dims(position), strict=True)):
                if axis != self.dim:
                    message = f"{self.name}: the operands must have the same size in dimension {axis}"
                    yield Requirement(a, "==", b, message)

    def result_dims(self) -> tuple[Shape, ...]:
        return (_joined([self.operand_dims(i) for i in range(len(self.operands))], self.dim),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (np.concatenate(operands, axis=self.dim),)


def _joined(shapes: Sequence[Shape], dim: int) -> Shape:
    """The sizes of tensors that follow each other along `dim`: what one says statically holds for all."""
    dims = [reduce(meet, axis) for axis in zip(*shapes, strict=True)]
    dims[dim] = total(shape[dim] for shape in shapes)
    return tuple(dims)


@irdl_op_definition
class GetDimensionSizeOp(MlOp):
    """The size of a dimension (the first unless given), as a rank-0 tensor of `i32`.

    A size beyond `i32` wraps. StableHLO: get_dimension_size.

    ```mlir
    %r = ml.get_dimension_size %a, dim = 1 : tensor<2x?xf32> to tensor<i32>
    ```
    """

    name = "ml.get_dimension_size"
    TAKES: ClassVar = Kind.ALL

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)
    dimension = opt_prop_def(AXIS)

    assembly_format = "$operand (`,` `dim` `=` $dimension^)? attr-dict `:` type($operand) `to` type($result)"

    def __init__(self, operand: SSAValue | Operation, dim: int = 0):
        super().__init__(
            operands=[operand],
            result_types=[TensorType(i32, [])],
            properties={"dimension": axis_attr(dim)},
        )

    @property
    def dim(self) -> int:
        """The dimension whose size it is."""
        return axis_of(self.dimension, 0)

    def check(self) -> None:
        if not 0 <= self.dim < tensor_type(self.operand).get_num_dims():
            raise VerifyException(f"{self.name}: {self.operand.type} has no dimension {self.dim}")

    def result_dims(self) -> tuple[Shape, ...]:
        return ((),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (i32,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (np.array(operands[0].shape[self.dim]).astype(np.int32),)
