"""Locations of operations: reading them as file:line:col, giving them to new ops, joining several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    LocationAttr,
    NameLoc,
    NoneAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation

from weft.codes import Code
from weft.diagnostics import UNKNOWN, Location, WeftError
from weft.dialects.walking import inside

UNKNOWN_LOC = UnknownLoc()


def where(op: Operation | LocationAttr) -> Location:
    """The first file:line:col that an op (or a location attribute) came from."""
    return _first(op.location if isinstance(op, Operation) else op) or UNKNOWN


def _first(loc: Attribute) -> Location | None:
    if isinstance(loc, FileLineColLoc):
        return Location(loc.filename.data, loc.line.data, loc.column.data)
    parts: Sequence[Attribute] = ()
    if isinstance(loc, FusedLoc):
        parts = cast(ArrayAttr[Attribute], loc.locations).data
    elif isinstance(loc, CallSiteLoc):
        parts = (loc.callee, loc.caller)
    elif isinstance(loc, NameLoc):
        parts = (loc.location,)
    return next((found for part in parts if (found := _first(part)) is not None), None)


def fuse(ops: Sequence[Operation]) -> LocationAttr:
    """One location for what several ops became: theirs if they agree, else `loc(fused[...])`."""
    locs = list(dict.fromkeys(op.location for op in ops if not isinstance(op.location, UnknownLoc)))
    if not locs:
        return UNKNOWN_LOC
    return locs[0] if len(locs) == 1 else FusedLoc(ArrayAttr[Attribute](locs), NoneAttr())


def give(op: Operation, location: LocationAttr) -> None:
    """Give `location` to an op, and to the ops inside it, that have none."""
    for inner in inside(op) if op.regions else (op,):
        if isinstance(inner.location, UnknownLoc):
            inner.location = location


def error_at(op: Operation | LocationAttr, message: str, hint: str | None = None, *, code: Code) -> WeftError:
    """A user error at the place that an op came from."""
    return WeftError(message, where(op), hint, code=code)
