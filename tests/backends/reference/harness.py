"""Text to module to results, for the tests of the reference."""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from weft.backends import reference
from weft.registry import context


def module_of(text: str) -> ModuleOp:
    """A verified module, read by xDSL's parser."""
    module = Parser(context(), text, "test.mlir").parse_module()
    module.verify()
    return module


def results_of(text: str, *args: Any, entry: str = "main") -> tuple[Any, ...]:
    """The results of a function of a module in text."""
    return reference.run(module_of(text), entry, args)
