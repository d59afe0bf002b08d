"""Shared libraries of object code: the system's C compiler links them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from weft import codes
from weft.backends.llvm.machine import Machine, host_machine
from weft.diagnostics import WeftError

_LIBRARIES = ("-lm", "-lpthread")


def link_shared(code: bytes, name: str, machine: Machine) -> bytes:
    """A shared library of an object, called `name`. Raises :class:`WeftError` where it cannot be linked."""
    command = _compiler(machine)
    with tempfile.TemporaryDirectory(prefix="weft-") as folder:
        source, made = Path(folder) / "code.o", Path(folder) / "code.so"
        source.write_bytes(code)
        words = [*command, "-shared", "-o", str(made), str(source), f"-Wl,-soname,{name}", *_LIBRARIES]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode or not made.exists():
            told = (done.stderr.strip() or f"it ended with the code {done.returncode}").splitlines()
            raise WeftError(f"'{shlex.join(command)}' cannot link '{name}': {told[-1]}", code=codes.CANNOT_LINK)
        return made.read_bytes()


def _compiler(machine: Machine) -> list[str]:
    """The command of a C compiler that links for a machine: `$CC` or `cc` for this one, else a cross compiler."""
    architecture = machine.triple.partition("-")[0]
    if architecture == host_machine().triple.partition("-")[0]:
        chosen = shlex.split(os.environ.get("CC", ""))
        candidates = [chosen] if chosen else [["cc"], ["gcc"], ["clang"]]
        hint = "install gcc or clang, or say where one is by CC=..."
    else:
        candidates = [[f"{architecture}-linux-gnu-gcc"]]
        hint = f"install {candidates[0][0]} (on Debian, the package gcc-{architecture.replace('_', '-')}-linux-gnu)"
    for words in candidates:
        if (found := shutil.which(words[0])) is not None:
            return [found, *words[1:]]
    names = " or ".join(f"'{words[0]}'" for words in candidates)
    raise WeftError(
        f"a shared library for {machine.triple} needs a C compiler to link it, and there is no {names}",
        hint=f"{hint}; an object file (.o) needs none",
        code=codes.CANNOT_LINK,
    )
