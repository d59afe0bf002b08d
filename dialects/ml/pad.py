"""Padding: elements around and between those of a tensor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import INDEX_LIST, TENSOR, Body, MlOp, index_list, tensor_type, typed
from weft.dialects.ml.dims import Dim, Requirement, Shape, product, shape_of, static_shape, total
from weft.dialects.ml.dtypes import Array
from weft.dialects.ml.syntax import values_of


@irdl_op_definition
class PadOp(MlOp):
    """The operand with a value put before, after and between its elements. StableHLO: pad.

    `low` and `high` may be negative: elements are then cut off. `interior` elements (0 unless given) stand
    between two.

    ```mlir
    %r = ml.pad %x, %v, low = [1, 0], high = [1, -1] : tensor<4x8xf32>, tensor<f32> to tensor<6x7xf32>
    %s = ml.pad %y, %v, low = [0], high = [0], interior = [1] : tensor<4xf32>, tensor<f32> to tensor<7xf32>
    ```
    """

    name = "ml.pad"

    operand = operand_def(TENSOR)
    padding_value = operand_def(TENSOR)
    result = result_def(TENSOR)
    edge_padding_low = prop_def(INDEX_LIST)
    edge_padding_high = prop_def(INDEX_LIST)
    interior_padding = opt_prop_def(INDEX_LIST)

    assembly_format = (
        "$operand `,` $padding_value `,` `low` `=` $edge_padding_low `,` `high` `=` $edge_padding_high "
        "(`,` `interior` `=` $interior_padding^)? "
        "attr-dict `:` type($operand) `,` type($padding_value) `to` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        value: SSAValue | Operation,
        low: tuple[int, ...],
        high: tuple[int, ...],
        interior: tuple[int, ...] | None = None,
    ):
        source = typed(operand)
        dims = _padded(shape_of(0, source.get_shape()), low, high, interior or (0,) * len(low))
        super().__init__(
            operands=[operand, value],
            result_types=[TensorType(source.element_type, static_shape(dims))],
            properties={
                "edge_padding_low": index_list(low),
                "edge_padding_high": index_list(high),
                "interior_padding": index_list(interior) if interior and any(interior) else None,
            },
        )

    @property
    def low(self) -> tuple[int, ...]:
        """The elements before each dimension."""
        return self.edge_padding_low.get_values()

    @property
    def high(self) -> tuple[int, ...]:
        """The elements after each dimension."""
        return self.edge_padding_high.get_values()

    @property
    def interior(self) -> tuple[int, ...]:
        """The elements between two in each dimension."""
        return values_of(self.interior_padding) or (0,) * len(self.low)

    def check(self) -> None:
        source, value = tensor_type(self.operand), tensor_type(self.padding_value)
        if value != TensorType(source.element_type, []):
            raise VerifyException(f"{self.name}: the value must be tensor<{source.element_type}>, not {value}")
        if {len(self.low), len(self.high), len(self.interior)} != {source.get_num_dims()}:
            raise VerifyException(f"{self.name}: low, high and interior need one entry for each dimension of {source}")
        if min(self.interior, default=0) < 0:
            raise VerifyException(f"{self.name}: interior padding {list(self.interior)} must be 0 or more")

    def rules(self) -> Iterator[Requirement]:
        for axis, (size, inner) in enumerate(zip(self.operand_dims(0), self.interior, strict=True)):
            if inner and not isinstance(size, int):
                yield Requirement(
                    1, "<=", size, f"{self.name}: dimension {axis} with interior padding must not be empty"
                )
        for axis, size in enumerate(self.result_dims()[0]):
            yield Requirement(0, "<=", size, f"{self.name}: dimension {axis} must not lose more than it has")

    def result_dims(self) -> tuple[Shape, ...]:
        return (_padded(self.operand_dims(0), self.low, self.high, self.interior),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        x, value = operands
        full = tuple(n + max(n - 1, 0) * inner for n, inner in zip(x.shape, self.interior, strict=True))
        spread = np.full(full, value, x.dtype)
        spread[tuple(slice(None, None, inner + 1) for inner in self.interior)] = x
        cut = tuple(
            slice(max(0, -low), max(0, n - max(0, -high)))
            for n, low, high in zip(full, self.low, self.high, strict=True)
        )
        result = np.full(self.concrete_shape(operands), value, x.dtype)
        inside = spread[cut]
        place = tuple(slice(max(0, low), max(0, low) + n) for low, n in zip(self.low, inside.shape, strict=True))
        result[place] = inside
        return (result,)


def _padded(shape: Shape, low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...]) -> Shape:
    """The sizes with padding; a run-time size is 1 or more where there is interior padding."""
    return tuple(
        total((_spread(n, inner), before, after))
        for n, before, after, inner in zip(shape, low, high, interior, strict=True)
    )


def _spread(size: Dim, inner: int) -> Dim:
    return size if size == 0 or not inner else total((product((size, inner + 1)), -inner))
