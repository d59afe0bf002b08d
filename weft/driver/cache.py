"""The cache of compiled code on disk: safe to share between processes, safe to delete, never in the way.

An entry is one file, `<key>.weft`: a magic word, the SHA-256 of the rest, the length of a JSON header, the header, the
object code. It is written beside its place and moved there in one step, so that a reader sees a whole entry or none;
an entry that does not match its digest is as good as none. A folder that cannot be written, or is full, turns the cache
off. What a writer leaves that dies is removed later by another.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from weft import plugins
from weft.version import VERSION

MAGIC = b"weft1\n"

PART = ".part"
"""The ending of an entry that is being written."""

OLD = 3600.0
"""After so many seconds nobody writes a part any more: its writer died."""

_DIGEST = hashlib.sha256().digest_size


def folder() -> Path:
    """`WEFT_CACHE_DIR`, else `weft` in the user's cache folder."""
    if chosen := os.environ.get("WEFT_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "weft"


def key(parts: Iterable[str]) -> str:
    """The name of an entry: everything that its code depends on, weft itself included."""
    digest = hashlib.sha256()
    for part in (*parts, _fingerprint(), *plugins.fingerprints()):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


@cache
def _fingerprint() -> str:
    """What changes when weft or a library that makes its code changes: versions, and the times of weft's sources."""
    from importlib.metadata import version

    import weft.backends
    import weft.dialects
    import weft.frontends
    import weft.passes

    roots = [weft, weft.backends, weft.dialects, weft.frontends, weft.passes]
    folders = sorted({str(Path(path)) for root in roots for path in root.__path__})
    files = [entry for folder in folders for entry in _sources(folder)]
    return " ".join([VERSION, *(version(name) for name in ("xdsl", "llvmlite")), *files])


def _sources(folder: str) -> list[str]:
    found: list[str] = []
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith((".py", ".ll", ".lark")):
                status = os.stat(os.path.join(place, name))
                found.append(f"{name}:{status.st_mtime_ns}:{status.st_size}")
    return found


def read(name: str) -> tuple[dict[str, Any], bytes] | None:
    """The header and the object code of an entry; None where there is none that is whole."""
    try:
        data = (folder() / f"{name}.weft").read_bytes()
    except OSError:
        return None
    body = data[len(MAGIC) + _DIGEST :]
    if not data.startswith(MAGIC) or hashlib.sha256(body).digest() != data[len(MAGIC) : len(MAGIC) + _DIGEST]:
        return None
    length = int.from_bytes(body[:8], "little")
    return json.loads(body[8 : 8 + length]), body[8 + length :]


def write(name: str, header: dict[str, Any], code: bytes) -> None:
    """Keep an entry, if the folder allows."""
    text = json.dumps(header).encode()
    body = len(text).to_bytes(8, "little") + text + code
    place = folder()
    temporary: str | None = None
    try:
        place.mkdir(parents=True, exist_ok=True)
        _sweep(place)
        handle, temporary = tempfile.mkstemp(prefix=f"{name[:8]}-", suffix=PART, dir=place)
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + hashlib.sha256(body).digest() + body)
        os.replace(temporary, place / f"{name}.weft")
    except OSError:
        if temporary is not None:
            _remove(temporary)


@cache
def _sweep(place: Path) -> None:
    """Remove what writers have left that died: once a process."""
    for path in place.glob(f"*{PART}"):
        try:
            if time.time() - path.stat().st_mtime > OLD:
                path.unlink()
        except OSError:
            continue


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
