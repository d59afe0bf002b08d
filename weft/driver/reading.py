"""Text to a verified module, with everything that is wrong with it at once."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from weft import codes
from weft.diagnostics import Diagnostic
from weft.driver.verify import problems, verify
from weft.frontends.mlir import Unread, parse_module
from weft.room import with_room


def read_module(
    text: str, ctx: Context, name: str, *, first_line: int = 1, allow_implicit_module: bool = True
) -> ModuleOp:
    """Read and verify a module. Raises :class:`WeftError` with all errors, those of the verifier included.

    Where something could not be read, the verifier looks at the rest; what may be wrong only because of what is missing
    is not said.
    """
    try:
        module = parse_module(text, ctx, name, first_line=first_line, allow_implicit_module=allow_implicit_module)
    except Unread as unread:
        error = unread
    else:
        with_room(lambda: verify(module))
        return module
    further = with_room(lambda: _further(error))
    error.diagnostics = in_order((*error.diagnostics, *further))
    raise error


def _further(unread: Unread) -> list[Diagnostic]:
    """What the verifier says of the operations that could be read."""
    known = {diagnostic.where.line for diagnostic in unread.diagnostics}
    return [
        diagnostic
        for error in problems(unread.module, unread.damaged)
        for diagnostic in error.diagnostics
        if diagnostic.where.line not in known and not _is_lost(diagnostic, unread)
    ]


def _is_lost(diagnostic: Diagnostic, unread: Unread) -> bool:
    """Whether it speaks of a symbol whose definition may be in what could not be read."""
    names = {symbol.strip('@"') for symbol in unread.lost_symbols}
    return diagnostic.code is codes.WRONG_SYMBOL and any(name in diagnostic.message for name in names)


def in_order(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Diagnostics by their places; that there are too many is said last."""
    return tuple(sorted(diagnostics, key=lambda d: (d.code is codes.TOO_MANY_ERRORS, d.where.line, d.where.column)))
