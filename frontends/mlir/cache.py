"""The parse tables on disk: compiled once for a grammar, a lark version and a table format.

A file is written whole under a name of its own and then renamed, so a reader never sees half of one, whatever
crashes and however many processes start at once. A file that cannot be read, or whose digest is wrong, is
compiled again; a folder that cannot be written only costs the time to compile.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from weft.frontends.mlir.tables import READINGS, SPELLINGS, TOKENS, Tables

FORMAT = 1
"""Raised when :class:`Tables` changes its meaning."""


def cache_folder() -> Path:
    """Where tables are kept: `$WEFT_CACHE_DIR`, else `weft` in the user's cache folder."""
    if chosen := os.environ.get("WEFT_CACHE_DIR"):
        return Path(chosen) / "grammar"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "weft" / "grammar"


@cache
def load(grammar: str, starts: tuple[str, ...]) -> Tables:
    """The tables of a grammar, from the cache or compiled. Raises lark's `GrammarError` for a wrong one."""
    key = repr((FORMAT, version("lark"), TOKENS, SPELLINGS, READINGS, starts, grammar))
    path = cache_folder() / f"{sha256(key.encode()).hexdigest()[:32]}.json"
    tables = read(path)
    if tables is None:
        # here, because importing lark takes longer than reading the tables
        from weft.frontends.mlir.compile import build

        tables = build(grammar, starts)
        write(path, tables)
    return tables


def read(path: Path) -> Tables | None:
    """The tables in a file, or None where it is absent, damaged or not ours."""
    try:
        digest, _, body = path.read_text("utf-8").partition("\n")
        if sha256(body.encode()).hexdigest() != digest:
            return None
        return Tables.from_plain(json.loads(body))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None


def write(path: Path, tables: Tables) -> None:
    """Keep tables in a file; nothing happens where that is impossible."""
    body = json.dumps(tables.to_plain(), separators=(",", ":"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{sha256(body.encode()).hexdigest()}\n{body}")
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except (OSError, RuntimeError):
        return
