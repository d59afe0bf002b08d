"""Updates of a tensor at places that another tensor says: scatter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from xdsl.dialects.builtin import TensorType, UnitAttr
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, RecursivelySpeculatable, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import (
    AXIS,
    INDEX_LIST,
    TENSOR,
    Body,
    MlOp,
    axis_attr,
    index_list,
    same_dims,
    tensor_type,
    typed,
)
from weft.dialects.ml.combinations import SET, Combination, check_body, combination_body, combination_of
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, DType
from weft.dialects.ml.index_vectors import IndexVectors, check_indices, check_sorted
from weft.dialects.ml.reduction import REDUCTIONS
from weft.dialects.ml.syntax import values_of


@irdl_op_definition
class ScatterOp(MlOp):
    """The inputs with updates combined into them, at places that index vectors say. StableHLO: scatter.

    The operands are n inputs of one shape, the indices, and n tensors of updates of one shape. An index vector
    lies along `index_vector_dim` of the indices (at the rank, each element is one); its component k is where a
    window of updates starts in dimension `scatter_dims_to_operand_dims[k]` of the inputs. The dimensions of a
    window are the `update_window_dims` of the updates; `inserted_window_dims` of the inputs are missing there.
    The other dimensions of the updates are those of the indices without `index_vector_dim`. Dimension
    `input_batching_dims[k]` of the inputs and `scatter_indices_batching_dims[k]` of the indices run together.

    An update outside of the inputs is skipped. The others are combined in row-major order, by a known op of ml
    (add, mul, max, min, and, or), by `set`, or by a body that takes n elements and n updates, of rank 0, and
    returns n elements. `unique_indices` and `indices_are_sorted` are promises that cost nothing to break.

    ```mlir
    %r = ml.scatter(%x, %i, %u), update_window_dims = [1], inserted_window_dims = [0],
      scatter_dims_to_operand_dims = [0], index_vector_dim = 1
      : (tensor<10x8xf32>, tensor<4x1xi32>, tensor<4x8xf32>) -> tensor<10x8xf32> by add
    %s = ml.scatter(%y, %i, %v), update_window_dims = [], inserted_window_dims = [1],
      scatter_dims_to_operand_dims = [1], index_vector_dim = 1, input_batching_dims = [0],
      scatter_indices_batching_dims = [0] {unique_indices}
      : (tensor<4x9xf32>, tensor<4x1xi32>, tensor<4xf32>) -> tensor<4x9xf32> {
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = ml.sub %a, %b : tensor<f32>
      ml.return %c : tensor<f32>
    }
    ```
    """

    name = "ml.scatter"

    arguments = var_operand_def(TENSOR)
    outputs = var_result_def(TENSOR)
    update_window_dims = prop_def(INDEX_LIST)
    inserted_window_dims = prop_def(INDEX_LIST)
    input_batching_dims = opt_prop_def(INDEX_LIST)
    scatter_indices_batching_dims = opt_prop_def(INDEX_LIST)
    scatter_dims_to_operand_dims = prop_def(INDEX_LIST)
    index_vector_dim = prop_def(AXIS)
    indices_are_sorted = opt_prop_def(UnitAttr)
    unique_indices = opt_prop_def(UnitAttr)
    update_computation = region_def("single_block")

    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(IsolatedFromAbove(), RecursiveMemoryEffect(), RecursivelySpeculatable())
    custom_directives = (Combination,)
    assembly_format = (
        "`(` $arguments `)` `,` `update_window_dims` `=` $update_window_dims `,` "
        "`inserted_window_dims` `=` $inserted_window_dims `,` "
        "`scatter_dims_to_operand_dims` `=` $scatter_dims_to_operand_dims `,` "
        "`index_vector_dim` `=` $index_vector_dim (`,` `input_batching_dims` `=` $input_batching_dims^ `,` "
        "`scatter_indices_batching_dims` `=` $scatter_indices_batching_dims)? "
        "attr-dict `:` functional-type($arguments, $outputs) custom<Combination>($update_computation)"
    )

    def __init__(
        self,
        inputs: Sequence[SSAValue | Operation],
        indices: SSAValue | Operation,
        updates: Sequence[SSAValue | Operation],
        body: Region | str,
        *,
        update_window_dims: Sequence[int] = (),
        inserted: Sequence[int] = (),
        batching: tuple[Sequence[int], Sequence[int]] = ((), ()),
        scatter_dims: Sequence[int],
        index_vector_dim: int,
        unique: bool = False,
    ):
        """Scatter; `batching` are the batching dimensions of inputs and indices, `body` may be a kind."""
        if isinstance(body, str):
            body = combination_body(body, typed(inputs[0]).element_type)
        super().__init__(
            operands=[[*inputs, indices, *updates]],
            result_types=[[SSAValue.get(value).type for value in inputs]],
            properties={
                "update_window_dims": index_list(update_window_dims),
                "inserted_window_dims": index_list(inserted),
                "input_batching_dims": index_list(batching[0]) if batching[0] else None,
                "scatter_indices_batching_dims": index_list(batching[1]) if batching[0] else None,
                "scatter_dims_to_operand_dims": index_list(scatter_dims),
                "index_vector_dim": axis_attr(index_vector_dim),
                "unique_indices": UnitAttr() if unique else None,
            },
            regions=[body],
        )

    @property
    def inputs(self) -> tuple[SSAValue, ...]:
        """The tensors that are updated."""
        return tuple(self.arguments[: len(self.outputs)])

    @property
    def indices(self) -> SSAValue:
        """The tensor of index vectors."""
        return self.arguments[len(self.outputs)]

    @property
    def updates(self) -> tuple[SSAValue, ...]:
        """The tensors of updates."""
        return tuple(self.arguments[len(self.outputs) + 1 :])

    @property
    def kind(self) -> str | None:
        """The kind of :func:`combination_body` that the body is, or None for any other body."""
        return combination_of(self.update_computation)

    @property
    def vectors(self) -> IndexVectors:
        """How the indices point into the inputs."""
        return IndexVectors(
            tensor_type(self.indices).get_num_dims(),
            self.index_vector_dim.value.data,
            self.scatter_dims_to_operand_dims.get_values(),
            values_of(self.input_batching_dims),
            values_of(self.scatter_indices_batching_dims),
        )

    @property
    def window_axes(self) -> tuple[int, ...]:
        """The dimensions of the inputs that a window has."""
        missing = {*self.inserted_window_dims.get_values(), *values_of(self.input_batching_dims)}
        return tuple(axis for axis in range(tensor_type(self.inputs[0]).get_num_dims()) if axis not in missing)

    def check(self) -> None:
        count = len(self.outputs)
        if not count or len(self.arguments) != 2 * count + 1:
            raise VerifyException(
                f"{self.name} takes as many inputs as it has results, the indices, and as many tensors of updates, "
                f"not {len(self.arguments)} operands for {count} results"
            )
        rank = tensor_type(self.inputs[0]).get_num_dims()
        check_indices(self.name, self.indices)
        self.vectors.check(self.name, rank, self.operand_dims(count))
        inserted = self.inserted_window_dims.get_values()
        check_sorted(f"{self.name}: inserted_window_dims", inserted, rank)
        if set(inserted) & set(values_of(self.input_batching_dims)):
            raise VerifyException(f"{self.name}: inserted_window_dims and input_batching_dims must be different")
        windows = self.update_window_dims.get_values()
        if len(windows) != len(self.window_axes):
            raise VerifyException(
                f"{self.name}: a window has {len(self.window_axes)} dimensions, so update_window_dims "
                f"{list(windows)} must name as many"
            )
        update_rank = len(self.vectors.batch_axes) + len(windows)
        check_sorted(f"{self.name}: update_window_dims", windows, update_rank)
        for value, update in zip(self.inputs, self.updates, strict=True):
            self._check_pair(value, update, rank, update_rank)
        scalars = [TensorType(tensor_type(value).element_type, []) for value in self.inputs]
        check_body(self, self.update_computation, 2 * scalars, scalars)

    def _check_pair(self, value: SSAValue, update: SSAValue, rank: int, update_rank: int) -> None:
        """Verify ranks and elements of an input and its updates."""
        source, new = tensor_type(value), tensor_type(update)
        if source.get_num_dims() != rank:
            raise VerifyException(f"{self.name}: the inputs must have one rank, not {source}")
        if new.get_num_dims() != update_rank or new.element_type != source.element_type:
            raise VerifyException(
                f"{self.name}: the updates of {source} must be {source.element_type} of rank {update_rank}, not {new}"
            )

    def rules(self) -> Iterator[Requirement]:
        count = len(self.outputs)
        inputs, indices, updates = (self.operand_dims(position) for position in (0, count, count + 1))
        yield from self.vectors.rules(self.name, inputs, indices)
        for other in range(1, count):
            yield from same_dims(inputs, self.operand_dims(other), f"{self.name}: the inputs must have the same sizes")
            message = f"{self.name}: the updates must have the same sizes"
            yield from same_dims(updates, self.operand_dims(count + 1 + other), message)
        windows = self.update_window_dims.get_values()
        for axis, place in zip(self.window_axes, windows, strict=True):
            message = f"{self.name}: the window of updates is greater than dimension {axis}"
            yield Requirement(updates[place], "<=", inputs[axis], message)
        batch = tuple(size for axis, size in enumerate(updates) if axis not in windows)
        message = f"{self.name}: there must be a window of updates for each index vector"
        yield from same_dims(batch, self.vectors.batch_shape(indices), message)

    def result_dims(self) -> tuple[Shape, ...]:
        return tuple(self.operand_dims(position) for position in range(len(self.outputs)))

    def result_elements(self) -> tuple[Attribute, ...]:
        return tuple(tensor_type(value).element_type for value in self.inputs)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        count = len(self.outputs)
        results, updates = [x.copy() for x in operands[:count]], operands[count + 1 :]
        inside, places = self._places(results[0].shape, operands[count], updates[0].shape)
        columns = [update[inside] for update in updates]
        kind = self.kind
        if places and _at_once(kind, results[0].dtype):
            if kind == SET:
                results[0][places] = columns[0]
            else:
                np.add.at(results[0], places, columns[0])
            return tuple(results)
        if kind is not None:
            body = _meaning(kind)
        if body is None:
            raise TypeError(f"{self.name}: the meaning of the body is needed")
        for place, *new in zip(zip(*places, strict=True), *columns, strict=True) if places else _nowhere(columns):
            now = body(*(result[place] for result in results), *map(np.asarray, new))
            for result, value in zip(results, now, strict=True):
                result[place] = value
        return tuple(results)

    def _places(
        self, shape: tuple[int, ...], indices: Array, updates: tuple[int, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """Which updates are inside, and their places, by dimension and in row-major order."""
        windows = self.update_window_dims.get_values()
        places = [
            np.broadcast_to(np.expand_dims(start, windows), updates)
            for start in self.vectors.starts(indices, len(shape))
        ]
        for axis, window in zip(self.window_axes, windows, strict=True):
            along = [-1 if other == window else 1 for other in range(len(updates))]
            # a start near the end of int64 stays outside
            places[axis] = np.minimum(places[axis], shape[axis]) + np.arange(updates[window]).reshape(along)
        inside = np.ones(updates, np.bool_)
        for place, size in zip(places, shape, strict=True):
            inside &= (place >= 0) & (place < size)
        return inside, tuple(place[inside] for place in places)


def _at_once(kind: str | None, dtype: DType) -> bool:
    """Whether NumPy combines by itself in order, and rounds as a body does."""
    return kind == SET or (kind == "add" and dtype.kind in ("iu" if dtype.itemsize < 4 else "iuf"))


def _meaning(kind: str) -> Body:
    """The meaning of a body that :func:`combination_body` makes."""

    def combined(old: Array, new: Array) -> tuple[Array]:
        return (new if kind == SET else numerics.in_wide(REDUCTIONS[kind].meaning, np.asarray(old), new),)

    return combined


def _nowhere(columns: Sequence[Array]) -> Iterator[tuple[tuple[()], Array]]:
    """Updates of a tensor of rank 0: all go to its one place."""
    return (((), *new) for new in zip(*(column.reshape(-1) for column in columns), strict=True))
