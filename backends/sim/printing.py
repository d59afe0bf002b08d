"""`printf` of kernels: what CUDA's driver does for `vprintf`, on standard output."""

from __future__ import annotations

import ctypes
import re
import struct
import sys
from functools import lru_cache
from typing import Any

_VPRINTF = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p)
_PIECE = re.compile(r"%(?P<flags>[-+ #0]*)(?P<width>\d*)(?P<precision>\.\d+)?(?P<length>hh|h|ll|l|z|j|t)?(?P<kind>.)")


def formatted(text: str, values: int) -> str:
    """A format with the values that lie at an address, 8 bytes each: integers as i64, floats as f64."""
    place = values

    def one(match: re.Match[str]) -> str:
        nonlocal place
        kind = match["kind"]
        if kind == "%":
            return "%"
        raw = ctypes.string_at(place, 8)
        place += 8
        value: Any = struct.unpack("<d" if kind in "eEfFgGaA" else "<Q" if kind in "uxXopc" else "<q", raw)[0]
        if kind == "s":
            value = ctypes.string_at(value).decode(errors="replace")
        if kind in "aA":
            return float(value).hex()
        spelled = {"i": "d", "u": "d", "p": "x"}.get(kind, kind)
        prefix = "0x" if kind == "p" else ""
        return prefix + f"%{match['flags']}{match['width']}{match['precision'] or ''}{spelled}" % value

    return _PIECE.sub(one, text)


def _print(text: bytes, values: int | None) -> int:
    said = formatted(text.decode(errors="replace"), values or 0)
    sys.stdout.write(said)
    return len(said)


@lru_cache(None)
def _function() -> Any:
    return _VPRINTF(_print)


def vprintf_address() -> int:
    """Where the function lies that code calls as `vprintf`."""
    return ctypes.cast(_function(), ctypes.c_void_p).value or 0
