"""Aliases of attributes and types. One may follow its use: its definition is then looked up ahead."""

from __future__ import annotations

from xdsl.ir import Attribute

from weft import codes
from weft.diagnostics import did_you_mean
from weft.frontends.mlir.scanner import NUMBER, Scanner
from weft.frontends.mlir.shim import Shim

_OPEN = -1
"""In place of an offset: the alias is being read."""


class Aliases(Shim):
    """The aliases of the text that is read."""

    pending_aliases: dict[str, int] | None
    """Where aliases are defined in the text, once one was used before its definition."""
    ahead: set[str]
    """The aliases whose definition was read ahead, and comes again."""

    def resolve_alias(self, name: str, start: int) -> Attribute:
        """The value of an alias, defined before or after. Raises a located error for an unknown or cyclic one."""
        known = self.attribute_aliases.get(name)
        if known is not None:
            return known
        if self.pending_aliases is None:
            self.pending_aliases = _definitions(self.machine.scanner, self.text)
        offset = self.pending_aliases.get(name)
        if offset is None:
            names = {*self.attribute_aliases, *self.pending_aliases}
            self.fail(
                f"the alias '{name}' is not defined", start, did_you_mean(name, names), code=codes.UNDEFINED_ALIAS
            )
        if offset == _OPEN:
            self.fail(f"the alias '{name}' refers to itself", start, code=codes.CYCLIC_ALIAS)
        self.pending_aliases[name] = _OPEN
        here = self.start
        self.stop = offset
        self.advance()
        value = self.run("attr" if name[0] == "#" else "type")
        self.stop = here
        self.advance()
        self.pending_aliases[name] = offset
        self.attribute_aliases[name] = value
        self.ahead.add(name)
        return value

    def define_alias(self, name: str, value: Attribute) -> None:
        """Note a definition. Raises a located error for a second one, not for one looked up ahead."""
        if name in self.attribute_aliases and name not in self.ahead:
            self.fail(f"the alias '{name}' is already defined", self.here(), code=codes.REDEFINED_ALIAS)
        self.ahead.discard(name)
        self.attribute_aliases[name] = value


def _definitions(scanner: Scanner, text: str) -> dict[str, int]:
    """The offset behind the `=` of each `#x =` and `!x =` in the text. Nothing else is written so."""
    found: dict[str, int] = {}
    names = (NUMBER["HASH"], NUMBER["EXCL"])
    candidate, position = "", 0
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
