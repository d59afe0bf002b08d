"""Shared libraries that weft made: looked at before they are loaded, so that a wrong one does no harm."""

from __future__ import annotations

import ctypes
import mmap
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from weft import codes
from weft.backends.cpu.ahead.interface import ERROR, THREADS, WEIGHTS
from weft.backends.cpu.ahead.record import SECTION, Record, read_records
from weft.backends.llvm.elf import MACHINES, SHARED, Elf, read_elf
from weft.backends.llvm.machine import host_machine
from weft.diagnostics import WeftError
from weft.version import VERSION


@dataclass(frozen=True)
class SharedLibrary:
    """A loaded library. It is never unloaded: its threads may still be about."""

    path: Path
    records: Sequence[Record]
    _handle: ctypes.CDLL

    def address(self, name: str) -> int:
        """Where a function starts. Raises :class:`WeftError` where there is none."""
        try:
            function = self._handle[name]
        except AttributeError:
            raise _refusal(self.path, f"has no function '{name}', though its record says so") from None
        return cast(int, ctypes.cast(function, ctypes.c_void_p).value)

    def load_weights(self, record: Record, weights: Path) -> None:
        """Map the file of the constants of a record. Raises :class:`WeftError` for a wrong one."""
        load = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)(self.address(record.prefix + WEIGHTS))
        status = load(os.fsencode(weights))
        if status:
            text = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_int)(self.address(record.prefix + ERROR))(status)
            raise WeftError(f"'{weights}': {text.decode()}", code=codes.CANNOT_LOAD)

    def set_threads(self, record: Record, threads: int) -> None:
        """Set the most threads that a call of the functions of a record may use; 0 stands for one a core."""
        function = ctypes.CFUNCTYPE(None, ctypes.c_int)(self.address(record.prefix + THREADS))
        function(threads)


def open_library(path: Path) -> SharedLibrary:
    """Load a shared library that weft made.

    Raises :class:`WeftError` for a file that is none, or that was made by another version or for another machine.
    """
    try:
        with path.open("rb") as file:
            empty = os.fstat(file.fileno()).st_size == 0
            data = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise WeftError(f"cannot open '{path}': {error.strerror}", code=codes.CANNOT_READ) from None
    records = _records(path, data)
    for record in records:
        _check(path, record)
    try:
        # the whole path, or the system would look for the name in its own folders
        return SharedLibrary(path, records, _load(path.resolve()))
    except OSError as error:
        raise _refusal(path, f"cannot be loaded: {error}") from None


@dataclass(frozen=True)
class _Loaded:
    """What was loaded from an inode, and the size and time of its data then."""

    handle: ctypes.CDLL
    version: tuple[int, int]


_loaded: dict[tuple[int, int], _Loaded] = {}
"""By device and inode. Nothing is unloaded, so no inode comes back."""
_names: dict[Path, int] = {}
"""How often a path was given to the system."""
_loading = threading.Lock()


def _load(path: Path) -> ctypes.CDLL:
    """The library that the file is now, though another one was loaded under its name before.

    The system knows a library by its name, as it was written, and by its inode. So a file that replaced another one is
    loaded by a name that is written otherwise, with more slashes. Raises :class:`WeftError` for a file that was changed
    where it lies: the code that was loaded from it is no longer whole, and the system would stumble over it.
    """
    with _loading:
        status = path.stat()
        version = (status.st_size, status.st_mtime_ns)
        found = _loaded.get((status.st_dev, status.st_ino))
        if found is None:
            count = _names[path] = _names.get(path, 0) + 1
            handle = ctypes.CDLL(f"{path.parent}{'/' * count}{path.name}")
            found = _loaded[status.st_dev, status.st_ino] = _Loaded(handle, version)
        if found.version != version:
            hint = "write a new file and move it to that name, as weft does, or begin a new process"
            raise _refusal(path, "was changed where it lies after this process had loaded it", hint)
        return found.handle


def _refusal(path: Path, what: str, hint: str | None = None) -> WeftError:
    return WeftError(f"'{path}' {what}", hint=hint, code=codes.CANNOT_LOAD)


def _records(path: Path, data: bytes | mmap.mmap) -> Sequence[Record]:
    try:
        elf = read_elf(data)
    except ValueError as error:
        raise _refusal(path, f"is damaged: {error}") from None
    if elf is None or elf.kind != SHARED:
        hint = "weft compile PROGRAM -o FILE.so makes one"
        raise _refusal(path, "is an object, no shared library" if elf is not None else "is no shared library", hint)
    _check_architecture(path, elf)
    if SECTION not in elf.sections:
        raise _refusal(path, "was not made by weft", f"it has no section {SECTION}")
    try:
        return read_records(data[elf.sections[SECTION]])
    except ValueError as error:
        raise _refusal(path, f"is damaged: {error}") from None


def _check_architecture(path: Path, elf: Elf) -> None:
    own = host_machine().triple.partition("-")[0]
    if MACHINES.get(elf.machine) != own:
        other = MACHINES.get(elf.machine, f"machine number {elf.machine}")
        raise _refusal(path, f"is code for {other}, and this machine is {own}", f"compile it with --target cpu:{own}")


def _check(path: Path, record: Record) -> None:
    if record.version != VERSION:
        raise _refusal(path, f"was made by weft {record.version}, and this is weft {VERSION}", "compile it again")
    lacking = {flag[1:] for flag in host_machine().features.split(",") if flag.startswith("-")}
    missing = [feature for feature in record.features if feature in lacking]
    if missing:
        raise _refusal(
            path,
            f"was made for a CPU with {', '.join(missing)}, which this one lacks",
            f"it was compiled for {record.cpu}; compile it for this CPU, or with --target cpu:x86-64",
        )
