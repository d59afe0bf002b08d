"""Who names which symbol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, SymbolRefAttr
from xdsl.ir import Attribute, Operation


def names_in(attr: Attribute) -> Iterator[str]:
    """The symbols that an attribute names."""
    if isinstance(attr, SymbolRefAttr):
        yield attr.root_reference.data
    elif isinstance(attr, ArrayAttr):
        for inner in cast(ArrayAttr[Attribute], attr).data:
            yield from names_in(inner)
    elif isinstance(attr, DictionaryAttr):
        for inner in attr.data.values():
            yield from names_in(inner)


def names_of(op: Operation) -> Iterator[str]:
    """The symbols that the attributes of an op name."""
    for attr in (*op.properties.values(), *op.attributes.values()):
        yield from names_in(attr)


def uses_of(module: ModuleOp, name: str) -> list[Operation]:
    """The ops that name a symbol."""
    return [op for op in module.walk() if name in names_of(op)]
