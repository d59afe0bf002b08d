"""Offsets of the text as locations: the line table is made once, a location only when an op is finished."""

from __future__ import annotations

import re
from bisect import bisect_left

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr


class Lines:
    """Locations of one text. The first line of the text has the number `first_line`."""

    def __init__(self, text: str, filename: str, first_line: int) -> None:
        self.ends = [match.start() for match in re.finditer("\n", text)]
        self.first_line = first_line
        self.filename = StringAttr(filename)
        self.numbers: dict[int, IntAttr] = {}

    def at(self, offset: int) -> FileLineColLoc:
        """The location of an offset."""
        line = bisect_left(self.ends, offset)
        column = offset - (self.ends[line - 1] if line else -1)
        numbers = self.numbers
        line += self.first_line
        if (line_attr := numbers.get(line)) is None:
            line_attr = numbers[line] = IntAttr(line)
        if (column_attr := numbers.get(column)) is None:
            column_attr = numbers[column] = IntAttr(column)
        # one for every op: the parameters are of the right types, so nothing needs to check them again
        location = FileLineColLoc.__new__(FileLineColLoc)
        put = object.__setattr__
        put(location, "filename", self.filename)
        put(location, "line", line_attr)
        put(location, "column", column_attr)
        return location
