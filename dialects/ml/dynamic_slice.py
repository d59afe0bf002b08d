"""Slices whose place only the run knows, and tensors in the reverse order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import (
    INDEX_LIST,
    TENSOR,
    Body,
    MlOp,
    check_axes,
    index_list,
    tensor_type,
    typed,
)
from weft.dialects.ml.dims import Requirement, Shape, shape_of, static_shape
from weft.dialects.ml.dtypes import Array, Kind
from weft.dialects.ml.index_vectors import as_places, check_indices
from weft.dialects.ml.syntax import TO_THE_END, Sizes


@irdl_op_definition
class ReverseOp(MlOp):
    """The elements in the reverse order along dimensions. StableHLO: reverse.

    ```mlir
    %r = ml.reverse %a, dims = [0, 2] : tensor<2x3x4xf32> to tensor<2x3x4xf32>
    ```
    """

    name = "ml.reverse"
    TAKES: ClassVar = Kind.ALL

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)
    dimensions = prop_def(INDEX_LIST)

    assembly_format = "$operand `,` `dims` `=` $dimensions attr-dict `:` type($operand) `to` type($result)"

    def __init__(self, operand: SSAValue | Operation, dims: Sequence[int]):
        super().__init__(operands=[operand], result_types=[typed(operand)], properties={"dimensions": index_list(dims)})

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions that are reversed."""
        return self.dimensions.get_values()

    def check(self) -> None:
        check_axes(f"{self.name}: dims", self.dims, tensor_type(self.operand).get_num_dims())

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (np.flip(operands[0], self.dims).copy(),)


@irdl_op_definition
class DynamicSliceOp(MlOp):
    """A slice of the operand, `sizes` large, from starts that the run knows. StableHLO: dynamic_slice.

    There is a start for each dimension, a rank-0 tensor of integers; all are of one type. A slice that would
    leave the operand starts as near as it can: starts are clamped between 0 and the size of the dimension less
    that of the slice. The size `?` is all of a dimension.

    ```mlir
    %r = ml.dynamic_slice %x[%i, %j], sizes = [1, 8] : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x8xf32>
    %s = ml.dynamic_slice %y[%k, %l], sizes = [2, ?] : (tensor<4x?xf32>, tensor<i64>, tensor<i64>) -> tensor<2x?xf32>
    ```
    """

    name = "ml.dynamic_slice"

    operand = operand_def(TENSOR)
    start_indices = var_operand_def(TENSOR)
    result = result_def(TENSOR)
    slice_sizes = prop_def(INDEX_LIST)

    custom_directives = (Sizes,)
    assembly_format = (
        "$operand `[` $start_indices `]` `,` `sizes` `=` custom<Sizes>($slice_sizes) attr-dict "
        "`:` functional-type(operands, $result)"
    )

    def __init__(self, operand: SSAValue | Operation, starts: Sequence[SSAValue | Operation], sizes: Sequence[int]):
        """A slice; the size -1 is `?`."""
        source = typed(operand)
        shape = static_shape(_whole(shape_of(0, source.get_shape()), sizes))
        super().__init__(
            operands=[operand, starts],
            result_types=[TensorType(source.element_type, shape)],
            properties={"slice_sizes": index_list(sizes)},
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of the slice in each dimension; -1 for all of it."""
        return self.slice_sizes.get_values()

    def check(self) -> None:
        source = tensor_type(self.operand)
        check_starts(self.name, source.get_num_dims(), self.start_indices)
        if len(self.sizes) != source.get_num_dims():
            raise VerifyException(f"{self.name}: sizes needs one entry for each dimension of {source}")
        if min(self.sizes, default=0) < TO_THE_END:
            raise VerifyException(f"{self.name}: sizes {list(self.sizes)} must not be negative")

    def rules(self) -> Iterator[Requirement]:
        dims = self.operand_dims(0)
        return must_fit(self.name, _whole(dims, self.sizes), dims)

    def result_dims(self) -> tuple[Shape, ...]:
        return (_whole(self.operand_dims(0), self.sizes),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        x, *starts = operands
        return (x[place_of_slice(x, starts, self.concrete_shape(operands))].copy(),)


@irdl_op_definition
class DynamicUpdateSliceOp(MlOp):
    """The operand with a slice of it replaced by `update`, from starts that the run knows.

    StableHLO: dynamic_update_slice. The starts are those of `ml.dynamic_slice`, clamped as there.

    ```mlir
    %r = ml.dynamic_update_slice %x[%i, %j], %u
        : (tensor<4x8xf32>, tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
    ```
    """

    name = "ml.dynamic_update_slice"

    operand = operand_def(TENSOR)
    update = operand_def(TENSOR)
    start_indices = var_operand_def(TENSOR)
    result = result_def(TENSOR)

    assembly_format = "$operand `[` $start_indices `]` `,` $update attr-dict `:` functional-type(operands, $result)"

    def __init__(
        self,
        operand: SSAValue | Operation,
        update: SSAValue | Operation,
        starts: Sequence[SSAValue | Operation],
    ):
        super().__init__(operands=[operand, update, starts], result_types=[typed(operand)])

    def check(self) -> None:
        source, update = tensor_type(self.operand), tensor_type(self.update)
        check_starts(self.name, source.get_num_dims(), self.start_indices)
        if update.element_type != source.element_type or update.get_num_dims() != source.get_num_dims():
            raise VerifyException(f"{self.name}: the update must have the rank and elements of {source}, not {update}")

    def rules(self) -> Iterator[Requirement]:
        return must_fit(self.name, self.operand_dims(1), self.operand_dims(0))

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        x, update, *starts = operands
        result = x.copy()
        result[place_of_slice(x, starts, update.shape)] = update
        return (result,)


def check_starts(name: str, rank: int, starts: Sequence[SSAValue]) -> None:
    """Verify that there is a start of rank 0 for each dimension, all of one type. Raises VerifyException."""
    if len(starts) != rank:
        raise VerifyException(f"{name} needs one start for each of {rank} dimensions, not {len(starts)}")
    for start in starts:
        check_indices(name, start)
        if tensor_type(start).get_num_dims():
            raise VerifyException(f"{name}: a start must be of rank 0, not {start.type}")
        if start.type != starts[0].type:
            raise VerifyException(f"{name}: the starts must be of one type, not {starts[0].type} and {start.type}")


def must_fit(name: str, sizes: Shape, dims: Shape) -> Iterator[Requirement]:
    """The requirements that make a slice no larger than the operand."""
    for axis, (size, dim) in enumerate(zip(sizes, dims, strict=True)):
        yield Requirement(size, "<=", dim, f"{name}: the slice must fit into dimension {axis}")


def place_of_slice(x: Array, starts: Sequence[Array], sizes: Sequence[int]) -> tuple[slice, ...]:
    """Where a slice lies: its starts clamped."""
    places = (int(as_places(np.asarray(start))) for start in starts)
    firsts = (min(max(0, place), n - size) for place, n, size in zip(places, x.shape, sizes, strict=True))
    return tuple(slice(first, first + size) for first, size in zip(firsts, sizes, strict=True))


def _whole(dims: Shape, sizes: Sequence[int]) -> Shape:
    """The sizes of a slice."""
    return tuple(dim if size == TO_THE_END else size for dim, size in zip(dims, sizes, strict=True))
