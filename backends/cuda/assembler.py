"""NVIDIA's assembler `ptxas`, where it is found: on the path, or in NVIDIA's package `nvidia-cuda-nvcc`."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from weft import codes
from weft.diagnostics import WeftError

MISSING = "install it with `pip install nvidia-cuda-nvcc`, or write a .ptx, which the CUDA driver assembles"


@dataclass(frozen=True)
class Usage:
    """What a kernel takes: registers of a thread, static shared memory of a block in bytes, spilled bytes."""

    registers: int
    shared_bytes: int
    spill_bytes: int


@dataclass(frozen=True)
class Assembled:
    """A cubin, and what each of its kernels takes."""

    code: bytes
    usage: dict[str, Usage]


@lru_cache(None)
def find_assembler() -> Path | None:
    """Where `ptxas` is; None where it is not."""
    if (found := shutil.which("ptxas")) is not None:
        return Path(found)
    package = find_spec("nvidia")
    for folder in package.submodule_search_locations or () if package is not None else ():
        for place in sorted(Path(folder).glob("*/bin/ptxas"), reverse=True):
            return place
    return None


def assemble(ptx: str, chip: str) -> Assembled:
    """A cubin of PTX for a chip.

    Raises :class:`WeftError` where there is no assembler, or where it refuses the PTX, with what it says.
    """
    program = find_assembler()
    if program is None:
        raise WeftError("ptxas is needed to make a cubin, and is not found", hint=MISSING, code=codes.MISSING_PACKAGE)
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "code.ptx", Path(folder) / "code.cubin"
        source.write_text(ptx)
        command = [str(program), "-v", f"-arch={chip}", "-o", str(result), str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
        said = (done.stderr + done.stdout).replace(str(source), "PTX")
        if done.returncode != 0 or not result.exists():
            lines = [line for line in said.splitlines() if "error" in line or "fatal" in line]
            reason = lines[0] if lines else said.strip() or f"it ends with status {done.returncode}"
            raise WeftError(f"ptxas refuses the PTX for {chip}: {reason}", code=codes.CANNOT_LINK)
        return Assembled(result.read_bytes(), _usage(said))


_COMPILING = re.compile(r"Compiling entry function '([^']+)'")
_SPILL = re.compile(r"(\d+) bytes spill stores")
_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")


def _usage(said: str) -> dict[str, Usage]:
    """What each kernel takes, from what `ptxas -v` says."""
    usage: dict[str, Usage] = {}
    parts = _COMPILING.split(said)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        numbers = [int(found[1]) if (found := pattern.search(text)) else 0 for pattern in (_USED, _SHARED, _SPILL)]
        usage[name] = Usage(*numbers)
    return usage
