"""The texts of run-time checks: a check that fails gives the number of its text."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Operation

from weft.dialects.locations import where

ATTRIBUTE = "weft.messages"
"""The module attribute that holds the texts: status k > 0 is text k - 1."""


class Messages:
    """The texts of a module, each once."""

    def __init__(self, module: ModuleOp) -> None:
        known = module.attributes.get(ATTRIBUTE)
        texts = cast("ArrayAttr[StringAttr]", known).data if known is not None else ()
        self._numbers = {text.data: number for number, text in enumerate(texts)}

    def status(self, op: Operation, text: str) -> int:
        """The status for a check of `op` that fails with `text`."""
        full = f"{where(op)}: {text}"
        return self._numbers.setdefault(full, len(self._numbers)) + 1

    def attribute(self) -> ArrayAttr[StringAttr]:
        """All texts, in the order of their numbers."""
        return ArrayAttr([StringAttr(text) for text in self._numbers])
