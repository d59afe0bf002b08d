"""How deep things may stand in each other.

Regions may nest :data:`LIMIT` deep, and in each region types, attributes and affine expressions as deep again.
Islands of Python code recurse, so a deep text is read with :func:`weft.room.with_room`.
"""

from __future__ import annotations

from typing import Any, cast

LIMIT = 1000

TOO_DEEP = f"nested more than {LIMIT} deep"

_OPENING = ("(", "[", "{", "<")
_CLOSING = (")", "]", "}", ">")


class RegionStart:
    """The mark that an open region leaves among the values of the driver."""


def opened(values: list[Any]) -> int:
    """How many brackets are open among the values of the driver since the innermost region began."""
    count = closed = 0
    for value in reversed(values):
        if isinstance(value, RegionStart):
            break
        if value in _CLOSING:
            closed += 1
        elif value in _OPENING or (isinstance(value, tuple) and len(cast(tuple[Any, ...], value)) == 2):
            count += closed == 0
            closed = max(closed - 1, 0)
    return count
