"""Strings of the text, and what they mean."""

from __future__ import annotations

from weft import codes
from weft.diagnostics import Location, WeftError


def decoded(data: bytes, name: str, first_line: int = 1) -> str:
    """UTF-8 text. Raises WeftError at the first byte that is not; `first_line` is the line on which the data begins."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        begin = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[begin : error.start].decode()) + 1
        where = Location(name, data.count(b"\n", 0, begin) + first_line, column)
        source = data[begin:].partition(b"\n")[0].decode(errors="replace").rstrip("\r")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8, which text must be"
        raise WeftError(message, where, source=source, code=codes.NOT_UTF8) from None


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
