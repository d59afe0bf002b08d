"""The reader's class under the name that actions use: they are loaded before it, so only type checkers see more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.frontends.mlir.reader import Reader as Reading
else:
    Reading = object

__all__ = ["Reading"]
