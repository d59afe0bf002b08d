"""Which ops have a syntax here: as a declared format, or as a pair of functions that read and print it.

The tables hold names, so that a dialect is imported when a module first uses it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from xdsl.ir import Operation
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import FormatProgram
from xdsl.parser import Parser
from xdsl.printer import Printer

_DECLARED: dict[str, str] = {
    "memref.cast": "$source attr-dict `:` type($source) `to` type($dest)",
    "memref.memory_space_cast": "$source attr-dict `:` type($source) `to` type($dest)",
    "memref.copy": "$source `,` $destination attr-dict `:` type($source) `to` type($destination)",
    "memref.rank": "$source attr-dict `:` type($source)",
    "memref.extract_aligned_pointer_as_index": "$source attr-dict `:` type($source) `->` type($aligned_pointer)",
    "memref.alloca_scope.return": "attr-dict ($ops^ `:` type($ops))?",
    "memref.dma_start": (
        "$src `[` $src_indices `]` `,` $dest `[` $dest_indices `]` `,` $num_elements `,` $tag `[` $tag_indices `]` "
        "attr-dict `:` type($src) `,` type($dest) `,` type($tag)"
    ),
    "memref.dma_wait": "$tag `[` $tag_indices `]` `,` $num_elements attr-dict `:` type($tag)",
    "vector.print": "$source attr-dict `:` type($source)",
}
"""Formats in the language of `assembly_format`, by the name of the op."""

_WRITTEN: dict[str, str] = {
    "arith.cmpf": "arith",
    "arith.cmpi": "arith",
    "arith.select": "arith",
    "affine.if": "affine_if",
    "affine.load": "affine_access",
    "affine.parallel": "affine_parallel",
    "affine.store": "affine_access",
    "memref.alloca_scope": "memref",
    "memref.atomic_rmw": "memref",
    "memref.global": "memref",
    "scf.parallel": "scf",
}
"""The module that holds an op's syntax, in its `SYNTAX`."""


class Syntax(NamedTuple):
    """How an op is read behind its name, and how it is printed there."""

    parse: Callable[[Parser], Operation]
    print: Callable[[Any, Printer], None]


@cache
def written_for(kind: type[Operation]) -> Syntax | None:
    """The syntax of an op of xDSL's that is written by hand, or None."""
    module = _WRITTEN.get(kind.name)
    if module is None or not _is_of_xdsl(kind):
        return None
    syntax: Syntax = import_module(f"weft.dialects.upstream.syntax.{module}").SYNTAX[kind.name]
    return syntax


def declared_for(kind: type[Operation]) -> str | None:
    """The format that is declared here for an op of xDSL's, or None."""
    return _DECLARED.get(kind.name) if _is_of_xdsl(kind) else None


def _is_of_xdsl(kind: type[Operation]) -> bool:
    """Whether an op is xDSL's own: whoever defines another under its name brings the syntax too."""
    return kind.__module__.startswith("xdsl.")


@cache
def printer_of(kind: type[Operation]) -> Callable[[Any, Printer], None] | None:
    """What prints an op behind its name, where it has a syntax here."""
    syntax, text = written_for(kind), declared_for(kind)
    if syntax is not None:
        return syntax.print
    if text is None or not issubclass(kind, IRDLOperation):
        return None
    program = FormatProgram.from_str(text, kind.get_irdl_definition())
    return lambda op, printer: program.print(printer, op)
