"""The errors that the status of a compiled function stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from weft import codes
from weft.diagnostics import Location, WeftError

_PLACE = re.compile(r"(?P<file>.*?):(?P<line>\d+):(?P<column>\d+): (?P<text>.*)", re.DOTALL)


def failure(name: str, messages: Sequence[str], status: int) -> WeftError:
    """The error for a status of the function `@name`: status k is message k - 1."""
    if not 0 < status <= len(messages):
        return WeftError(f"@{name} failed with the unknown status {status}", code=codes.CHECK_FAILED)
    message = messages[status - 1]
    place = _PLACE.fullmatch(message)
    if place is None:
        return WeftError(message, code=codes.CHECK_FAILED)
    where = Location(place["file"], int(place["line"]), int(place["column"]))
    return WeftError(place["text"], where, code=codes.CHECK_FAILED)
