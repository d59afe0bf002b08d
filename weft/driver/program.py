"""Programs: text, paths and modules, and the function of a module that a caller means."""

from __future__ import annotations

import os

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.locations import error_at
from weft.driver.reading import read_module
from weft.driver.source import Source, read_source, showing
from weft.driver.verify import verify
from weft.registry import context
from weft.room import with_room

Program = str | os.PathLike[str] | ModuleOp
"""What can be compiled: MLIR text (a `str` with a newline), a path (any other `str`), or a module."""


def parse(program: Program | Source, ctx: Context | None = None) -> ModuleOp:
    """Read and verify a program. Every op knows the file, line and column that it came from.

    Raises :class:`WeftError` for text that cannot be read or a module that does not verify.
    """
    if isinstance(program, ModuleOp):
        with_room(lambda: verify(program))
        return program
    source = program if isinstance(program, Source) else read_source(program)
    with showing(source):
        return read_module(source.text, ctx or context(), source.name)


def find_entry(module: ModuleOp, entry: str | None) -> func.FuncOp:
    """The function to call: `entry`, else `@main`, else the only public function with a body."""
    functions = {
        op.sym_name.data: op for op in module.body.block.ops if isinstance(op, func.FuncOp) and not op.is_declaration
    }
    if entry is not None:
        if entry not in functions:
            hint = did_you_mean(entry, functions) or _listing(functions)
            raise WeftError(f"there is no function '@{entry}' in the program", hint=hint, code=codes.NO_ENTRY)
        return functions[entry]
    if "main" in functions:
        return functions["main"]
    public = [op for op in functions.values() if op.sym_visibility is None or op.sym_visibility.data == "public"]
    if len(public) == 1:
        return public[0]
    what = "no public function" if not public else f"{len(public)} public functions and none is called '@main'"
    raise error_at(
        module, f"the program has {what}", "name the function to call (entry=, --entry)", code=codes.NO_ENTRY
    )


def _listing(functions: dict[str, func.FuncOp]) -> str | None:
    return "it has " + ", ".join(f"'@{name}'" for name in functions) if functions else None


def keep_only(module: ModuleOp, entry: func.FuncOp) -> None:
    """Make every function but the entry private, so that passes may change or drop what it does not call."""
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp):
            op.sym_visibility = None if op is entry else StringAttr("private")
