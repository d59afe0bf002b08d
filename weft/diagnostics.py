"""What weft says to people: an error is where it is, what is, and what should be.

Every user error in weft is a :class:`WeftError`; its text is the same in Python and on the command line.
A bug of weft's own is any other exception: the tools report it as such and exit with 70.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches


@dataclass(frozen=True)
class Location:
    """A place in a source: file name, 1-based line and column (0 where unknown)."""

    file: str = "<unknown>"
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else f"{self.file}:0"


UNKNOWN = Location()


@dataclass(frozen=True)
class Diagnostic:
    """One message: `error`, `warning`, `note` or `remark`, with its place, and a hint where there is one.

    `source` is the source line at `where`; it is printed with a caret below.
    """

    message: str
    where: Location = UNKNOWN
    severity: str = "error"
    hint: str | None = None
    source: str | None = None
    notes: tuple[Diagnostic, ...] = field(default=())

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.severity}: {self.message}"]
        if self.source is not None and self.where.column:
            pad = "".join("\t" if c == "\t" else " " for c in self.source[: self.where.column - 1])
            lines += [self.source, pad + "^"]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join([*lines, *map(str, self.notes)])


class WeftError(Exception):
    """A user error: bad text, a program that does not verify, a bad argument, a failed run-time check.

    `where` is None where no place in a source is to blame.
    """

    def __init__(
        self,
        message: str,
        where: Location | None = None,
        hint: str | None = None,
        source: str | None = None,
        notes: tuple[Diagnostic, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.diagnostic = Diagnostic(message, where or UNKNOWN, "error", hint, source, notes)

    def show_source(self, text: str, file: str, first_line: int = 1) -> None:
        """Add the source line to what is said, where the error is in this text and has none yet."""
        lines, line = text.splitlines(), self.diagnostic.where.line - first_line
        if self.diagnostic.source is None and self.diagnostic.where.file == file and 0 <= line < len(lines):
            self.diagnostic = replace(self.diagnostic, source=lines[line])

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that is to be said; several where a file has several errors."""
        return (self.diagnostic,)

    def __str__(self) -> str:
        if self.where is not None:
            return str(self.diagnostic)
        return "\n".join(
            [
                f"error: {self.message}",
                *([f"hint: {self.hint}"] if self.hint else []),
                *map(str, self.diagnostic.notes),
            ]
        )


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint `did you mean 'x'?` for the nearest known name, or None."""
    near = get_close_matches(name, list(known), 1, 0.6)
    return f"did you mean '{near[0]}'?" if near else None
