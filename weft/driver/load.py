"""Loading what was compiled ahead of time: a function of a shared library as the callable that it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from weft import codes
from weft.backends import cpu
from weft.backends.cpu.ahead.interface import functions_of
from weft.backends.cpu.ahead.plain import entry_declaration
from weft.backends.cpu.ahead.record import Record
from weft.backends.cpu.ahead.shared import SharedLibrary, open_library
from weft.backends.cpu.compiled import CompiledFunction
from weft.backends.signature import ENTRY, Signature
from weft.diagnostics import WeftError, did_you_mean
from weft.driver.compile import Compiled, check_threads, compiled_of


def load_program(
    file: str | os.PathLike[str],
    entry: str | None = None,
    threads: int | None = None,
    weights: str | os.PathLike[str] | None = None,
) -> Compiled:
    """A function of a library. Raises :class:`WeftError` for a wrong file, entry or number of threads."""
    if threads is not None:
        check_threads(threads)
    library = open_library(Path(file))
    record, signature = _find(library, entry)
    if record.weights is not None:
        library.load_weights(record, library.path.parent / record.weights.file if weights is None else Path(weights))
    elif weights is not None:
        raise WeftError(f"'{file}' holds its weights: it takes no file", code=codes.CANNOT_LOAD)
    if threads is not None:
        library.set_threads(record, threads)
    (in_c,) = functions_of([signature], record.prefix)
    code = _Entry(library, in_c.descriptors)
    function = CompiledFunction(code, signature, record.messages)
    own_name = ENTRY + signature.name
    call = cpu.with_short_cut(function, code.address(own_name), entry_declaration(in_c, own_name))
    return compiled_of(call, signature, from_cache=True)


@dataclass(frozen=True)
class _Entry:
    """The entry of a function in a library, whatever its name there is."""

    library: SharedLibrary
    symbol: str

    def address(self, name: str) -> int:
        """Where the entry starts."""
        return self.library.address(self.symbol)


def _find(library: SharedLibrary, entry: str | None) -> tuple[Record, Signature]:
    """The function of that name, else `@main`, else the only one, with its record."""
    known = {signature.name: (record, signature) for record in library.records for signature in record.functions}
    name = entry if entry is not None else _default(known)
    if name is None:
        message = f"'{library.path}' has {len(known)} functions and none is called '@main'"
        raise WeftError(message, hint=f"name one (entry=): {_listing(known)}", code=codes.NO_ENTRY)
    if name not in known:
        hint = did_you_mean(name, known) or f"it has {_listing(known)}"
        raise WeftError(f"there is no function '@{name}' in '{library.path}'", hint=hint, code=codes.NO_ENTRY)
    return known[name]


def _default(known: Mapping[str, object]) -> str | None:
    return "main" if "main" in known else next(iter(known)) if len(known) == 1 else None


def _listing(known: Mapping[str, object]) -> str:
    return ", ".join(f"'@{name}'" for name in known) or "none"
