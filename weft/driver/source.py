"""The text of programs: strings, files, and their encoding."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from weft import codes
from weft.diagnostics import Location, WeftError


@dataclass(frozen=True)
class Source:
    """Text, the name that errors give it, and the folder that file names in it are relative to."""

    text: str
    name: str
    folder: Path


def read_source(program: str | os.PathLike[str]) -> Source:
    """The text of a program. Raises :class:`WeftError` when the file cannot be read."""
    if isinstance(program, str) and "\n" in program:
        return Source(program, "<string>", Path())
    path = Path(program)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeftError(f"cannot open input file '{path}': {error.strerror}", code=codes.CANNOT_READ) from None
    return Source(decode(data, str(path)), str(path), path.parent)


def decode(data: bytes, name: str) -> str:
    """UTF-8 text. Raises :class:`WeftError` at the first byte that is not."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        where = Location(name, line, column)
        raise WeftError(
            f"byte 0x{data[error.start]:02x} is not UTF-8; MLIR text must be", where, code=codes.NOT_UTF8
        ) from None


def read_source_or_stdin(file: str | None) -> Source:
    """The text of a file, or of standard input for `-` and None."""
    if file is None or file == "-":
        return Source(decode(sys.stdin.buffer.read(), "<stdin>"), "<stdin>", Path())
    return read_source(Path(file))


@contextmanager
def showing(source: Source, first_line: int = 1) -> Generator[None]:
    """Errors that come from inside, and are somewhere in this text, show the line."""
    try:
        yield
    except WeftError as error:
        error.show_source(source.text, source.name, first_line)
        raise
