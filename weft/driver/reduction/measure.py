"""How large a module is; what is reduced must become smaller by this measure, so that every search ends."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseIntOrFPElementsAttr,
    DenseResourceAttr,
    Float32Type,
    IndexType,
    IntegerType,
    ModuleOp,
)
from xdsl.ir import Attribute, Block, Operation

from weft.driver.reduction.tree import is_splat, shape_of


class Size(NamedTuple):
    """Counts, the weightiest first; two modules of equal counts are told apart by their text."""

    ops: int
    blocks: int
    operands: int
    values: int
    attributes: int
    extent: int
    """Ranks and sizes of all values, and the elements of constants that are no splats."""
    odd_types: int
    """Values of other element types than i1, i32, f32 and index."""


def size_of(module: ModuleOp) -> Size:
    """The size of a module."""
    ops = list(module.walk())
    blocks = [block for op in ops for region in op.regions for block in region.blocks]
    return Size(
        len(ops),
        len(blocks),
        sum(len(op.operands) for op in ops),
        sum(map(len, _values(ops, blocks))),
        sum(len(op.attributes) + len(op.properties) for op in ops),
        sum(_extent(value.type) for values in _values(ops, blocks) for value in values) + sum(map(_data, ops)),
        sum(_is_odd(value.type) for values in _values(ops, blocks) for value in values),
    )


def _values(ops: list[Operation], blocks: list[Block]) -> list[Any]:
    return [*(op.results for op in ops), *(block.args for block in blocks)]


def _extent(type_: Attribute) -> int:
    return sum(1 + (2 if dim == DYNAMIC_INDEX else dim) for dim in shape_of(type_) or ())


def _data(op: Operation) -> int:
    value = op.properties.get("value")
    if isinstance(value, DenseResourceAttr):
        return 1 + _extent(value.type)
    if not isinstance(value, DenseIntOrFPElementsAttr):
        return 0
    dense = cast("DenseIntOrFPElementsAttr[Any]", value)
    return 0 if is_splat(dense) else len(dense)


def _is_odd(type_: Attribute) -> bool:
    element = cast(Attribute, getattr(type_, "element_type", type_))
    return element not in (IntegerType(1), IntegerType(32), Float32Type(), IndexType())
