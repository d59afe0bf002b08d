"""Resizing: tensors with more or fewer elements along dimensions, by the nearest or between the two nearest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import IndexType
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import Attribute, Operation, SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import (
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from weft.dialects.ml import numerics
from weft.dialects.ml.base import INDEX_LIST, TENSOR, Body, MlOp, Tensor, check_axes, index_list, tensor_type
from weft.dialects.ml.broadcast import sized, sizes_not_negative
from weft.dialects.ml.dims import Dim, Requirement, Shape
from weft.dialects.ml.dtypes import KIND_NAMES, Array, Kind, kind_of
from weft.dialects.ml.options import Form, OptionList
from weft.dialects.ml.syntax import list_text, parse_list


class ResizeMode(StrEnum):
    """What an element of the result is: the nearest one of the operand, or the mean of its two neighbours."""

    NEAREST = "nearest"
    LINEAR = "linear"


class Coordinates(StrEnum):
    """Where element i of n lies on a line of m elements; the names are those of ONNX."""

    HALF_PIXEL = "half_pixel"
    ALIGN_CORNERS = "align_corners"
    ASYMMETRIC = "asymmetric"


class Rounding(StrEnum):
    """Which element is the nearest one to a place between two; the names are those of ONNX."""

    PREFER_FLOOR = "round_prefer_floor"
    PREFER_CEIL = "round_prefer_ceil"
    FLOOR = "floor"
    CEIL = "ceil"


ModeName: TypeAlias = Literal["nearest", "linear"]
CoordinatesName: TypeAlias = Literal["half_pixel", "align_corners", "asymmetric"]
RoundingName: TypeAlias = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@irdl_attr_definition
class ResizeModeAttr(EnumAttribute[ResizeMode], SpacedOpaqueSyntaxAttribute):
    """`#ml<resize_mode linear>`."""

    name = "ml.resize_mode"


@irdl_attr_definition
class CoordinatesAttr(EnumAttribute[Coordinates], SpacedOpaqueSyntaxAttribute):
    """`#ml<coordinates half_pixel>`."""

    name = "ml.coordinates"


@irdl_attr_definition
class RoundingAttr(EnumAttribute[Rounding], SpacedOpaqueSyntaxAttribute):
    """`#ml<rounding floor>`."""

    name = "ml.rounding"


def _named(parser: Parser, enum: type[StrEnum], attr: type[Attribute]) -> Attribute:
    return attr(parser.parse_str_enum(enum))  # pyright: ignore[reportCallIssue]


def _name_of(attr: Attribute) -> str:
    return cast(ResizeModeAttr | CoordinatesAttr | RoundingAttr, attr).data.value


_FORMS: dict[str, Form] = {
    "dims": (parse_list, list_text),
    "mode": (lambda parser: _named(parser, ResizeMode, ResizeModeAttr), _name_of),
    "coordinates": (lambda parser: _named(parser, Coordinates, CoordinatesAttr), _name_of),
    "rounding": (lambda parser: _named(parser, Rounding, RoundingAttr), _name_of),
}


@irdl_custom_directive
class ResizeOptions(OptionList):
    """`, dims = [2, 3], mode = linear, coordinates = align_corners`."""

    dims: AttributeVariable
    mode: AttributeVariable
    coordinates: AttributeVariable
    rounding: AttributeVariable

    def form(self, name: str) -> Form | None:
        """How the value of an option is read and written."""
        return _FORMS[name]


@irdl_op_definition
class ResizeOp(MlOp):
    """The operand with other sizes in the dimensions `dims`: the sizes of the result's type. ONNX: Resize.

    Element i of the n of the result lies at a place x on the line of the m elements of the operand, as
    `coordinates` say: `half_pixel` (unless given), (i + 0.5) m / n - 0.5; `align_corners`, i (m - 1) / (n - 1), and
    0 for n = 1; `asymmetric`, i m / n. `mode` is `nearest` (unless given): the element at x rounded by `rounding`,
    `round_prefer_floor` (unless given), `round_prefer_ceil`, `floor` or `ceil`; or `linear`, of floats: the
    elements on both sides of x, weighted by how near they are, one dimension after the other. Places beyond the
    ends are the ends. x is computed without rounding. A `?` of the result in a dimension of `dims` is one of
    `sizes`, in order. PyTorch: interpolate; its nearest is `asymmetric` with `floor`, its nearest-exact
    `half_pixel` with `round_prefer_ceil`.

    ```mlir
    %r = ml.resize %x, dims = [2, 3] : tensor<1x3x4x4xf32> to tensor<1x3x8x8xf32>
    %s = ml.resize %x sizes(%h, %w), dims = [2, 3], mode = linear, coordinates = align_corners
        : tensor<1x3x4x4xf32> to tensor<1x3x?x?xf32>
    %t = ml.resize %x, dims = [3], coordinates = asymmetric, rounding = floor
        : tensor<1x3x4x4xf32> to tensor<1x3x4x9xf32>
    ```
    """

    name = "ml.resize"

    operand = operand_def(TENSOR)
    sizes = var_operand_def(IndexType())
    result = result_def(TENSOR)
    dimensions = prop_def(INDEX_LIST)
    mode = opt_prop_def(ResizeModeAttr)
    coordinates = opt_prop_def(CoordinatesAttr)
    rounding = opt_prop_def(RoundingAttr)

    custom_directives = (ResizeOptions,)
    assembly_format = (
        "$operand (`sizes` `(` $sizes^ `)`)? custom<ResizeOptions>($dimensions, $mode, $coordinates, $rounding) "
        "attr-dict `:` type($operand) `to` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        result_type: Tensor,
        dims: Sequence[int],
        mode: ModeName = "nearest",
        coordinates: CoordinatesName = "half_pixel",
        rounding: RoundingName | None = None,
        sizes: Sequence[SSAValue | Operation] = (),
    ):
        super().__init__(
            operands=[operand, sizes],
            result_types=[result_type],
            properties={
                "dimensions": index_list(dims),
                "mode": ResizeModeAttr(ResizeMode(mode)),
                "coordinates": CoordinatesAttr(Coordinates(coordinates)),
                "rounding": None if rounding is None else RoundingAttr(Rounding(rounding)),
            },
        )

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions that are resized."""
        return self.dimensions.get_values()

    @property
    def is_linear(self) -> bool:
        """Whether elements are means of two, not the nearest ones."""
        return self.mode is not None and self.mode.data is ResizeMode.LINEAR

    @property
    def transform(self) -> Coordinates:
        """Where elements lie."""
        return Coordinates.HALF_PIXEL if self.coordinates is None else self.coordinates.data

    @property
    def rounded(self) -> Rounding:
        """Which element is the nearest."""
        return Rounding.PREFER_FLOOR if self.rounding is None else self.rounding.data

    def check(self) -> None:
        source, target = tensor_type(self.operand), tensor_type(self.result)
        check_axes(f"{self.name}: dims", self.dims, source.get_num_dims())
        if target.get_num_dims() != source.get_num_dims():
            raise VerifyException(f"{self.name}: the result must have the rank of {source}, not {target}")
        if self.is_linear and kind_of(source.element_type) is not Kind.FLOAT:
            raise VerifyException(f"{self.name}: linear takes {KIND_NAMES[Kind.FLOAT]} elements, not {source}")
        if self.is_linear and self.rounding is not None:
            raise VerifyException(f"{self.name}: rounding says what is nearest; linear does not round")

    def rules(self) -> Iterator[Requirement]:
        yield from sizes_not_negative(self, 1)
        for axis in self.dims:
            message = f"{self.name}: dimension {axis} of the operand must not be empty"
            yield Requirement(1, "<=", self.operand_dims(0)[axis], message)

    def result_dims(self) -> tuple[Shape, ...]:
        known: dict[int, Dim] = {axis: size for axis, size in enumerate(self.operand_dims(0)) if axis not in self.dims}
        return (sized(self, 1, tensor_type(self.result).get_shape(), known),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        x, shape = operands[0], self.concrete_shape(operands)
        if not self.is_linear:
            for axis in self.dims:
                x = np.take(x, nearest(x.shape[axis], shape[axis], self.transform, self.rounded), axis=axis)
            return (x,)
        return (numerics.in_wide(partial(self._linear, shape=shape), x),)

    def _linear(self, x: Array, shape: Sequence[int]) -> Array:
        for axis in self.dims:
            low, high, weight = neighbours(x.shape[axis], shape[axis], self.transform)
            weight = weight.reshape([-1 if other == axis else 1 for other in range(x.ndim)])
            x = np.take(x, low, axis=axis) * (1 - weight) + np.take(x, high, axis=axis) * weight
        return x


def fraction(source: int, target: int, coordinates: Coordinates) -> tuple[int, int, int]:
    """(a, b, c), so that element i of `target` lies at (a i + b) / c on a line of `source` elements."""
    match coordinates:
        case Coordinates.HALF_PIXEL:
            return 2 * source, source - target, max(2 * target, 1)
        case Coordinates.ALIGN_CORNERS:
            return (source - 1, 0, target - 1) if target > 1 else (0, 0, 1)
        case Coordinates.ASYMMETRIC:
            return source, 0, max(target, 1)


def rounding_terms(rounding: Rounding) -> tuple[int, int, int, int]:
    """(p, q, r, s), so that a place n / c is rounded to (p n + q c + r) / (s c), rounded down."""
    return {
        Rounding.FLOOR: (1, 0, 0, 1),
        Rounding.CEIL: (1, 1, -1, 1),
        Rounding.PREFER_FLOOR: (2, 1, -1, 2),
        Rounding.PREFER_CEIL: (2, 1, 0, 2),
    }[rounding]


def nearest(source: int, target: int, coordinates: Coordinates, rounding: Rounding) -> Array:
    """The element of the operand that each element of the result is."""
    a, b, c = fraction(source, target, coordinates)
    p, q, r, s = rounding_terms(rounding)
    places = (p * (a * np.arange(target) + b) + q * c + r) // (s * c)
    return np.clip(places, 0, source - 1)


def neighbours(source: int, target: int, coordinates: Coordinates) -> tuple[Array, Array, Array]:
    """The elements before and behind the place of each element of the result, and the weight of the latter."""
    a, b, c = fraction(source, target, coordinates)
    places = np.clip(a * np.arange(target) + b, 0, (source - 1) * c)
    low = places // c
    return low, np.minimum(low + 1, source - 1), (places - low * c) / c
