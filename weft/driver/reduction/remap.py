"""Rebuilding every type and attribute of a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    DenseResourceAttr,
    DictionaryAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    ShapedType,
)
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.rewriter import Rewriter

from weft.driver.reduction.tree import element_of, is_splat, values_of

Change = Callable[[Attribute], Attribute]


def remap(module: ModuleOp, change: Change) -> None:
    """Replace every attribute and type, those inside others included, by what `change` makes of it.

    The data of constants follow their types: cut, repeated, converted.
    """
    known: dict[Attribute, Attribute] = {}

    def convert(attribute: Attribute) -> Attribute:
        if attribute not in known:
            known[attribute] = _rebuilt(attribute, convert, change)
        return known[attribute]

    for op in module.walk():
        for place in (op.properties, op.attributes):
            for name, value in place.items():
                place[name] = convert(value)
    for value in values_of(module):
        if (new := convert(value.type)) != value.type:
            Rewriter.replace_value_with_new_type(value, new)


def _rebuilt(attribute: Attribute, convert: Change, change: Change) -> Attribute:
    match attribute:
        case DenseIntOrFPElementsAttr():
            dense = cast("DenseIntOrFPElementsAttr[Any]", attribute)
            return _with_type(dense, cast(Attribute, dense.type), convert(cast(Attribute, dense.type)))
        case DenseResourceAttr():
            type_ = cast(Attribute, attribute.type)
            return attribute if convert(type_) == type_ else zeros(convert(type_))
        case IntegerAttr() | FloatAttr():
            number = cast("IntegerAttr[Any] | FloatAttr[Any]", attribute)
            return change(_scalar(number.value.data, convert(number.type), attribute))
        case DenseArrayBase():
            return change(attribute)
        case ArrayAttr():
            return ArrayAttr([convert(item) for item in attribute.data])
        case DictionaryAttr():
            return DictionaryAttr({name: convert(value) for name, value in attribute.data.items()})
        case ParametrizedAttribute():
            parameters = [convert(parameter) for parameter in attribute.parameters]
            same = all(a is b for a, b in zip(parameters, attribute.parameters, strict=True))
            return change(attribute if same else type(attribute).new(parameters))
        case _:
            return change(attribute)


def _scalar(value: float, type_: Attribute, old: Attribute) -> Attribute:
    if isinstance(type_, IntegerType | IndexType):
        return IntegerAttr(int(value), cast(Any, type_))
    return FloatAttr(float(value), type_) if isinstance(type_, AnyFloat) else old


def zeros(type_: Attribute) -> DenseIntOrFPElementsAttr[Any]:
    """Zeros of a shaped type."""
    assert isinstance(type_, ShapedType)
    zero = 0.0 if isinstance(element_of(type_), AnyFloat) else 0
    return DenseIntOrFPElementsAttr.from_list(cast(Any, type_), [zero])


def _with_type(dense: DenseIntOrFPElementsAttr[Any], old: Attribute, new: Attribute) -> Attribute:
    """The data in another type."""
    if old == new:
        return dense
    assert isinstance(old, ShapedType) and isinstance(new, ShapedType)
    number = float if isinstance(element_of(new), AnyFloat) else int
    if not len(dense):
        return zeros(new)
    if is_splat(dense):
        data = [number(cast(Any, dense.get_values()[0]))]
    else:
        values = np.array(dense.get_values(), object).reshape(old.get_shape())
        data = [number(value) for value in _fitted(values, new.get_shape()).flatten().tolist()]
    return DenseIntOrFPElementsAttr.from_list(cast(Any, new), data or [number(0)])


def _fitted(values: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array cut to a shape; of another rank, the first elements in another order of dimensions."""
    if values.ndim != len(shape):
        return np.resize(values, shape)
    return values[tuple(slice(size) for size in shape)]
