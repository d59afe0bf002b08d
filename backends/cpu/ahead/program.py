"""A program as one module of LLVM: its code, its C interface, its record, and the run-time functions that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.backends.cpu.ahead.interface import ERROR, THREADS, Function
from weft.backends.cpu.ahead.plain import DECLARATIONS, entry_declaration, loaded_entry, plain_function
from weft.backends.cpu.ahead.record import SECTION, Record
from weft.backends.cpu.ahead.weights import BASE, PROBLEMS, loader_ir
from weft.backends.cpu.runtime import text_of
from weft.backends.llvm.machine import Machine
from weft.backends.llvm.names import escaped, symbol_text
from weft.backends.llvm.object_code import Linked, Part

BAD_SIZE = "a size is below zero"
"""The message for a call of a plain function with such a size; it follows the program's own."""

UNKNOWN = "unknown status"

INNER_ENTRY = "weft.entry."
"""What stands before the name of an entry that another function of its name calls."""


@dataclass(frozen=True)
class Program:
    """A lowered program: its LLVM IR and its functions, with the facts that its record tells.

    With `versions`, these have its code, each for another CPU, and `ir` only chooses among them.
    """

    ir: str
    functions: Sequence[Function]
    record: Record
    versions: Sequence[str] = ()


def link(program: Program, machine: Machine) -> Linked:
    """The program with everything that it needs besides libc and libm. Raises :class:`InvalidIR`."""
    code = "".join([program.ir, *program.versions])
    parts = [*map(Part, program.versions), Part(interface_ir(program), inner=False)]
    if "@weft_parallel_for" in code:
        parts.append(Part(text_of("limit", machine.triple)))
        # the pool's own name in a library: what the code calls asks for the limit first
        pool = text_of("parallel", machine.triple).replace("@weft_parallel_for(", "@weft_pool_for(")
        parts.append(Part(pool))
    if "@weft_alloc" in code:
        parts.append(Part(text_of("memory", machine.triple)))
    if "half" in code:
        parts.append(Part(text_of("half", machine.triple)))
    return Linked(program.ir, parts, machine)


def interface_ir(program: Program) -> str:
    """The plain functions, the texts of errors, the number of threads, and the record, in LLVM IR."""
    record = program.record
    messages = (*record.messages, BAD_SIZE)
    entries = [entry_declaration(function) for function in program.functions]
    if record.weights is not None:
        status = len(messages) + 1
        messages = (*messages, *PROBLEMS)
        entries = [loader_ir(record.weights, record.prefix, status)]
        entries += [loaded_entry(function, INNER_ENTRY, BASE, len(messages)) for function in program.functions]
    bad_size = len(record.messages) + 1
    parallel = any("@weft_parallel_for" in ir for ir in (program.ir, *program.versions))
    return "".join(
        [
            DECLARATIONS,
            *entries,
            *(plain_function(function, bad_size) for function in program.functions),
            _errors(symbol_text(record.prefix + ERROR), messages),
            _threads(symbol_text(record.prefix + THREADS), parallel),
            _record_ir(record),
        ]
    )


def _record_ir(record: Record) -> str:
    """A global in LLVM IR that holds the record, kept though nothing uses it."""
    data = record.to_bytes()
    type_ = f"[{len(data)} x i8]"
    return (
        f'@weft.record = internal constant {type_} c"{escaped(data)}", section "{SECTION}", align 8\n'
        '@llvm.used = appending global [1 x ptr] [ptr @weft.record], section "llvm.metadata"\n'
    )


def _errors(name: str, messages: Sequence[str]) -> str:
    """`const char *NAME(int status)`: null for 0."""
    texts = [text.encode() for text in (UNKNOWN, *messages)]
    out = [
        f'@weft.text.{n} = internal constant [{len(text) + 1} x i8] c"{escaped(text)}\\00"\n'
        for n, text in enumerate(texts)
    ]
    table = ", ".join(f"ptr @weft.text.{n}" for n in range(len(texts)))
    return f"""{"".join(out)}@weft.texts = internal constant [{len(texts)} x ptr] [{table}]
define ptr {name}(i32 %status) {{
  %none = icmp eq i32 %status, 0
  %known = icmp ult i32 %status, {len(texts)}
  %number = select i1 %known, i32 %status, i32 0
  %index = zext i32 %number to i64
  %place = getelementptr [{len(texts)} x ptr], ptr @weft.texts, i64 0, i64 %index
  %text = load ptr, ptr %place, align 8
  %told = select i1 %none, ptr null, ptr %text
  ret ptr %told
}}
"""


def _threads(name: str, parallel: bool) -> str:
    """`void NAME(int threads)`."""
    if not parallel:
        return f"define void {name}(i32 %threads) {{\n  ret void\n}}\n"
    return f"""declare void @weft_set_threads(i64)
define void {name}(i32 %threads) {{
  %number = sext i32 %threads to i64
  call void @weft_set_threads(i64 %number)
  ret void
}}
"""
