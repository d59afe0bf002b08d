"""Attributes and properties go, or become simpler."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FloatAttr, IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute, Operation
from xdsl.irdl import IRDLOperation

_NAMES = ("sym_name", "function_type", "operandSegmentSizes", "resultSegmentSizes", "op_name__")
"""What others depend on."""


def _places(module: ModuleOp) -> Iterator[tuple[Operation, str]]:
    for op in module.walk():
        yield from ((op, name) for name in (*op.attributes, *op.properties) if name not in _NAMES)


def drop_attributes(module: ModuleOp) -> list[partial[None]]:
    """`op {tag = 1}` -> `op`, where the op does without it or has a default."""
    return [partial(_drop, op, name) for op, name in _places(module)]


def _drop(op: Operation, name: str) -> None:
    if name in op.attributes:
        del op.attributes[name]
        return
    kind = op.get_irdl_definition().properties.get(name) if isinstance(op, IRDLOperation) else None
    if kind is not None and kind.default_value is not None:
        op.properties[name] = kind.default_value
    else:
        del op.properties[name]


def simplify_attributes(module: ModuleOp) -> list[partial[None]]:
    """`op {n = 17, s = "abc", l = [1, 2]}` -> `op {n = 0, s = "", l = [1]}`, one at a time."""
    return [
        partial(_put, op, name, simpler) for op, name in _places(module) for simpler in _simpler(_attribute(op, name))
    ]


def _attribute(op: Operation, name: str) -> Attribute:
    return op.attributes[name] if name in op.attributes else op.properties[name]


def _put(op: Operation, name: str, value: Attribute) -> None:
    place = op.attributes if name in op.attributes else op.properties
    place[name] = value


def _simpler(attribute: Attribute) -> Iterator[Attribute]:
    """Simpler attributes of the same kind, the simplest first."""
    match attribute:
        case IntegerAttr():
            number = cast("IntegerAttr[Any]", attribute)
            value = number.value.data
            yield from (IntegerAttr(n, number.type) for n in (0, 1, value // 2) if n != value)
        case FloatAttr():
            real = cast("FloatAttr[Any]", attribute)
            yield from (FloatAttr(x, real.type) for x in (0.0, 1.0) if x != real.value.data)
        case StringAttr() if attribute.data:
            yield StringAttr("")
        case ArrayAttr():
            yield from _simpler_lists(attribute.data)
        case DictionaryAttr():
            entries = attribute.data
            for name in entries:
                yield DictionaryAttr({key: value for key, value in entries.items() if key != name})
            for name, value in entries.items():
                yield from (DictionaryAttr({**entries, name: other}) for other in _simpler(value))
        case _:
            return


def _simpler_lists(items: tuple[Attribute, ...]) -> Iterator[Attribute]:
    if items:
        yield ArrayAttr(())
    for n, item in enumerate(items):
        if len(items) > 1:
            yield ArrayAttr((*items[:n], *items[n + 1 :]))
        yield from (ArrayAttr((*items[:n], other, *items[n + 1 :])) for other in _simpler(item))
