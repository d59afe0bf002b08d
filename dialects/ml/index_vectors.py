"""How a tensor of indices points into an operand: what gather and scatter share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import check_axes, same_dims, tensor_type
from weft.dialects.ml.dims import Dim, Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind, kind_of


def check_indices(name: str, indices: SSAValue) -> None:
    """Verify that indices are integers. Raises VerifyException."""
    if kind_of(tensor_type(indices).element_type) not in (Kind.SIGNED, Kind.UNSIGNED):
        raise VerifyException(f"{name}: the indices must be integers, not {indices.type}")


def as_places(indices: Array) -> Array:
    """Indices as `int64`; those beyond it are its greatest number."""
    if indices.dtype == np.uint64:
        indices = np.minimum(indices, np.uint64(np.iinfo(np.int64).max))
    return indices.astype(np.int64)


def check_sorted(what: str, axes: Sequence[int], rank: int) -> None:
    """Verify that `axes` are different axes of a tensor of that rank, in order."""
    check_axes(what, axes, rank)
    if list(axes) != sorted(axes):
        raise VerifyException(f"{what} {list(axes)} must be sorted")


@dataclass(frozen=True)
class IndexVectors:
    """Index vectors lie along `vector_dim` of the tensor of indices (or, at its rank, are its single elements).

    Component k of a vector is an index into dimension `dims[k]` of the operand. Dimension `operand_batching[k]`
    of the operand is indexed by the position along dimension `indices_batching[k]` of the indices instead.
    """

    rank: int
    vector_dim: int
    dims: tuple[int, ...]
    operand_batching: tuple[int, ...]
    indices_batching: tuple[int, ...]

    @property
    def batch_axes(self) -> tuple[int, ...]:
        """The dimensions of the indices that number the vectors."""
        return tuple(axis for axis in range(self.rank) if axis != self.vector_dim)

    def check(self, name: str, operand_rank: int, indices: Shape) -> None:
        """Verify that the numbers fit the ranks and sizes. Raises VerifyException."""
        if not 0 <= self.vector_dim <= self.rank:
            raise VerifyException(f"{name}: index_vector_dim {self.vector_dim} must be between 0 and {self.rank}")
        check_axes(f"{name}: the dimensions that indices point into,", self.dims, operand_rank)
        check_sorted(f"{name}: the batching dimensions of the operand,", self.operand_batching, operand_rank)
        check_axes(f"{name}: the batching dimensions of the indices,", self.indices_batching, self.rank)
        if len(self.operand_batching) != len(self.indices_batching):
            raise VerifyException(f"{name}: operand and indices must have the same number of batching dimensions")
        if self.vector_dim in self.indices_batching:
            raise VerifyException(f"{name}: index_vector_dim {self.vector_dim} cannot be a batching dimension")
        if shared := set(self.dims) & set(self.operand_batching):
            raise VerifyException(f"{name}: dimension {min(shared)} is indexed and a batching dimension at once")
        count = 1 if self.vector_dim == self.rank else indices[self.vector_dim]
        if isinstance(count, int) and count != len(self.dims):
            raise VerifyException(
                f"{name}: an index vector has {count} components, but points into {len(self.dims)} dimensions"
            )

    def rules(self, name: str, operand: Shape, indices: Shape) -> Iterator[Requirement]:
        """What the sizes must fulfil."""
        if self.vector_dim < self.rank:
            message = f"{name}: an index vector must have a component for each dimension that it points into"
            yield Requirement(indices[self.vector_dim], "==", len(self.dims), message)
        message = f"{name}: batching dimensions of operand and indices must have the same size"
        left = tuple(operand[axis] for axis in self.operand_batching)
        yield from same_dims(left, tuple(indices[axis] for axis in self.indices_batching), message)

    def batch_shape(self, indices: Sequence[Dim]) -> Shape:
        """The sizes of the dimensions that number the vectors."""
        return tuple(indices[axis] for axis in self.batch_axes)

    def starts(self, indices: Array, operand_rank: int) -> list[Array]:
        """The place of each vector in each dimension of the operand: `int64`, of the batch shape."""
        places = as_places(indices)
        if self.vector_dim == self.rank:
            places = places[..., None]
        places = np.moveaxis(places, self.vector_dim, -1)
        shape = places.shape[:-1]
        found = [np.zeros(shape, np.int64)] * operand_rank
        for component, dim in enumerate(self.dims):
            found[dim] = places[..., component]
        for dim, axis in zip(self.operand_batching, self.indices_batching, strict=True):
            found[dim] = np.broadcast_to(_along(shape, self.batch_axes.index(axis)), shape)
        return found


def _along(shape: Sequence[int], axis: int) -> Array:
    """0, 1, 2, ... along one axis of a shape."""
    return np.arange(shape[axis]).reshape([-1 if other == axis else 1 for other in range(len(shape))])
