"""The reader of MLIR text, on lark.

`core.lark` says what all dialects share; lark makes LALR tables of it (compile.py), which are kept on disk
(cache.py) and run by a tight loop (driver.py) over one regex (scanner.py). What a rule builds stands in
`actions/`. At the name of an op, a type or an attribute of a dialect the loop hands over to an island
(islands.py): the declared `assembly_format`, a `parse` hook (through shim.py) or a fragment of grammar that
the dialect brings (`weft.dialects.grammar`). Inside it, types, attributes, regions and operations go back to
the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.frontends.mlir.reader import Unread, parse_module

__all__ = ["Unread", "parse_module"]


def __getattr__(name: str) -> Any:
    """The reader comes with xDSL, which a program from the cache does without: it is loaded when it is asked for."""
    if name in __all__:
        from weft.frontends.mlir import reader

        return getattr(reader, name)
    raise AttributeError(f"module 'weft.frontends.mlir' has no attribute '{name}'")
