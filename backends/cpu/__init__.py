"""Machine code in this process: the JIT, its calling convention and its threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.backends.cpu.compiled import CompiledFunction
    from weft.backends.signature import Signature


def load(code: bytes, signature: Signature, messages: Sequence[str], threads: int) -> CompiledFunction:
    """A callable from object code made for this machine.

    `signature` is that of the program's function, `messages` the texts of its run-time checks, and `threads` the
    number of threads that the code was made for.
    """
    from weft.backends.cpu.compiled import CompiledFunction
    from weft.backends.cpu.library import Library
    from weft.backends.cpu.runtime import runtime_symbol
    from weft.backends.signature import ENTRY

    library = Library(code, [ENTRY + signature.name], lambda symbol: runtime_symbol(symbol, threads))
    return CompiledFunction(library, signature, messages)
