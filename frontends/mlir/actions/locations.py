"""Locations that the text gives: `loc(...)`."""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import (
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    LocationAttr,
    NameLoc,
    NoneAttr,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute

from weft import codes
from weft.frontends.mlir.actions.common import Action
from weft.frontends.mlir.actions.numbers import size
from weft.frontends.mlir.reading import Reading


def file_location(reader: Reading, values: list[Any]) -> Attribute:
    """`"file":line:column`."""
    line, column = (IntAttr(size(reader, values[place], "the line or column")) for place in (2, 4))
    return FileLineColLoc(StringAttr(reader.text_of(values[0])), line, column)


def name_location(reader: Reading, value: Any) -> Attribute:
    """`"name"` or `"name"(location)`."""
    token, inner = (value, NoneAttr()) if isinstance(value, str) else (value[0], value[2])
    return NameLoc(StringAttr(reader.text_of(token)), inner)


def fused_location(reader: Reading, values: list[Any]) -> Attribute:
    """`fused[a, b]` or `fused<metadata>[a, b]`."""
    metadata = values[2] if values[1] == "<" else NoneAttr()
    return FusedLoc(tuple(values[-2]), metadata)


def alias_location(reader: Reading, value: Attribute) -> Attribute:
    """`#alias` of a location."""
    if not isinstance(value, LocationAttr):
        reader.fail(f"this alias is not a location, but {value}", reader.here(), code=codes.BAD_ATTRIBUTE)
    return value


ACTIONS: dict[str, Action] = {
    "loc_unknown": lambda reader, token: UnknownLoc(),
    "loc_file": file_location,
    "loc_name": name_location,
    "loc_callsite": lambda reader, values: CallSiteLoc(values[2], values[4]),
    "loc_fused": fused_location,
    "loc_alias": alias_location,
}
