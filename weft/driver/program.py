"""Programs: text, paths and modules, and the function of a module that a caller means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.locations import error_at
from weft.dialects.ml.constant import DATA, ConstantOp, dense
from weft.driver.reading import read_module
from weft.driver.source import Source, read_source, showing
from weft.driver.verify import verify
from weft.registry import context
from weft.room import with_room

KERNELS = {"ml.kernel", "loop.kernel"}
"""The attributes that mark kernels, on tensors and on buffers."""

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
        module = read_module(source.text, ctx or context(), source.name)
    _find_data(module, source.folder)
    return module


def _find_data(module: ModuleOp, folder: Path) -> None:
    """The files that hold constants are named relative to the program: make their names absolute."""
    if str(folder) in ("", "."):
        return
    for op in module.walk():
        data = op.attributes.get(DATA)
        if isinstance(data, StringAttr):
            op.attributes[DATA] = StringAttr(str(folder.resolve() / data.data))


def embed_data(module: ModuleOp) -> None:
    """Take the data of constants that lies in files into the module: for code that is to stand alone.

    Raises :class:`WeftError` where a file does not hold it.
    """
    for op in module.walk():
        if isinstance(op, ConstantOp) and op.data is not None:
            op.value = dense(op.array())
            del op.attributes[DATA]


def find_entry(module: ModuleOp, entry: str | None) -> func.FuncOp:
    """The function to call: `entry`, else `@main`, else the only public function with a body."""
    functions = _defined(module)
    if entry is not None:
        return _named(functions, entry)
    if "main" in functions:
        return functions["main"]
    public = _public(functions)
    if len(public) == 1:
        return public[0]
    what = "no public function" if not public else f"{len(public)} public functions and none is called '@main'"
    raise error_at(
        module, f"the program has {what}", "name the function to call (entry=, --entry)", code=codes.NO_ENTRY
    )


def need_host(function: func.FuncOp) -> None:
    """Raises :class:`WeftError` for a kernel: kernels are called by functions of the host, not from outside."""
    if KERNELS & function.attributes.keys():
        hint = "write a function that calls it, and mark the kernel private"
        name = function.sym_name.data
        raise error_at(function, f"'@{name}' is a kernel and cannot be called from outside", hint, code=codes.NO_ENTRY)


def find_entries(module: ModuleOp, entries: Sequence[str]) -> list[func.FuncOp]:
    """The functions of these names, by default all public ones with a body. Raises :class:`WeftError` for none."""
    functions = _defined(module)
    found = [_named(functions, name) for name in dict.fromkeys(entries)] if entries else _public(functions)
    if not found:
        hint = "name the functions to export (entry=, --entry)"
        raise error_at(module, "the program has no public function", hint, code=codes.NO_ENTRY)
    return found


def _defined(module: ModuleOp) -> dict[str, func.FuncOp]:
    ops = (op for op in module.body.block.ops if isinstance(op, func.FuncOp) and not op.is_declaration)
    return {op.sym_name.data: op for op in ops}


def _public(functions: dict[str, func.FuncOp]) -> list[func.FuncOp]:
    return [op for op in functions.values() if op.sym_visibility is None or op.sym_visibility.data == "public"]


def _named(functions: dict[str, func.FuncOp], name: str) -> func.FuncOp:
    if name not in functions:
        hint = did_you_mean(name, functions) or _listing(functions)
        raise WeftError(f"there is no function '@{name}' in the program", hint=hint, code=codes.NO_ENTRY)
    return functions[name]


def _listing(functions: dict[str, func.FuncOp]) -> str | None:
    return "it has " + ", ".join(f"'@{name}'" for name in functions) if functions else None


def keep_only(module: ModuleOp, *entries: func.FuncOp) -> None:
    """Make every function but the entries private, so that passes may change or drop what they do not call."""
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp):
            op.sym_visibility = None if op in entries else StringAttr("private")


def drop_unused(module: ModuleOp) -> None:
    """Drop every private symbol that no public one needs."""
    symbols = {name: op for op in module.body.block.ops if (name := _symbol(op)) is not None}
    public = [op for op in symbols.values() if op.get_attr_or_prop("sym_visibility") != StringAttr("private")]
    needed = set(public)
    while public:
        for op in public.pop().walk():
            for name in _references((*op.attributes.values(), *op.properties.values())):
                found = symbols.get(name)
                if found is not None and found not in needed:
                    needed.add(found)
                    public.append(found)
    for op in [op for op in symbols.values() if op not in needed]:
        op.detach()
        op.erase()


def _symbol(op: Operation) -> str | None:
    name = op.get_attr_or_prop("sym_name")
    return name.data if isinstance(name, StringAttr) else None


def _references(attributes: Iterable[Attribute]) -> Iterator[str]:
    """The symbols that attributes name, inside arrays and dictionaries too."""
    for attribute in attributes:
        if isinstance(attribute, SymbolRefAttr):
            yield attribute.root_reference.data
        elif isinstance(attribute, ArrayAttr):
            yield from _references(cast("ArrayAttr[Attribute]", attribute))
        elif isinstance(attribute, DictionaryAttr):
            yield from _references(attribute.data.values())
