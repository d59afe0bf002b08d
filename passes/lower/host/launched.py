"""What launches count: kernels and places, each a list in an attribute of the module."""

from __future__ import annotations

from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Operation

from weft.dialects import gpu
from weft.dialects.device import KERNELS, SITES, STATUS
from weft.dialects.locations import where


class Launches:
    """The kernels that a module launches, each once, and the places where it does."""

    def __init__(self, module: ModuleOp) -> None:
        self._kernels = _numbered(module, KERNELS)
        self._sites = _numbered(module, SITES)
        self._failing = _failing(module)

    def kernel(self, name: str) -> int:
        """The number of a kernel, by `module::name`."""
        return self._kernels.setdefault(name, len(self._kernels))

    def may_fail(self, name: str) -> bool:
        """Whether a kernel takes a word for its status."""
        return name in self._failing

    def site(self, op: Operation) -> int:
        """The number of the place of an op."""
        return self._sites.setdefault(str(where(op)), len(self._sites))

    def write(self, module: ModuleOp) -> None:
        """Say in the module what was counted, where anything was."""
        for attribute, numbers in ((KERNELS, self._kernels), (SITES, self._sites)):
            if numbers:
                module.attributes[attribute] = ArrayAttr([StringAttr(text) for text in numbers])


def _failing(module: ModuleOp) -> frozenset[str]:
    """The kernels that may fail, by `module::name`."""
    return frozenset(
        f"{holder.sym_name.data}::{function.sym_name.data}"
        for holder in module.body.block.ops
        if isinstance(holder, gpu.ModuleOp)
        for function in holder.body.block.ops
        if isinstance(function, llvm.FuncOp) and STATUS in function.attributes
    )


def _numbered(module: ModuleOp, attribute: str) -> dict[str, int]:
    known = module.attributes.get(attribute)
    texts = cast("ArrayAttr[StringAttr]", known).data if known is not None else ()
    return {text.data: number for number, text in enumerate(texts)}
