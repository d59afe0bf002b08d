"""Object code in this process: linked, its functions at hand, unloaded when nobody holds it."""

from __future__ import annotations

import ctypes.util
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import count

from weft.backends.llvm.binding import binding
from weft.backends.llvm.elf import undefined_symbols
from weft.backends.llvm.machine import host_machine, target_machine

_NUMBERS = count()


class UnresolvedSymbol(Exception):
    """Code calls a function that this process does not have: a bug of weft's, not of the program."""


class Library:
    """Loaded code. Addresses of its functions are good as long as the library is held: keep it."""

    def __init__(
        self, code: bytes, exports: Sequence[str], runtime: Callable[[str], int | None] = lambda name: None
    ) -> None:
        """Link `code`. What it calls comes from `runtime`, else from the process and libm.

        Raises :class:`UnresolvedSymbol` before linking if a function is nowhere.
        """
        self._engine = binding.create_lljit_compiler(target_machine(host_machine()))
        builder = binding.JITLibraryBuilder().add_object_img(code).add_current_process()
        for name in undefined_symbols(code) or ():
            address = runtime(name) or _process_symbol(name)
            if address is None:
                raise UnresolvedSymbol(f"the generated code calls '{name}', which this process does not have")
            builder.import_symbol(name, address)
        for name in exports:
            builder.export_symbol(name)
        self._tracker = builder.link(self._engine, f"weft{next(_NUMBERS)}")

    def address(self, name: str) -> int:
        """Where an exported function starts."""
        return self._tracker[name]

    def keep_forever(self) -> None:
        """Never unload, not even at exit: its threads may still be about."""
        self._tracker.detach()
        self._engine.detach()


@lru_cache(None)
def _math_library() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("m")
    return ctypes.CDLL(name) if name else None


@lru_cache(None)
def _process_symbol(name: str) -> int | None:
    address: int | None = binding.address_of_symbol(name)
    if address is None and (libm := _math_library()) is not None and hasattr(libm, name):
        address = ctypes.cast(getattr(libm, name), ctypes.c_void_p).value
    return address
