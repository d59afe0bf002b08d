"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from weft import codes
from weft.diagnostics import WeftError


def write_whole(name: str | os.PathLike[str], data: bytes) -> None:
    """Write a file: beside its place first, then moved there, so that a failure leaves what was there before.

    What is no regular file (a device, a pipe) is written in place. Raises :class:`WeftError` where that is impossible.
    """
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise WeftError(f"cannot write output file '{path}': {error.strerror}", code=codes.CANNOT_WRITE) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
