"""LLVM IR text to object code, by llvmlite. No IR pass runs: the lowerings emit what the code should be."""

from __future__ import annotations

from weft.backends.llvm.binding import binding
from weft.backends.llvm.machine import Machine, host_machine, target_machine


class InvalidIR(Exception):
    """LLVM refuses IR that weft made: a bug of weft's, not of the program."""


def to_object(ir: str, machine: Machine | None = None, level: int = 3) -> bytes:
    """Object code of LLVM IR for a machine (None: this one), the code generator working at `level`.

    Raises :class:`InvalidIR` with LLVM's message for IR that does not parse or verify.
    """
    machine = machine or host_machine()
    generator = target_machine(machine, level)
    try:
        module = binding.parse_assembly(ir, binding.create_context())
        module.triple = machine.triple
        module.data_layout = str(generator.target_data)
        module.verify()
    except RuntimeError as error:
        raise InvalidIR(f"LLVM refuses the generated code: {str(error).strip()}") from error
    return generator.emit_object(module)
