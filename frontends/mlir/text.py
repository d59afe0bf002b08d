"""Strings of the text, and what they mean."""

from __future__ import annotations

_ESCAPES = {"n": b"\n", "t": b"\t", "\\": b"\\", '"': b'"'}


def unescape(token: str) -> str | bytes:
    """The contents of a string token: text, or bytes where escapes make something else than ASCII.

    The token is one that the scanner accepted, so its escapes are whole.
    """
    if "\\" not in token:
        return token[1:-1]
    contents = bytearray()
    position, last = 1, len(token) - 1
    while (found := token.find("\\", position, last)) >= 0:
        contents += token[position:found].encode("utf-8", "surrogatepass")
        known = _ESCAPES.get(token[found + 1])
        contents += known if known is not None else bytes.fromhex(token[found + 1 : found + 3])
        position = found + (2 if known is not None else 3)
    contents += token[position:last].encode("utf-8", "surrogatepass")
    return contents.decode() if contents.isascii() else bytes(contents)
