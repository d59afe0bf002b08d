"""Constants become simple."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, DenseResourceAttr, ModuleOp
from xdsl.ir import Attribute, Operation

from weft.driver.reduction.remap import zeros
from weft.driver.reduction.tree import is_splat


def simplify_constants(module: ModuleOp) -> list[partial[None]]:
    """`dense<[3, 1, 4]>` -> `dense<0>`, `dense<1>` or `dense<3>`; data kept apart -> zeros."""
    return [
        partial(_put, op, name, simpler)
        for op in module.walk()
        for name, value in (*op.properties.items(), *op.attributes.items())
        for simpler in _simpler(value)
    ]


def _put(op: Operation, name: str, value: Attribute) -> None:
    place = op.properties if name in op.properties else op.attributes
    place[name] = value


def _simpler(attribute: Attribute) -> list[Attribute]:
    if isinstance(attribute, DenseResourceAttr):
        return [zeros(cast(Attribute, attribute.type))]
    if not isinstance(attribute, DenseIntOrFPElementsAttr) or not len(cast("DenseIntOrFPElementsAttr[Any]", attribute)):
        return []
    dense = cast("DenseIntOrFPElementsAttr[Any]", attribute)
    values, number = dense.get_values(), type(dense.get_values()[0])
    splats = [number(0), number(1), values[0]]
    if not is_splat(dense):
        return [_filled(dense, [value]) for value in splats] + _zeroed(dense, values, number)
    return [_filled(dense, [value]) for value in splats[:2] if value != values[0]]


def _zeroed(dense: DenseIntOrFPElementsAttr[Any], values: tuple[Any, ...], number: type) -> list[Attribute]:
    """The data with a half of it, or one element of few, zero."""
    size = len(values)
    spans = [(0, size // 2), (size // 2, size)] + ([(n, n + 1) for n in range(size)] if size <= 16 else [])
    return [
        _filled(dense, [number(0) if start <= n < end else value for n, value in enumerate(values)])
        for start, end in spans
        if any(values[start:end])
    ]


def _filled(dense: DenseIntOrFPElementsAttr[Any], values: list[Any]) -> Attribute:
    return DenseIntOrFPElementsAttr.from_list(cast(Any, dense.type), values)
