"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from weft import codes
from weft.diagnostics import WeftError


def write_whole(name: str | os.PathLike[str], data: bytes) -> None:
    """Write a file: beside its place first, then moved there, so that a failure leaves what was there before.

    What is no regular file (a device, a pipe) is written in place. Raises :class:`WeftError` where that is impossible.
    """
    write_all({Path(name): data})


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write several files as :func:`write_whole` does one: none is moved to its place before all are written.

    Raises :class:`WeftError` where that is impossible.
    """
    moves: list[tuple[str, Path]] = []
    try:
        for path, data in files.items():
            with _telling(path):
                if path.exists() and not path.is_file():
                    path.write_bytes(data)
                else:
                    _write_beside(path, data, moves)
        while moves:
            temporary, path = moves[0]
            with _telling(path):
                os.replace(temporary, path)
            del moves[0]
    finally:
        for temporary, _ in moves:
            os.unlink(temporary)


@contextmanager
def _telling(path: Path) -> Generator[None]:
    """A failure as an error that names the file."""
    try:
        yield
    except OSError as error:
        raise WeftError(f"cannot write output file '{path}': {error.strerror}", code=codes.CANNOT_WRITE) from None


def _write_beside(path: Path, data: bytes, moves: list[tuple[str, Path]]) -> None:
    """Write a file under another name, with the mode that it shall have, and note that it has to be moved."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    moves.append((temporary, path))
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.chmod(temporary, mode)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
