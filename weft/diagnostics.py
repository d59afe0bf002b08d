"""What weft says to people: an error is where it is, what is, and what should be.

Every user error in weft is a :class:`WeftError`; its text is the same in Python and on the command line.
A bug of weft's own is any other exception: the tools report it as such and exit with 70.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher, get_close_matches

from weft.codes import Code


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

    `source` is the source line at `where`; it is printed with a caret below. Every error has a `code`; it is printed
    behind the message, and is no part of it.
    """

    message: str
    where: Location = UNKNOWN
    severity: str = "error"
    hint: str | None = None
    source: str | None = None
    notes: tuple[Diagnostic, ...] = field(default=())
    code: Code | None = None

    def __str__(self) -> str:
        return self.shown(f"{self.where}: ")

    def shown(self, place: str) -> str:
        """The text that is printed, begun with the place that is given."""
        code = f" [{self.code}]" if self.code is not None else ""
        lines = [f"{place}{self.severity}: {self.message}{code}"]
        if self.source is not None and self.where.column:
            lines += _pointed(self.source, self.where.column)
        if self.hint:
            lines.append(f"hint: {self.hint}")
        nowhere = not place
        lines += [note.shown("" if nowhere and note.where == UNKNOWN else f"{note.where}: ") for note in self.notes]
        return "\n".join(lines)


_WIDEST = 160
"""Of a source line that is longer, the part around the place is shown."""


def _pointed(source: str, column: int) -> list[str]:
    """A source line, and a caret below the column."""
    if len(source) > _WIDEST:
        begin = max(0, column - 1 - _WIDEST // 2)
        before, after = "..." if begin else "", "..." if begin + _WIDEST < len(source) else ""
        source = before + source[begin : begin + _WIDEST] + after
        column += len(before) - begin
    return [source, "".join("\t" if c == "\t" else " " for c in source[: column - 1]) + "^"]


class WeftError(Exception):
    """A user error: bad text, a program that does not verify, a bad argument, a failed run-time check.

    `where` is None where no place in a source is to blame. `diagnostics` is everything that is to be said: a file may
    have several errors (:meth:`several`); `message`, `where`, `hint` and `code` are those of the first.
    """

    def __init__(
        self,
        message: str,
        where: Location | None = None,
        hint: str | None = None,
        source: str | None = None,
        notes: tuple[Diagnostic, ...] = (),
        *,
        code: Code,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.code = code
        self.diagnostics = (Diagnostic(message, where or UNKNOWN, "error", hint, source, notes, code),)

    @staticmethod
    def several(errors: Sequence[WeftError]) -> WeftError:
        """One error that says what all of them say. There is at least one."""
        first, *rest = errors
        if rest:
            first.diagnostics = tuple(diagnostic for error in errors for diagnostic in error.diagnostics)
        return first

    @property
    def diagnostic(self) -> Diagnostic:
        """The first of the diagnostics."""
        return self.diagnostics[0]

    def show_source(self, text: str, file: str, first_line: int = 1) -> None:
        """Add the source line to what is said, where an error is in this text and has none yet."""
        lines = text.split("\n")

        def with_source(diagnostic: Diagnostic) -> Diagnostic:
            line = diagnostic.where.line - first_line
            if diagnostic.source is None and diagnostic.where.file == file and 0 <= line < len(lines):
                return replace(diagnostic, source=lines[line].rstrip("\r"))
            return diagnostic

        self.diagnostics = tuple(map(with_source, self.diagnostics))

    def __str__(self) -> str:
        first, *rest = self.diagnostics
        return "\n".join([str(first) if self.where is not None else first.shown(""), *map(str, rest)])


def told(error: BaseException) -> str:
    """An exception of somebody else's code in one line: its type, what it says, and where it was raised."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    line = f" ({place.tb_frame.f_code.co_filename}:{place.tb_lineno})" if place is not None else ""
    return f"{type(error).__name__}: {error}{line}"


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint `did you mean 'x'?` for the nearest known name, or None."""
    near = get_close_matches(name, list(known), 5, 0.6)
    # of names that are as near, the one that begins the same
    best = max(near, key=lambda other: (SequenceMatcher(None, other, name).ratio(), _same(other, name)), default=None)
    return None if best is None else f"did you mean '{best}'?"


def _same(one: str, other: str) -> int:
    """With how many equal characters two names begin."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
