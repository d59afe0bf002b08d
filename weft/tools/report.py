"""How diagnostics reach standard error: as text, or as JSON objects, one a line (`--diagnostics=json`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from weft import codes
from weft.diagnostics import Diagnostic, WeftError, did_you_mean

FLAG = "diagnostics"
FORMATS = ("text", "json")

_format: ContextVar[str] = ContextVar("format", default=FORMATS[0])
"""What the command that runs was asked for; as ambient as the stream itself."""


def read_format(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """What `--diagnostics=FORMAT` asks for, and the rest of a command line. Raises WeftError for an unknown format."""
    rest: list[str] = []
    chosen = FORMATS[0]
    given = iter(arguments)
    for argument in given:
        flag, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or flag != FLAG:
            rest.append(argument)
            continue
        chosen = value if equals else next(given, "")
        if chosen not in FORMATS:
            message = f"weft: '{argument}': expected {' or '.join(FORMATS)}"
            raise WeftError(message, hint=did_you_mean(chosen, FORMATS), code=codes.COMMAND_LINE)
    return chosen, rest


@contextmanager
def using(chosen: str) -> Generator[None]:
    """What is said inside has this format."""
    token = _format.set(chosen)
    try:
        yield
    finally:
        _format.reset(token)


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as what JSON can hold; what is unknown is null."""
    where = diagnostic.where
    return {
        "severity": diagnostic.severity,
        "code": None if diagnostic.code is None else diagnostic.code.name,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "file": where.file if where.line else None,
        "line": where.line or None,
        "column": where.column or None,
        "source": diagnostic.source,
        "notes": [as_json(note) for note in diagnostic.notes],
    }


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Say diagnostics on standard error."""
    for diagnostic in diagnostics:
        _say(diagnostic, str(diagnostic))


def show_error(error: WeftError) -> None:
    """Say an error on standard error; one that is nowhere in a source names no place."""
    if _format.get() == "json":
        show(error.diagnostics)
    else:
        _print(str(error))


def remark(text: str) -> None:
    """Say something that is no error on standard error: a line of text, or a remark."""
    _say(Diagnostic(text, severity="remark"), text)


def show_remarks(texts: Iterable[str]) -> None:
    """Say remarks on standard error."""
    for text in texts:
        _say(Diagnostic(text, severity="remark"), f"remark: {text}")


def _say(diagnostic: Diagnostic, text: str) -> None:
    _print(json.dumps(as_json(diagnostic)) if _format.get() == "json" else text)


def _print(text: str) -> None:
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison] - it is, where the shell closed it
        print(text, file=sys.stderr)
