"""What launches count: kernels and places, each a list in an attribute of the module."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Operation

from weft.dialects.device import KERNELS, SITES
from weft.dialects.locations import where


class Launches:
    """The kernels that a module launches, each once, and the places where it does."""

    def __init__(self, module: ModuleOp) -> None:
        self._kernels = _numbered(module, KERNELS)
        self._sites = _numbered(module, SITES)

    def kernel(self, name: str) -> int:
        """The number of a kernel, by `module::name`."""
        return self._kernels.setdefault(name, len(self._kernels))

    def site(self, op: Operation) -> int:
        """The number of the place of an op."""
        return self._sites.setdefault(str(where(op)), len(self._sites))

    def write(self, module: ModuleOp) -> None:
        """Say in the module what was counted, where anything was."""
        for attribute, numbers in ((KERNELS, self._kernels), (SITES, self._sites)):
            if numbers:
                module.attributes[attribute] = ArrayAttr([StringAttr(text) for text in numbers])


def _numbered(module: ModuleOp, attribute: str) -> dict[str, int]:
    known = module.attributes.get(attribute)
    texts = cast("ArrayAttr[StringAttr]", known).data if known is not None else ()
    return {text.data: number for number, text in enumerate(texts)}
