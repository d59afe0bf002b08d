"""LLVM IR of code for NVIDIA's GPUs: the ops of `nvvm`, each by its row of the table of instructions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xdsl.dialects import llvm
from xdsl.ir import Attribute, Operation, SSAValue

from weft.backends.llvm.instructions import LINES, Line, Names
from weft.backends.llvm.names import quoted
from weft.backends.llvm.text_types import type_text
from weft.backends.llvm.translate import body_text
from weft.dialects import gpu
from weft.dialects.nvvm import Code, NvvmOp

NEEDED = "run the pass 'convert-gpu-to-nvvm' first"
"""The hint for an op in a `gpu.module` that has no instruction."""

_REGISTERS = {"half": "h", "bfloat": "h", "float": "f", "double": "d", "i1": "b", "i16": "h", "i32": "r", "i64": "l"}
"""The letter of inline assembly for a type, as LLVM spells it."""

_NAME = re.compile(r"%(\w+)")


def device_ir(module: gpu.ModuleOp) -> str:
    """The LLVM IR of a `gpu.module` that holds `llvm` and `nvvm` ops only.

    Raises :class:`WeftError` at the first op of another dialect: the pass `convert-gpu-to-nvvm` has to run first.
    """
    return body_text(module.body.block, None, _line_of, NEEDED)


def _line_of(op: Operation) -> Line | None:
    return _line if isinstance(op, NvvmOp) else LINES.get(type(op))


def _line(op: Operation, names: Names) -> str:
    assert isinstance(op, NvvmOp)
    code = op.code()
    return _call(op, code, names) if code.is_intrinsic else _assembly(op, code, names)


def _result(op: NvvmOp, code: Code) -> str:
    return code.result or (type_text(op.results[0].type) if op.results else "void")


def _part(text: str, code: Code, result: str, names: Names) -> str:
    return text if code.part is None else f"extractvalue {result} {names.emit(text)}, {code.part}"


def _call(op: NvvmOp, code: Code, names: Names) -> str:
    result = _result(op, code)
    arguments = [_argument(argument, names) for argument in code.arguments]
    types = ", ".join(type_ for type_, _ in arguments)
    names.declare(code.text, f"{result} @({types})")
    call = f"call {result} @{code.text}({', '.join(' '.join(argument) for argument in arguments)})"
    return _part(call, code, result, names)


def _argument(argument: SSAValue | str | tuple[SSAValue, int], names: Names) -> tuple[str, str]:
    """Type and value of an argument."""
    if isinstance(argument, str):
        type_, _, value = argument.rpartition(" ")
        return type_, value
    if isinstance(argument, SSAValue):
        return type_text(argument.type), names.name(argument)
    value, space = argument
    type_ = f"ptr addrspace({space})" if space else "ptr"
    if type_text(value.type) == type_:
        return type_, names.name(value)
    return type_, names.emit(f"addrspacecast {type_text(value.type)} {names.name(value)} to {type_}")


def _assembly(op: NvvmOp, code: Code, names: Names) -> str:
    """PTX with `%name` for operands and results, as inline assembly."""
    places: dict[str, list[str]] = {}
    constraints: list[str] = []

    def place(name: str, letters: Sequence[str]) -> None:
        first = len(constraints)
        places[name] = [f"${first + index}" for index in range(len(letters))]
        constraints.extend(letters)

    used = {*_NAME.findall(code.text), code.tied}
    if op.results:
        place(op.result_name, [f"={letter}" for letter in _letters(op.results[0].type)])
    operands = [(name, values) for name in op.operand_names if name in used and (values := op.values(name))]
    for name, values in operands:
        letters = [letter for value in values for letter in _letters(value.type)]
        place(name, letters if name != code.tied else list(map(str, range(len(letters)))))
    text = _NAME.sub(lambda found: ", ".join(places[found[1]]), code.text.replace("$", "$$"))
    clobbers = [] if op.INSTRUCTION.pure else ["~{memory}"]
    effects = "" if op.INSTRUCTION.pure else " sideeffect"
    arguments = ", ".join(part for _, values in operands for value in values for part in _parts(value, names))
    result = type_text(op.results[0].type) if op.results else "void"
    registers = quoted(",".join([*constraints, *clobbers]))
    return f"call {result} asm{effects} {quoted(text)}, {registers}({arguments}) convergent"


def _parts(value: SSAValue, names: Names) -> list[str]:
    """A value as arguments of assembly: itself, or the parts of a struct."""
    type_, whole = value.type, f"{type_text(value.type)} {names.name(value)}"
    if not isinstance(type_, llvm.LLVMStructType):
        return [whole]
    return [f"{type_text(part)} {names.emit(f'extractvalue {whole}, {i}')}" for i, part in enumerate(type_.types)]


def _letters(type_: Attribute) -> list[str]:
    """The letters of a value's registers: one, or one for each part of a struct."""
    if isinstance(type_, llvm.LLVMStructType):
        return [letter for part in type_.types for letter in _letters(part)]
    if isinstance(type_, llvm.LLVMPointerType):
        return ["l"]
    return [_REGISTERS.get(type_text(type_), "r")]
