"""A module of the llvm dialect as LLVM IR text."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects import llvm
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation

from weft import codes
from weft.backends.llvm.blobs import LEAST_BYTES, Blobs
from weft.backends.llvm.constants import constant_text, data_bytes, data_text
from weft.backends.llvm.functions import NEEDED, FunctionText
from weft.backends.llvm.instructions import LINES, Line
from weft.backends.llvm.names import symbol_text
from weft.backends.llvm.text_types import type_text
from weft.dialects.locations import error_at

FOR_A_DEVICE = "it holds code for a device: run the program with --target cuda, or --target gpu-sim"
"""The hint for a `gpu.module` in a program that is compiled for a CPU."""

SHARED = 3
"""The memory of a GPU's blocks, in which nothing starts with a value."""


def to_llvm_ir(module: ModuleOp, blobs: Blobs | None = None) -> str:
    """The LLVM IR of a module that holds `llvm` ops only.

    With `blobs`, the data of large constants is put there, and the text has zeros in their place.

    Raises :class:`WeftError` at the first op of another dialect: the pass `convert-to-llvm` has to run first.
    """
    return body_text(module.body.block, blobs)


def body_text(
    block: Block,
    blobs: Blobs | None,
    line_of: Callable[[Operation], Line | None] = lambda op: LINES.get(type(op)),
    needed: str = NEEDED,
) -> str:
    """The LLVM IR of the functions and globals of a block; `line_of` gives what writes an op."""
    declarations: dict[str, str] = {}
    out: list[str] = []
    for op in block.ops:
        if isinstance(op, llvm.FuncOp):
            out.extend(FunctionText(op, declarations.setdefault, line_of, needed).lines())
        elif isinstance(op, llvm.GlobalOp):
            out.append(_global(op, blobs))
        else:
            hint = FOR_A_DEVICE if op.name == "gpu.module" else needed
            raise error_at(op, f"'{op.name}' cannot stand in LLVM IR", hint, code=codes.CANNOT_LOWER)
    declared = [f"declare {type_.replace('@', '@' + name, 1)}" for name, type_ in declarations.items()]
    return "\n".join([*out, *declared, "!0 = !{i32 1}", ""])


def _global(op: llvm.GlobalOp, blobs: Blobs | None) -> str:
    linkage = op.linkage.linkage.data
    words = [f"{symbol_text(op.sym_name.data)} ="]
    if linkage != "external" or op.value is None:
        words.append(linkage)
    if op.thread_local_ is not None:
        words.append("thread_local")
    if op.unnamed_addr is not None and op.unnamed_addr.value.data:
        words.append(llvm.UNNAMED_ADDR_KEYWORD_BY_KEY[op.unnamed_addr.value.data])
    if op.addr_space.value.data:
        words.append(f"addrspace({op.addr_space.value.data})")
    words.append("constant" if op.constant is not None else "global")
    name = op.section.data if op.section is not None else None
    if blobs is not None and name is None and (data := _large_data(op)) is not None:
        name = blobs.add(data)
        words += [f"[{len(data)} x i8]", "zeroinitializer"]
    else:
        words += _value(op)
    section = f', section "{name}"' if name is not None else ""
    alignment = f", align {op.alignment.value.data}" if op.alignment is not None else ""
    return " ".join(words) + section + alignment


def _large_data(op: llvm.GlobalOp) -> bytes | None:
    """The data of a constant that is too large for text."""
    if op.constant is None or op.value is None or not isinstance(op.global_type, llvm.LLVMArrayType):
        return None
    data = data_bytes(op.value)
    return data if len(data) >= LEAST_BYTES and data.count(0) < len(data) else None


def _value(op: llvm.GlobalOp) -> tuple[str, ...]:
    """Type and initial value. Data is bytes, whatever its type: pointers are opaque."""
    if op.value is None:
        start = "poison" if op.addr_space.value.data == SHARED else "zeroinitializer"
        return (type_text(op.global_type), *(() if op.linkage.linkage.data == "external" else (start,)))
    if isinstance(op.global_type, llvm.LLVMArrayType):
        return data_text(op.value)
    return type_text(op.global_type), constant_text(op.value, op.global_type)
