"""`gpu.printf`: a call of `vprintf`, which the device's runtime brings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from xdsl.dialects import llvm
from xdsl.dialects.builtin import StringAttr, f64, i8, i32, i64
from xdsl.ir import Operation

from weft import codes
from weft.dialects import gpu
from weft.dialects.locations import error_at
from weft.passes.gpu.to_nvvm.function import DeviceFunction
from weft.passes.gpu.to_nvvm.spaces import GLOBAL, GLOBAL_SPACE
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_casts import widen
from weft.passes.lower.types import PTR, bits, is_float

_CONVERSION = re.compile(r"%([-+ #0]*)(\d+)?(\.\d+)?(hh|h|ll|l|z|j|t|q|L)?([diouxXcfFeEgGaAps%])")
_SIGNED, _FLOATS = "di", "fFeEgGaA"
_SLOT = 8


def lower_printf(f: DeviceFunction, op: gpu.PrintfOp) -> None:
    """`gpu.printf`: each value takes eight bytes of a buffer, integers as 64 bits and floats as f64.

    The lengths that the format says (`%d`, `%ld`) are replaced, so that any of them goes with an integer of any width.
    """
    e, text = f.e, op.format.data
    letters = [letter for *_, letter in _CONVERSION.findall(text) if letter != "%"]
    if len(letters) != len(op.args):
        raise error_at(op, f"the format takes {len(letters)} values, {len(op.args)} are given", code=codes.CANNOT_LOWER)
    room = e.alloca(max(len(letters), 1), i64, _SLOT)
    for place, (letter, argument) in enumerate(zip(letters, op.args, strict=True)):
        value = _promoted(f, letter, f.scalar(argument), op)
        e.store(value, e.gep(room, place, i64), _SLOT)
    format_ = f.moved(e.address_of(_text(f, _CONVERSION.sub(_long, text), op), GLOBAL), PTR)
    e.call_external("vprintf", (format_, room), i32)


def _long(found: re.Match[str]) -> str:
    """A conversion, with the length that its slot has."""
    flags, width, precision, _, letter = found.groups(default="")
    length = "ll" if letter in "diouxX" else ""
    return f"%{flags}{width}{precision}{length}{letter}"


def _promoted(f: DeviceFunction, letter: str, value: Value, op: Operation) -> Value:
    """A value as its slot holds it. Raises :class:`WeftError` for one that the conversion does not print."""
    e = f.e
    if is_float(value.type) != (letter in _FLOATS) or letter == "s":
        raise error_at(op, f"'%{letter}' does not print a value of type {value.type}", code=codes.CANNOT_LOWER)
    if is_float(value.type):
        return value if value.type == f64 else widen(e, value, f64)
    if bits(value.type) > bits(i64):
        raise error_at(op, f"a value of type {value.type} cannot be printed", code=codes.UNSUPPORTED_TYPE)
    return e.cast(llvm.SExtOp if letter in _SIGNED and bits(value.type) > 1 else llvm.ZExtOp, value, i64)


def _text(f: DeviceFunction, text: str, op: Operation) -> str:
    """The global that holds a format; equal ones are one."""
    held = StringAttr(f"{text}\0")
    for name, made in f.module.globals.items():
        if made.value == held:
            return name
    name = next(n for i in range(len(f.module.globals) + 1) if (n := f"__printf_{i}") not in f.module.globals)
    type_ = llvm.LLVMArrayType(len(held.data.encode()), i8)
    made = llvm.GlobalOp(type_, name, "internal", addr_space=GLOBAL_SPACE, constant=True, value=held)
    made.location = op.location
    f.module.globals[name] = made
    return name


PRINT_RULES: Mapping[type[Operation], Any] = {gpu.PrintfOp: lower_printf}
"""Output."""
