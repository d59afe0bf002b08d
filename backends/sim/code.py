"""GPU code for this CPU: compiled with the functions that it calls, and linked to the run-time library."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from weft.backends.cpu.library import Library
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.llvm.binding import binding
from weft.backends.llvm.machine import host_machine, target_machine
from weft.backends.llvm.object_code import InvalidIR
from weft.backends.sim.layout import accessors
from weft.backends.sim.printing import vprintf_address
from weft.backends.sim.record import ENTRY, Record

if TYPE_CHECKING:
    from xdsl.ir import Operation

_LEVEL = 2
_RUNTIME = ("scheduler.ll", "checks.ll", "asynchronous.ll", "agents.ll")
_EXPORTED = re.compile(r"^define [^\n@]*@(weft_sim_\w+)\(([^\n]*)\) *{$", re.MULTILINE)


def compile_module(module: Operation, *, checked: bool) -> bytes:
    """A `gpu.module` at the stop `nvvm` as object code for this CPU, with its record.

    Raises :class:`WeftError` at what cannot be simulated.
    """
    from weft.backends.llvm.translate import to_llvm_ir
    from weft.backends.sim.prepare import prepare

    prepared, record = prepare(module, checked=checked)
    ir = to_llvm_ir(prepared)
    return record.encoded(_generated(ir + _called(ir)))


_DECLARED = re.compile(r"^declare [^\n@]*(@[\w.]+)\([^\n]*\n", re.MULTILINE)


def _called(ir: str) -> str:
    """What a module's code calls: as text that becomes part of it, or declared; without what it declares itself."""
    known = set(_DECLARED.findall(ir))
    text = _text("inline.ll") + accessors() + "\n".join(_exports().values()) + "\n"
    return _DECLARED.sub(lambda match: "" if match[1] in known else match[0], text)


def link(record: Record, code: bytes) -> Library:
    """Object code of a module, linked with the run-time library."""
    exports = [*(ENTRY + name for name in record.kernels), *record.tables]
    return Library(code, exports, lambda name: _runtime_address(name) or _host_address(name) or runtime_symbol(name, 1))


def _host_address(name: str) -> int | None:
    return vprintf_address() if name == "vprintf" else None


def run_time() -> Library:
    """The scheduler and the checker."""
    return _runtime()


@lru_cache(None)
def _runtime() -> Library:
    library = Library(_generated(accessors() + _runtime_text(), plain=True), list(_exports()))
    library.keep_forever()
    return library


@lru_cache(None)
def _runtime_text() -> str:
    return "".join(map(_text, _RUNTIME))


@lru_cache(None)
def _exports() -> dict[str, str]:
    """The functions of the run-time library, and the line that declares each."""
    found = _EXPORTED.finditer(_runtime_text())
    return {match[1]: match[0].replace("define", "declare", 1).rstrip("{ ") for match in found}


def _runtime_address(name: str) -> int | None:
    return _runtime().address(name) if name in _exports() else None


def _generated(ir: str, *, plain: bool = False) -> bytes:
    """Object code of LLVM IR, after LLVM's own passes, which make coroutines of what is marked so; where there are none
    (`plain`), small functions are inlined and that is all.

    Raises :class:`InvalidIR` with LLVM's message for IR that does not parse or verify.
    """
    generator = target_machine(host_machine(), _LEVEL)
    try:
        module = binding.parse_assembly(ir, binding.create_context())
        module.triple = host_machine().triple
        module.data_layout = str(generator.target_data)
        module.verify()
    except RuntimeError as error:
        raise InvalidIR(f"LLVM refuses the generated code: {str(error).strip()}") from error
    with module:
        builder = binding.create_pass_builder(generator, binding.create_pipeline_tuning_options(_LEVEL))
        inline = binding.create_new_module_pass_manager()
        inline.add_always_inliner_pass()
        inline.run(module, builder)
        if not plain:
            builder.getModulePassManager().run(module, builder)
        return generator.emit_object(module)


def _text(name: str) -> str:
    return (resources.files("weft.backends.sim") / name).read_text(encoding="utf-8")
