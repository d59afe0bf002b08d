"""Other programs like an example: other sizes, other element types, other attributes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import EnumType
from functools import partial
from typing import Any, cast

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    BoolAttr,
    DenseArrayBase,
    FloatAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
    UnitAttr,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i32,
    i64,
)
from xdsl.ir import Attribute, Data, Operation, SSAValue
from xdsl.irdl import AttrConstraint, IRDLOperation, VerificationContext
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

SIZES = (0, 1, 5, 7, DYNAMIC_INDEX)
ELEMENTS: tuple[Attribute, ...] = (f16, bf16, f32, f64, i1, i8, i32, i64)

TAG = "check.tag"
"""An attribute that no op declares: every op must keep it."""


def sizes_of(module: ModuleOp) -> list[int]:
    """The sizes that stand in the types of a module."""
    found = {size for shaped in _shaped(module) for size in shaped.get_shape()}
    return sorted(found - {DYNAMIC_INDEX})


def elements_of(module: ModuleOp) -> list[Attribute]:
    """The element types in a module."""
    found: dict[Attribute, None] = {shaped.element_type: None for shaped in _shaped(module)}
    return list(found)


def _shaped(module: ModuleOp) -> Iterator[Any]:
    """The types of tensors and memrefs in a module, one for each value."""
    for op in module.walk():
        for value in _values(op):
            type_: Any = value.type
            if isinstance(type_, TensorType | MemRefType):
                yield type_


def _values(op: Operation) -> list[SSAValue]:
    return [*op.results, *(argument for region in op.regions for block in region.blocks for argument in block.args)]


def of_types(module: ModuleOp) -> Iterator[tuple[str, ModuleOp]]:
    """Copies of a module with one size, all sizes, or the element type changed everywhere; some do not verify."""
    for old in sizes_of(module):
        for new in SIZES:
            if new != old:
                shown = "?" if new == DYNAMIC_INDEX else new
                yield (
                    f"{shown} for the size {old}",
                    _changed(module, partial(_instead, old, new)),
                )
    yield "every size ?", _changed(module, lambda n: DYNAMIC_INDEX)
    for old in elements_of(module):
        for new in ELEMENTS:
            if new != old:
                yield f"{new} for {old}", _changed(module, lambda n: n, {old: new})


def _instead(old: int, new: int, size: int) -> int:
    return new if size == old else size


def _changed(
    module: ModuleOp, size: Callable[[int], int], elements: Mapping[Attribute, Attribute] | None = None
) -> ModuleOp:
    """A copy of a module with other sizes and element types in all its types."""
    copy = module.clone()
    table = elements or {}

    def changed(type_: Attribute) -> Attribute:
        shaped: Any = type_
        if isinstance(type_, TensorType):
            return TensorType(changed(shaped.element_type), [*map(size, shaped.get_shape())], shaped.encoding)
        if isinstance(type_, MemRefType):
            element = changed(shaped.element_type)
            return MemRefType(element, [*map(size, shaped.get_shape())], shaped.layout, shaped.memory_space)
        return table.get(type_, type_)

    for op in copy.walk():
        for value in _values(op):
            if (type_ := changed(value.type)) != value.type:
                Rewriter.replace_value_with_new_type(value, type_)
        if isinstance(op, func.FuncOp):
            inputs, outputs = op.function_type.inputs, op.function_type.outputs
            op.function_type = FunctionType.from_lists([*map(changed, inputs)], [*map(changed, outputs)])
    return copy


def of_attributes(op: Operation) -> Iterator[tuple[str, Callable[[Operation], None]]]:
    """Changes of an op's attributes, to be made on a copy of it; some do not verify."""
    yield f"{TAG} = 7 : i64", lambda copy: copy.attributes.update({TAG: IntegerAttr(7, i64)})
    if not isinstance(op, IRDLOperation):
        return
    definition = op.get_irdl_definition()
    for name, declared in {**definition.properties, **definition.attributes}.items():
        is_property = name in definition.properties
        present = (op.properties if is_property else op.attributes).get(name)
        for new in (None, *(near(present) if present is not None else PALETTE)):
            if new == present or (new is not None and not _fits(declared.constr, new)):
                continue
            yield f"{name} = {'(absent)' if new is None else new}", _setter(name, new, is_property=is_property)


def _setter(name: str, new: Attribute | None, *, is_property: bool) -> Callable[[Operation], None]:
    def change(copy: Operation) -> None:
        table = copy.properties if is_property else copy.attributes
        if new is None:
            table.pop(name, None)
        else:
            table[name] = new

    return change


def _fits(constraint: AttrConstraint, attribute: Attribute) -> bool:
    try:
        constraint.verify(attribute, VerificationContext())
    except VerifyException:
        return False
    return True


PALETTE: tuple[Attribute, ...] = (
    UnitAttr(),
    BoolAttr.from_bool(True),
    *(IntegerAttr(1, type_) for type_ in (i64, i32, IndexType())),
    *(FloatAttr(0.1, type_) for type_ in (f32, f64)),
    StringAttr('a "quoted" \\ name'),
    *(DenseArrayBase.from_list(type_, [1]) for type_ in (i64, i32)),
    ArrayAttr([]),
    ArrayAttr([StringAttr("one")]),
)
"""What an absent attribute is tried with."""


def near(attribute: Attribute) -> Iterable[Attribute]:
    """Attributes of the same kind with another value."""
    match attribute:
        case IntegerAttr():
            width = attribute.type.width.data if isinstance(attribute.type, IntegerType) else 64
            values = (0, 1) if width == 1 else (attribute.value.data + 1, 0, 1, -1)
            return [IntegerAttr(value, attribute.type) for value in values if value != attribute.value.data]
        case FloatAttr():
            return [FloatAttr(value, attribute.type) for value in (0.1, 2.5, -0.0, 1e30, math.inf, -math.inf, math.nan)]
        case StringAttr():
            return [StringAttr(text) for text in ("", "x", 'a "quoted" \\ name')]
        case DenseArrayBase():
            return _near_arrays(cast(Any, attribute))
        case ArrayAttr():
            items = attribute.data
            return [ArrayAttr(items[:-1]), ArrayAttr(items[::-1])]
        case Data():
            return _near_enums(cast(Any, attribute))
        case _:
            return []


def _near_arrays(array: DenseArrayBase[IntegerType]) -> list[Attribute]:
    values = list(array.get_values())
    variants = [values[:-1], values[::-1], [value + 1 for value in values], [*values, *values[-1:]]]
    return [DenseArrayBase.from_list(array.elt_type, some) for some in variants if some != values]


def _near_enums(attribute: Any) -> list[Attribute]:
    """The other cases of an enumeration."""
    kind = cast(object, type(attribute.data))
    cases = list(kind) if isinstance(kind, EnumType) else []
    return [type(attribute)(case) for case in cases if case != attribute.data]
