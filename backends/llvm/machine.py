"""The machines that code can be made for."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from weft.backends.llvm.binding import binding


@dataclass(frozen=True)
class Machine:
    """A target of LLVM: its triple, its CPU, the features that code may use (`+avx2,-avx512f`), its ABI where the
    triple leaves it open (`lp64d`)."""

    triple: str
    cpu: str = ""
    features: str = ""
    abi: str = ""

    def __str__(self) -> str:
        return f"{self.triple} {self.cpu} {self.features}"


@lru_cache(None)
def host_machine() -> Machine:
    """This machine, with every feature that it has and none that it lacks."""
    initialize()
    features: dict[str, bool] = binding.get_host_cpu_features()
    flags = [f"{'+' if on else '-'}{name}" for name, on in sorted(features.items())]
    return Machine(binding.get_process_triple(), binding.get_host_cpu_name(), ",".join(flags))


@lru_cache(None)
def initialize() -> None:
    """Make LLVM ready to generate code for this machine; it is done once."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()  # for inline assembly, over which LLVM would end the process


@lru_cache(None)
def initialize_all() -> None:
    """Make LLVM ready to generate code for every machine that it knows; it is done once."""
    initialize()
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()


def target_machine(machine: Machine, level: int = 3, model: str = "jitdefault") -> Any:
    """LLVM's code generator for a machine: position-independent code, optimised at `level` (0 to 3).

    `model` is LLVM's code model: `jitdefault` reaches functions anywhere in memory, `default` those of one library.
    """
    initialize()
    target = binding.Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=level, reloc="pic", codemodel=model, abiname=machine.abi
    )


def unknown_feature(machine: Machine) -> str | None:
    """The first of a machine's features that LLVM does not know.

    LLVM says so on the standard error of the process, and goes on: that is caught while it makes an empty function.
    """
    initialize_all()
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            generator = target_machine(machine)
            module = binding.parse_assembly("define void @f() { ret void }", binding.create_context())
            module.triple, module.data_layout = machine.triple, str(generator.target_data)
            generator.emit_object(module)
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        said.seek(0)
        found = re.search(r"'[+-]?([^']*)' is not a recognized feature", said.read().decode(errors="replace"))
    return found[1] if found else None
