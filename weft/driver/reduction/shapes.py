"""Dimensions become small, or go, all over the module at once, so that it stays consistent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DenseArrayBase,
    IntAttr,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    TensorType,
    VectorType,
)
from xdsl.ir import Attribute, ParametrizedAttribute

from weft.driver.reduction.remap import remap
from weft.driver.reduction.tree import shape_of, values_of


def shrink_dimensions(module: ModuleOp) -> list[partial[None]]:
    """`tensor<16x4xf32>` -> `tensor<1x4xf32>`: every dimension of a size gets another size.

    Once in the types alone, once in the numbers of attributes too, which may be sizes.
    """
    sizes = sorted({dim for shape in _shapes(module) for dim in shape}, reverse=True)
    return [
        partial(_resize, module, size, smaller, everywhere)
        for size in sizes
        for smaller in dict.fromkeys((1, 2, 3, size // 2))
        if 0 < smaller < size or (size == DYNAMIC_INDEX and smaller == 1)
        for everywhere in (False, True)
    ]


def _shapes(module: ModuleOp) -> list[tuple[int, ...]]:
    shapes = {shape_of(value.type) for value in values_of(module)}
    return sorted(shape for shape in shapes if shape is not None)


def _resize(module: ModuleOp, size: int, smaller: int, everywhere: bool) -> None:
    def change(attribute: Attribute) -> Attribute:
        shape = shape_of(attribute)
        if shape is not None:
            return _with_shape(attribute, [smaller if dim == size else dim for dim in shape])
        return _renumbered(attribute, size, smaller) if everywhere else attribute

    remap(module, change)


def _renumbered(attribute: Attribute, size: int, smaller: int) -> Attribute:
    if isinstance(attribute, IntegerAttr):
        number = cast("IntegerAttr[Any]", attribute)
        return IntegerAttr(smaller, number.type) if number.value.data == size else number
    if not isinstance(attribute, DenseArrayBase):
        return attribute
    array = cast("DenseArrayBase[Any]", attribute)
    return DenseArrayBase.from_list(array.elt_type, [smaller if n == size else n for n in array.get_values()])


def drop_dimensions(module: ModuleOp) -> list[partial[None]]:
    """`tensor<4x1xf32>` -> `tensor<4xf32>`: one dimension of every type of a shape goes."""
    return [partial(_drop, module, shape, index) for shape in _shapes(module) for index in reversed(range(len(shape)))]


def _drop(module: ModuleOp, shape: tuple[int, ...], index: int) -> None:
    def change(attribute: Attribute) -> Attribute:
        if shape_of(attribute) != shape:
            return attribute
        return _with_shape(attribute, [*shape[:index], *shape[index + 1 :]])

    remap(module, change)


def _with_shape(type_: Attribute, shape: Sequence[int]) -> Attribute:
    """The type with another shape, all else as it was."""
    if isinstance(type_, VectorType):
        return VectorType(cast("VectorType[Any]", type_).element_type, shape)
    assert isinstance(type_, TensorType | MemRefType)
    kind: type[ParametrizedAttribute] = type(cast(ParametrizedAttribute, type_))
    return kind.new([ArrayAttr([IntAttr(dim) for dim in shape]), *type_.parameters[1:]])
