"""Names and strings as LLVM IR spells them."""

from __future__ import annotations

import re

_PLAIN_SYMBOL = re.compile(r"[-a-zA-Z$._][-a-zA-Z$._0-9]*")


def escaped(data: bytes) -> str:
    """Bytes as LLVM writes them between quotes."""
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:02X}" for b in data)


def quoted(text: str) -> str:
    """A string in LLVM's quotes."""
    return f'"{escaped(text.encode())}"'


def symbol_text(name: str) -> str:
    """A global name with its `@`, in quotes where it needs them."""
    return f"@{name}" if _PLAIN_SYMBOL.fullmatch(name) else f"@{quoted(name)}"
