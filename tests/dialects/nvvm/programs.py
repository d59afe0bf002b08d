"""Functions that hold one nvvm op each."""

import re

from weft.dialects.nvvm.instruction import TYPES, fields

VALUES = {
    "h": "vector<2xf16>",
    "f": "f32",
    "d": "f64",
    "i": "i32",
    "j": "i16",
    "l": "i64",
    "b": "i1",
    "s": "!llvm.struct<(f32, f32, f32, f32)>",
    "s2": "!llvm.struct<(i32, i32, i32, i32)>",
    "p": "!llvm.ptr",
    "g": "!llvm.ptr<1>",
    "shared": "!llvm.ptr<3>",
}
"""The types of values by their names, beside those that are called as an op's operands."""


def function(text, kind, name="f", attributes="", result=""):
    """A function that holds the text of an op, with its operands as arguments; `result` stands behind the op."""
    types = {**VALUES, **{field.name: TYPES[field.type][1] for field in fields(kind.INSTRUCTION.operands)}}
    used = [value for value in dict.fromkeys(re.findall(r"%(\w+)", f"{text} {result}")) if value in types]
    arguments = ", ".join(f"%{value}: {types[value]}" for value in used)
    return f"llvm.func @{name}({arguments}){attributes} {{\n{text}\n{result}\nllvm.return\n}}"
