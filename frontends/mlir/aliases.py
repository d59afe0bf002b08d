"""Aliases of attributes and types. One may follow its use: its definition is then looked up ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.ir import Attribute

from weft.diagnostics import did_you_mean
from weft.frontends.mlir.scanner import NUMBER, Scanner

if TYPE_CHECKING:
    from weft.frontends.mlir.islands import Islands

_OPEN = -1
"""In place of an offset: the alias is being read."""


def resolve(reader: Islands, name: str, start: int) -> Attribute:
    """The value of an alias, defined before or after. Raises a located error for an unknown or cyclic one."""
    known = reader.attribute_aliases.get(name)
    if known is not None:
        return known
    if reader.pending_aliases is None:
        reader.pending_aliases = _definitions(reader.machine.scanner, reader.text, reader.start)
    offset = reader.pending_aliases.get(name)
    if offset is None:
        names = {*reader.attribute_aliases, *reader.pending_aliases}
        reader.fail(f"the alias '{name}' is not defined", start, did_you_mean(name, names))
    if offset == _OPEN:
        reader.fail(f"the alias '{name}' refers to itself", start)
    reader.pending_aliases[name] = _OPEN
    here = reader.start
    reader.stop = offset
    reader.advance()
    value = reader.run("attr" if name[0] == "#" else "type")
    reader.stop = here
    reader.advance()
    reader.pending_aliases[name] = offset
    reader.attribute_aliases[name] = value
    return value


def define(reader: Islands, name: str, value: Attribute) -> None:
    """Note a definition. Raises a located error for a second one, not for one looked up ahead."""
    pending = reader.pending_aliases
    ahead = pending is not None and pending.pop(name, None) is not None
    if name in reader.attribute_aliases and not ahead:
        reader.fail(f"the alias '{name}' is already defined", reader.here())
    reader.attribute_aliases[name] = value


def _definitions(scanner: Scanner, text: str, position: int) -> dict[str, int]:
    """The offset behind the `=` of each `#x =` and `!x =` in the text ahead. Nothing else is written so."""
    found: dict[str, int] = {}
    names = (NUMBER["HASH"], NUMBER["EXCL"])
    candidate = ""
    while True:
        match = scanner.match(text, position)
        assert match is not None, "the scanner's regex matches everything"
        group = match.lastindex
        if group is None:
            return found
        position = match.end()
        if candidate and match.group(group) == "=":
            found.setdefault(candidate, position)
        candidate = match.group(group) if scanner.kinds[group] in names else ""
