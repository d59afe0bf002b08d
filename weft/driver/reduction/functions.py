"""Functions, globals and other symbols go, or at least their bodies."""

from __future__ import annotations

from collections import Counter
from functools import partial

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation

from weft.driver.reduction.signature import functions, name_of, named_symbols
from weft.driver.reduction.tree import attached, erase, erase_block, is_symbol


def drop_symbols(module: ModuleOp) -> list[partial[None]]:
    """`func.func @f ...` -> nothing, where nothing but itself refers to it."""
    symbols = [op for op in module.walk() if op is not module and is_symbol(op)]
    references = Counter(named_symbols(module))
    return [partial(_drop_symbol, module, op, references) for op in reversed(symbols)]


def _drop_symbol(module: ModuleOp, op: Operation, references: Counter[str]) -> None:
    if not attached(op, module):
        return
    own, name = Counter(named_symbols(op)), name_of(op) or ""
    if references[name] == own[name]:
        references.subtract(own)
        erase(op)


def drop_bodies(module: ModuleOp) -> list[partial[None]]:
    """`func.func @f ... {...}` -> `func.func private @f ...`."""
    return [partial(_drop_body, module, op) for op in reversed(functions(module))]


def _drop_body(module: ModuleOp, op: Operation) -> None:
    if not attached(op, module):
        return
    region = op.regions[0]
    for block in list(region.blocks):
        erase_block(block)
    if op.name == "func.func":
        op.properties["sym_visibility"] = StringAttr("private")
