"""Slices of a tensor at places that another tensor says: gather and take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from xdsl.dialects.builtin import TensorType, UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import (
    AXIS,
    INDEX_LIST,
    TENSOR,
    Body,
    MlOp,
    axis_attr,
    axis_of,
    index_list,
    tensor_type,
    typed,
)
from weft.dialects.ml.dims import Dim, Requirement, Shape, shape_of, static_shape
from weft.dialects.ml.dtypes import Array
from weft.dialects.ml.index_vectors import IndexVectors, as_places, check_indices, check_sorted
from weft.dialects.ml.syntax import TO_THE_END, Sizes, values_of


@irdl_op_definition
class GatherOp(MlOp):
    """Slices of the operand, one for each index vector. StableHLO: gather, dynamic_gather.

    An index vector lies along `index_vector_dim` of `start_indices` (at the rank, each element is one); its
    component k is where the slice starts in dimension `start_index_map[k]` of the operand. A slice that would
    leave the operand starts as near as it can: starts are clamped. A slice has `slice_sizes`, `?` for all of a
    dimension; its dimensions of size 1 named in `collapsed_slice_dims` are left out, the others are the
    `offset_dims` of the result. The other dimensions of the result are those of `start_indices` without
    `index_vector_dim`. Dimension `operand_batching_dims[k]` of the operand and `start_indices_batching_dims[k]`
    of the indices run together. `indices_are_sorted` is a promise that costs nothing to break.

    ```mlir
    %r = ml.gather %x, %i, offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1,
      slice_sizes = [1, 8] : tensor<10x8xf32>, tensor<4x1xi32> to tensor<4x8xf32>
    %s = ml.gather %y, %i, offset_dims = [], collapsed_slice_dims = [1], start_index_map = [1], index_vector_dim = 1,
      slice_sizes = [1, 1], operand_batching_dims = [0], start_indices_batching_dims = [0] {indices_are_sorted}
      : tensor<4x9xf32>, tensor<4x1xi32> to tensor<4xf32>
    ```
    """

    name = "ml.gather"

    operand = operand_def(TENSOR)
    start_indices = operand_def(TENSOR)
    result = result_def(TENSOR)
    offset_dims = prop_def(INDEX_LIST)
    collapsed_slice_dims = prop_def(INDEX_LIST)
    operand_batching_dims = opt_prop_def(INDEX_LIST)
    start_indices_batching_dims = opt_prop_def(INDEX_LIST)
    start_index_map = prop_def(INDEX_LIST)
    index_vector_dim = prop_def(AXIS)
    slice_sizes = prop_def(INDEX_LIST)
    indices_are_sorted = opt_prop_def(UnitAttr)

    irdl_options = (ParsePropInAttrDict(),)
    custom_directives = (Sizes,)
    assembly_format = (
        "$operand `,` $start_indices `,` `offset_dims` `=` $offset_dims `,` "
        "`collapsed_slice_dims` `=` $collapsed_slice_dims `,` `start_index_map` `=` $start_index_map `,` "
        "`index_vector_dim` `=` $index_vector_dim `,` `slice_sizes` `=` custom<Sizes>($slice_sizes) "
        "(`,` `operand_batching_dims` `=` $operand_batching_dims^ `,` "
        "`start_indices_batching_dims` `=` $start_indices_batching_dims)? "
        "attr-dict `:` type($operand) `,` type($start_indices) `to` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        start_indices: SSAValue | Operation,
        slice_sizes: Sequence[int],
        *,
        offset_dims: Sequence[int] = (),
        collapsed: Sequence[int] = (),
        batching: tuple[Sequence[int], Sequence[int]] = ((), ()),
        start_index_map: Sequence[int],
        index_vector_dim: int,
    ):
        """Gather; `batching` are the batching dimensions of operand and indices, -1 in `slice_sizes` is `?`."""
        source, places = typed(operand), typed(start_indices)
        operand_dims, batch = shape_of(0, source.get_shape()), shape_of(1, places.get_shape())
        vectors = IndexVectors(
            len(batch), index_vector_dim, tuple(start_index_map), tuple(batching[0]), tuple(batching[1])
        )
        offsets = _offset_sizes(operand_dims, slice_sizes, {*collapsed, *batching[0]})
        dims = _interleaved(vectors.batch_shape(batch), offsets, offset_dims)
        super().__init__(
            operands=[operand, start_indices],
            result_types=[TensorType(source.element_type, static_shape(dims))],
            properties={
                "offset_dims": index_list(offset_dims),
                "collapsed_slice_dims": index_list(collapsed),
                "operand_batching_dims": index_list(batching[0]) if batching[0] else None,
                "start_indices_batching_dims": index_list(batching[1]) if batching[0] else None,
                "start_index_map": index_list(start_index_map),
                "index_vector_dim": axis_attr(index_vector_dim),
                "slice_sizes": index_list(slice_sizes),
            },
        )

    @property
    def vectors(self) -> IndexVectors:
        """How the indices point into the operand."""
        return IndexVectors(
            tensor_type(self.start_indices).get_num_dims(),
            self.index_vector_dim.value.data,
            self.start_index_map.get_values(),
            values_of(self.operand_batching_dims),
            values_of(self.start_indices_batching_dims),
        )

    @property
    def dropped(self) -> set[int]:
        """The dimensions of the operand that the result does not have."""
        return {*self.collapsed_slice_dims.get_values(), *values_of(self.operand_batching_dims)}

    def slice_shape(self) -> Shape:
        """The sizes of a slice."""
        return _whole(self.operand_dims(0), self.slice_sizes.get_values())

    def check(self) -> None:
        source, sizes = tensor_type(self.operand), self.slice_sizes.get_values()
        rank = source.get_num_dims()
        check_indices(self.name, self.start_indices)
        self.vectors.check(self.name, rank, self.operand_dims(1))
        check_sorted(f"{self.name}: collapsed_slice_dims", self.collapsed_slice_dims.get_values(), rank)
        if len(sizes) != rank:
            raise VerifyException(f"{self.name}: slice_sizes needs one entry for each dimension of {source}")
        if any(size < TO_THE_END for size in sizes):
            raise VerifyException(f"{self.name}: slice_sizes {list(sizes)} must not be negative")
        if len(self.dropped) != len(self.collapsed_slice_dims) + len(values_of(self.operand_batching_dims)):
            raise VerifyException(f"{self.name}: collapsed_slice_dims and operand_batching_dims must be different")
        for axis in self.dropped:
            if self.slice_shape()[axis] not in (0, 1):
                raise VerifyException(
                    f"{self.name}: dimension {axis} is left out of the slice, so its slice size must be 1"
                )
        offsets = self.offset_dims.get_values()
        if len(offsets) != rank - len(self.dropped):
            raise VerifyException(
                f"{self.name}: a slice has {rank - len(self.dropped)} dimensions, so offset_dims {list(offsets)} "
                "must name as many"
            )
        check_sorted(f"{self.name}: offset_dims", offsets, len(self.vectors.batch_axes) + len(offsets))

    def rules(self) -> Iterator[Requirement]:
        yield from self.vectors.rules(self.name, self.operand_dims(0), self.operand_dims(1))
        for axis, (size, dim) in enumerate(zip(self.slice_shape(), self.operand_dims(0), strict=True)):
            yield Requirement(size, "<=", dim, f"{self.name}: the slice is greater than dimension {axis}")

    def result_dims(self) -> tuple[Shape, ...]:
        batch = self.vectors.batch_shape(self.operand_dims(1))
        offsets = _offset_sizes(self.operand_dims(0), self.slice_sizes.get_values(), self.dropped)
        return (_interleaved(batch, offsets, self.offset_dims.get_values()),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        x, indices = operands
        sizes = [dim if n == TO_THE_END else n for n, dim in zip(self.slice_sizes.get_values(), x.shape, strict=True)]
        starts = self.vectors.starts(indices, x.ndim)
        batch = len(self.vectors.batch_axes)
        places: list[Array] = []
        for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            first = np.clip(start, 0, x.shape[axis] - size)
            along = [1] * (batch + x.ndim)
            along[batch + axis] = size
            places.append(first.reshape(*first.shape, *[1] * x.ndim) + np.arange(size).reshape(along))
        shape = tuple(indices.shape[axis] for axis in self.vectors.batch_axes)
        slices = x[tuple(places)] if places else np.broadcast_to(x, shape)
        slices = slices.reshape((*shape, *(n for axis, n in enumerate(sizes) if axis not in self.dropped)))
        offsets = self.offset_dims.get_values()
        return (np.moveaxis(slices, range(batch, slices.ndim), offsets).copy(),)


def _whole(operand: Shape, sizes: Sequence[int]) -> Shape:
    return tuple(dim if size == TO_THE_END else size for dim, size in zip(operand, sizes, strict=True))


def _offset_sizes(operand: Shape, sizes: Sequence[int], dropped: set[int]) -> Shape:
    """The sizes of a slice in the result."""
    return tuple(size for axis, size in enumerate(_whole(operand, sizes)) if axis not in dropped)


def _interleaved(batch: Shape, offsets: Shape, offset_dims: Sequence[int]) -> Shape:
    """Batch sizes with the sizes of a slice at `offset_dims`."""
    rest = iter(batch)
    inside: dict[int, Dim] = dict(zip(offset_dims, offsets, strict=True))
    return tuple(inside[axis] if axis in inside else next(rest) for axis in range(len(batch) + len(offsets)))


@irdl_op_definition
class TakeOp(MlOp):
    """The slices of the operand along an axis (the first unless given) at the indices: rows of an embedding.

    The axis of the operand is replaced by the dimensions of the indices. An index outside of the axis is
    clamped to it, as in `ml.gather`; the axis must not be empty. NumPy: `take` with `mode="clip"`.

    ```mlir
    %r = ml.take %table, %ids : tensor<1000x64xf32>, tensor<8x16xi32> to tensor<8x16x64xf32>
    %s = ml.take %x, %i, axis = 1 : tensor<4x?xf32>, tensor<?xi64> to tensor<4x?xf32>
    ```
    """

    name = "ml.take"

    operand = operand_def(TENSOR)
    indices = operand_def(TENSOR)
    result = result_def(TENSOR)
    dimension = opt_prop_def(AXIS)

    assembly_format = (
        "$operand `,` $indices (`,` `axis` `=` $dimension^)? "
        "attr-dict `:` type($operand) `,` type($indices) `to` type($result)"
    )

    def __init__(self, operand: SSAValue | Operation, indices: SSAValue | Operation, axis: int = 0):
        source, places = typed(operand), typed(indices)
        dims = _taken(shape_of(0, source.get_shape()), shape_of(1, places.get_shape()), axis)
        super().__init__(
            operands=[operand, indices],
            result_types=[TensorType(source.element_type, static_shape(dims))],
            properties={"dimension": axis_attr(axis)},
        )

    @property
    def axis(self) -> int:
        """The axis that the indices point into."""
        return axis_of(self.dimension, 0)

    def check(self) -> None:
        check_indices(self.name, self.indices)
        if not 0 <= self.axis < tensor_type(self.operand).get_num_dims():
            raise VerifyException(f"{self.name}: {self.operand.type} has no axis {self.axis}")

    def rules(self) -> Iterator[Requirement]:
        yield Requirement(1, "<=", self.operand_dims(0)[self.axis], f"{self.name}: axis {self.axis} must not be empty")

    def result_dims(self) -> tuple[Shape, ...]:
        return (_taken(self.operand_dims(0), self.operand_dims(1), self.axis),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        x, indices = operands
        return (np.take(x, np.clip(as_places(indices), 0, x.shape[self.axis] - 1), axis=self.axis),)


def _taken(operand: Shape, indices: Shape, axis: int) -> Shape:
    return (*operand[:axis], *indices, *operand[axis + 1 :])
