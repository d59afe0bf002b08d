"""What compiled code calls of weft's own: functions in LLVM IR files beside this one, compiled when first needed."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from weft.backends.cpu.library import Library
from weft.backends.llvm.machine import host_machine
from weft.backends.llvm.object_code import to_object

_WHERE = {
    "weft_alloc": "memory",
    "weft_parallel_for": "parallel",
    "weft_release": "release",
    "__truncsfhf2": "half",
    "__extendhfsf2": "half",
}
"""The file that holds each function."""

_POOLED = {"x86_64": "linux_x86_64.ll", "aarch64": "linux_aarch64.ll", "riscv64": "linux_riscv64.ll"}
"""Where the pool of threads works: Linux, by architecture, and what it needs to know of it."""


def runtime_symbol(name: str, threads: int) -> int | None:
    """The address of a run-time function; None if it is not one. Code for one thread needs no pool."""
    file = _WHERE.get(name)
    if file is None:
        return None
    if file == "parallel" and threads == 1:
        file = "serial"
    return _load(file).address(name)


@lru_cache(None)
def _load(file: str) -> Library:
    """Compile and link a file of the run-time library. It stays for as long as the process does."""
    exports = [name for name, home in _WHERE.items() if home == file or (home, file) == ("parallel", "serial")]
    library = Library(to_object(text_of(file, host_machine().triple), level=1), exports)
    library.keep_forever()
    return library


def text_of(file: str, triple: str) -> str:
    """The LLVM IR of a file of the run-time library for a machine. Where there is no pool, loops run in one thread."""
    if file != "parallel":
        return _text(f"{file}.ll")
    architecture, _, system = triple.partition("-")
    known = _POOLED.get(architecture) if "linux" in system else None
    return _text("parallel.ll") + _text(known) if known else _text("serial.ll")


def _text(name: str) -> str:
    return (resources.files("weft.backends.cpu") / name).read_text(encoding="utf-8")
