"""The text of programs: strings, files, and their encoding."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from weft import codes
from weft.diagnostics import WeftError
from weft.frontends.mlir.text import decoded


@dataclass(frozen=True)
class Source:
    """Text, the name that errors give it, and the folder that file names in it are relative to."""

    text: str
    name: str
    folder: Path


def read_source(program: str | os.PathLike[str]) -> Source:
    """The text of a program. Raises :class:`WeftError` when the file cannot be read.

    A string is text where it has more than one line, or a `{` and is not the name of a file.
    """
    if isinstance(program, str) and ("\n" in program or ("{" in program and not os.path.exists(program))):
        return Source(program, "<string>", Path())
    path = Path(program)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeftError(f"cannot open input file '{program}': {error.strerror}", code=codes.CANNOT_READ) from None
    return Source(decoded(data, str(path)), str(path), path.parent)


def read_source_or_stdin(file: str | None) -> Source:
    """The text of a file, or of standard input for `-` and None."""
    if file is None or file == "-":
        return Source(decoded(read_stdin(), "<stdin>"), "<stdin>", Path())
    if not file:
        raise WeftError("cannot open input file '': it has no name", code=codes.CANNOT_READ)
    return read_source(Path(file))


def read_stdin() -> bytes:
    """What stands on standard input. Raises :class:`WeftError` where that is closed."""
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - it is, where the shell closed it
        raise WeftError("cannot read standard input: it is closed", code=codes.CANNOT_READ)
    return sys.stdin.buffer.read()


@contextmanager
def showing(source: Source, first_line: int = 1) -> Generator[None]:
    """Errors that come from inside, and are somewhere in this text, show the line."""
    try:
        yield
    except WeftError as error:
        error.show_source(source.text, source.name, first_line)
        raise
