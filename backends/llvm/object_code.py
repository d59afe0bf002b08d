"""LLVM IR text to object code, by llvmlite.

No IR pass runs, for the lowerings emit what the code should be; but for functions with the attribute `weft-simplify`,
which hold loops that no lowering knew how to improve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weft.backends.llvm.binding import binding
from weft.backends.llvm.machine import Machine, host_machine, initialize_all, target_machine
from weft.dialects.host_marks import SIMPLIFY, WRITE_OUT


class InvalidIR(Exception):
    """LLVM refuses IR that weft made: a bug of weft's, not of the program."""


def to_object(ir: str, machine: Machine | None = None, level: int = 3) -> bytes:
    """Object code of LLVM IR for a machine (None: this one), the code generator working at `level`.

    Raises :class:`InvalidIR` with LLVM's message for IR that does not parse or verify.
    """
    machine = machine or host_machine()
    generator = target_machine(machine, level)
    return generator.emit_object(_read(ir, machine, generator, binding.create_context()))


@dataclass(frozen=True)
class Part:
    """LLVM IR to be linked into a program. What an `inner` part defines is not seen from outside.

    Nor is what has a name that begins with `weft.`, in any part.
    """

    ir: str
    inner: bool = True


class Linked:
    """LLVM IR of a program with the parts that it needs, for a machine: as text, assembly or object code.

    It is for a `with`: behind that, LLVM's module is gone. The garbage collector might drop the module's context first,
    which ends the process.
    """

    def __init__(self, ir: str, parts: Sequence[Part], machine: Machine, level: int = 3) -> None:
        """Raises :class:`InvalidIR` with LLVM's message for IR that does not parse or verify."""
        initialize_all()
        self._generator = target_machine(machine, level, "default")
        context = binding.create_context()
        self._module = _read(ir, machine, self._generator, context)
        for part in parts:
            self._link(_read(part.ir, machine, self._generator, context), part.inner)
        for value in (*self._module.functions, *self._module.global_variables):
            if value.name.startswith("weft.") and not value.is_declaration:
                value.linkage = binding.Linkage.internal

    def _link(self, part: Any, inner: bool) -> None:
        defined = {f.name for f in part.functions if not f.is_declaration and f.linkage == binding.Linkage.external}
        self._module.link_in(part)
        for name in defined if inner else ():
            self._module.get_function(name).linkage = binding.Linkage.internal

    def __enter__(self) -> Linked:
        return self

    def __exit__(self, *error: object) -> None:
        self._module.close()

    def ir(self) -> str:
        """LLVM IR."""
        return str(self._module)

    def assembly(self) -> str:
        """Assembly, in the syntax of the GNU assembler."""
        return self._generator.emit_assembly(self._module)

    def object(self) -> bytes:
        """A relocatable object file."""
        return self._generator.emit_object(self._module)


def _read(ir: str, machine: Machine, generator: Any, context: Any) -> Any:
    """LLVM's module for a machine. Raises :class:`InvalidIR`."""
    try:
        module = binding.parse_assembly(ir, context)
        module.triple = machine.triple
        module.data_layout = str(generator.target_data)
        module.verify()
    except RuntimeError as error:
        raise InvalidIR(f"LLVM refuses the generated code: {str(error).strip()}") from error
    if SIMPLIFY in ir:
        _simplify(module, generator)
    return module


def _simplify(module: Any, generator: Any) -> None:
    """Run LLVM's simplifications, of loops among others, on the functions that ask for them."""
    wanted = _marked(module, SIMPLIFY)
    if not wanted:
        return
    builder = binding.create_pass_builder(generator, binding.create_pipeline_tuning_options(speed_level=2))
    passes = builder.getFunctionPassManager()
    for function in wanted:
        passes.run(function, builder)
    copies = binding.create_new_function_pass_manager()
    copies.add_loop_unroll_pass()  # by a few: the simplifications write out short loops only, and wholly
    copies.add_instruction_combine_pass()
    copies.add_simplify_cfg_pass()
    for function in _marked(module, WRITE_OUT):
        copies.run(function, builder)


def _marked(module: Any, mark: str) -> list[Any]:
    """The functions that are defined, and have an attribute."""
    return [
        function
        for function in module.functions
        if not function.is_declaration and any(mark in str(attribute) for attribute in function.attributes)
    ]
