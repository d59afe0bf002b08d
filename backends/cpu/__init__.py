"""Machine code in this process: the JIT, its calling convention and its threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.backends.cpu.compiled import CompiledFunction
    from weft.backends.data import DataSpec
    from weft.backends.signature import Signature


def load(
    code: bytes, signature: Signature, messages: Sequence[str], threads: int, data: Mapping[str, DataSpec]
) -> CompiledFunction:
    """A callable from object code made for this machine.

    `signature` is that of the program's function, `messages` the texts of its run-time checks, and `threads` the
    number of threads that the code was made for. `data` tells where the symbols are that stand for data in files.

    Raises :class:`WeftError` where a file does not hold its data (any more).
    """
    from weft.backends.cpu.compiled import CompiledFunction
    from weft.backends.cpu.library import Library
    from weft.backends.cpu.runtime import runtime_symbol
    from weft.backends.signature import ENTRY

    arrays = {symbol: spec.load() for symbol, spec in data.items()}
    addresses: dict[str, int] = {symbol: array.__array_interface__["data"][0] for symbol, array in arrays.items()}
    library = Library(code, [ENTRY + signature.name], lambda name: addresses.get(name) or runtime_symbol(name, threads))
    return CompiledFunction(library, signature, messages, arrays)
