"""Machine code in this process: the JIT, its calling convention and its threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.backends.cpu.compiled import CompiledFunction
    from weft.backends.data import DataSpec
    from weft.backends.signature import Signature


def python_call_text(signature: Signature, symbols: Collection[str]) -> str:
    """The LLVM IR of a function that Python can call without Python in between, to stand in the module of the program.

    `symbols` are the functions of that. Empty where there is none: :func:`load` gives a callable in any case.
    """
    from weft.backends.cpu.fast_call import fast_call_text
    from weft.backends.cpu.python_api import is_known
    from weft.dialects.host_marks import INTO

    return fast_call_text(signature, into=INTO + signature.name in symbols) if is_known() else ""


def load(
    code: bytes,
    signature: Signature,
    messages: Sequence[str],
    threads: int,
    data: Mapping[str, DataSpec] | None = None,
    *,
    python_call: bool = False,
) -> Callable[..., Any]:
    """A callable from object code made for this machine.

    `signature` is that of the program's function, `messages` the texts of its run-time checks, and `threads` the
    number of threads that the code was made for. `data` tells where the symbols are that stand for data in files,
    `python_call` whether what :func:`python_call_text` gave is among the code.

    Raises :class:`WeftError` where a file does not hold its data (any more).
    """
    from weft.backends.cpu.compiled import CompiledFunction
    from weft.backends.cpu.fast_call import fast_call_name
    from weft.backends.cpu.library import Library
    from weft.backends.cpu.python_api import builtin, is_known, python_symbol
    from weft.backends.cpu.runtime import runtime_symbol
    from weft.backends.signature import ENTRY

    arrays = {symbol: spec.load() for symbol, spec in (data or {}).items()}
    addresses: dict[str, int] = {symbol: array.__array_interface__["data"][0] for symbol, array in arrays.items()}

    def address(symbol: str) -> int | None:
        return addresses.get(symbol) or runtime_symbol(symbol, threads) or python_symbol(symbol)

    fast = fast_call_name(signature) if python_call and is_known() else None
    library = Library(code, [ENTRY + signature.name, *([fast] if fast else [])], address)
    function = CompiledFunction(library, signature, messages, arrays)
    return builtin(signature.name, library.address(fast), function.ways_out) if fast else function


def with_short_cut(function: CompiledFunction, entry: int, declaration: str) -> Callable[..., Any]:
    """A function of a loaded library as a callable that Python calls without Python in between, where there is one.

    `entry` is where its entry starts, `declaration` what that is in LLVM IR.
    """
    from weft.backends.cpu.fast_call import fast_call_name, fast_call_text
    from weft.backends.cpu.library import Library
    from weft.backends.cpu.python_api import builtin, is_known, python_symbol
    from weft.backends.cpu.runtime import runtime_symbol
    from weft.backends.llvm.object_code import to_object
    from weft.backends.signature import ENTRY

    signature = function.signature
    fast = fast_call_name(signature) if is_known() else None
    if fast is None:
        return function
    entries = {ENTRY + signature.name: entry}
    code = to_object(fast_call_text(signature) + declaration, level=1)

    def address(symbol: str) -> int | None:
        return entries.get(symbol) or runtime_symbol(symbol, 1) or python_symbol(symbol)

    library = Library(code, [fast], address)
    # the library is held by what is called
    return builtin(signature.name, library.address(fast), (*function.ways_out, library))
