"""The machines that code can be made for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from weft.backends.llvm.binding import binding


@dataclass(frozen=True)
class Machine:
    """A target of LLVM: its triple, its CPU, and the features that code may use (`+avx2,-avx512f`)."""

    triple: str
    cpu: str = ""
    features: str = ""

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


def target_machine(machine: Machine, level: int = 3) -> Any:
    """LLVM's code generator for a machine: position-independent code, optimised at `level` (0 to 3)."""
    initialize()
    target = binding.Target.from_triple(machine.triple)
    return target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=level, reloc="pic")
