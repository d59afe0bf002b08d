"""The file that a bug of weft's leaves: the command, the input and the traceback."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path


def write_reproducer(trace: str, arguments: Sequence[str]) -> str | None:
    """Write the reproducer into the temporary folder; its path, or None where that is not possible."""
    lines = [
        f"// weft {shlex.join(arguments)}",
        f"// Python {platform.python_version()} on {platform.platform()}",
        "//",
    ]
    lines += [f"// {line}" for line in trace.splitlines()]
    lines += [text for argument in arguments if (text := _input_text(argument)) is not None]
    try:
        handle, path = tempfile.mkstemp(prefix="weft-bug-", suffix=".mlir")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path


def _input_text(argument: str) -> str | None:
    if not argument.endswith(".mlir"):
        return None
    try:
        return Path(argument).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
