"""What a row of the table of instructions is, and the op that is made from it.

A row says everything about an instruction, once: the op's operands, attributes, result and syntax; the code that LLVM
takes for it; the least chip and version of PTX; and the name of what a simulator does for it.

Operands, attributes and the result are written as `name: type`, with `?` behind the name of one that may be missing and
`*` behind that of a list. The types of operands and results are the keys of :data:`TYPES`, those of attributes the keys
of :data:`ATTRIBUTE_TYPES`.

Code that begins with `llvm.` is a call of that intrinsic; `(...)` behind it lists its arguments where they are not the
operands in their order, and `-> TYPE` its result where that is not the op's (`.1` behind it: the op's result is that
part). Other code is PTX, with `%name` for operands and results. In both `{name}` stands for an attribute's word or
number, or for the way that LLVM's names spell the type of an operand or result.

`meaning` is the key under which a simulator finds what an instruction does: `register` and `math` for what one
thread computes by itself, else what the threads of a warp, block or cluster do together (`barrier`, `shuffle`, `mma`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntAttr, IntegerAttr, UnitAttr, f16, f32, f64, i1, i16, i32, i64
from xdsl.ir import Attribute, Data, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AttrConstraint,
    AttrSizedOperandSegments,
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    base,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.irdl.declarative_assembly_format import (
    CustomDirective,
    ParsingState,
    PrintingState,
    TypeDirective,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, Pure
from xdsl.utils.exceptions import VerifyException

from weft.dialects.nvvm import attributes as attrs
from weft.dialects.upstream.intrinsics import mangle

Value: TypeAlias = SSAValue | Operation

_PLACE = re.compile(r"\{(\w+)\}")
_CALL = re.compile(r"(?P<name>[\w.]+)(\((?P<arguments>.*?)\))?( -> (?P<result>.*?)(\.(?P<part>\d+))?)?")

Argument: TypeAlias = SSAValue | str | tuple[SSAValue, int]
"""What an intrinsic is given: a value, a constant as LLVM spells it, or a value and the address space it is cast to."""

SHARED, GLOBAL, CLUSTER = (llvm.LLVMPointerType(IntAttr(space)) for space in (3, 1, 7))


def _is(type_: Attribute) -> AttrConstraint[Attribute]:
    return cast("AttrConstraint[Attribute]", EqAttrConstraint(type_))


TYPES: dict[str, tuple[AttrConstraint[Attribute], str]] = {
    "any": (AnyAttr(), "i32"),
    "i1": (_is(i1), "i1"),
    "i16": (_is(i16), "i16"),
    "i32": (_is(i32), "i32"),
    "i64": (_is(i64), "i64"),
    "f16": (_is(f16), "f16"),
    "f32": (_is(f32), "f32"),
    "f64": (_is(f64), "f64"),
    "ptr": (cast("AttrConstraint[Attribute]", base(llvm.LLVMPointerType)), "!llvm.ptr"),
    "shared": (_is(SHARED), "!llvm.ptr<3>"),
    "global": (_is(GLOBAL), "!llvm.ptr<1>"),
    "cluster": (_is(CLUSTER), "!llvm.ptr<7>"),
}
"""The types of operands and results, each with the text of an example."""

ATTRIBUTE_TYPES: dict[str, type[Attribute] | AttrConstraint[Attribute]] = {
    "i32": cast("AttrConstraint[Attribute]", IntegerAttr.constr(i32)),
    "i1": cast("AttrConstraint[Attribute]", IntegerAttr.constr(i1)),
    "unit": UnitAttr,
    **{
        kind.name.removeprefix("nvvm."): kind
        for kind in attrs.ATTRIBUTES
        if issubclass(kind, (attrs.Keyword, attrs.AngledKeyword))
    },
    "shape": attrs.ShapeAttr,
}
"""The types of attributes."""


@dataclass(frozen=True)
class Field:
    """One `name: type` of a row, or `name: type = number` of an attribute that has a default."""

    name: str
    type: str
    count: str
    default: str = ""

    @property
    def optional(self) -> bool:
        """Whether it may be missing."""
        return self.count == "?"


def fields(text: str) -> tuple[Field, ...]:
    """The fields of a text such as `addr: ptr, predicate?: i1`."""
    out: list[Field] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, type_ = part.partition(":")
        count = name[-1] if name[-1] in "?*" else ""
        type_, _, default = type_.partition("=")
        out.append(Field(name.strip("?* "), type_.strip(), count, default.strip()))
    return tuple(out)


@dataclass(frozen=True)
class Code:
    """The code of an op: an intrinsic's name or PTX, and what it needs where the op's attributes decide.

    `arguments` of an intrinsic are values, constants as LLVM spells them (`i32 0`), or a value and the address space
    that it is cast to. `result` is the type as LLVM spells it where it is not that of the op's result, `part` the part
    of it that is. `tied` names the operand of PTX that is in the registers of the result.
    """

    text: str
    arguments: tuple[Argument, ...] = ()
    result: str | None = None
    part: int | None = None
    tied: str = ""

    @property
    def is_intrinsic(self) -> bool:
        """Whether it is a call of an intrinsic."""
        return self.text.startswith("llvm.")


@dataclass(frozen=True)
class Need:
    """The least chip and version of PTX. `sm_90a` is that chip alone, `sm_90` that and every later one."""

    chip: str = "sm_50"
    ptx: int = 60


@dataclass(frozen=True)
class Instruction:
    """A row of the table."""

    name: str
    operands: str
    result: str
    format: str
    code: str | Callable[[Any], Code]
    says: str
    attributes: str = ""
    chip: str = "sm_50"
    ptx: int = 60
    meaning: str = "register"
    pure: bool = False
    predicated: str | Callable[[Any], str] = ""
    """PTX for an op whose operand `predicate` is given: it is done where that is true."""
    check: Callable[[Any], str | None] | None = None
    """What is wrong with an op, beyond the types."""
    needs: Callable[[Any], Need] | None = None
    """What an op needs where its attributes decide."""
    base: type[NvvmOp] | None = None
    """A class that reads and prints the op, where no format can."""
    example: str = ""
    """The op's text in the documentation, where it does not follow from the format."""


@irdl_custom_directive
class SharedPointer(CustomDirective):
    """The type of a pointer to shared memory, which upstream prints as `<3>`."""

    pointer: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read `<3>`, or the whole type."""
        if parser.parse_optional_punctuation("<") is None:
            self.pointer.parse(parser, state)
            return
        space = parser.parse_integer()
        parser.parse_punctuation(">")
        self.pointer.set(state, (llvm.LLVMPointerType(IntAttr(space)),))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the whole type."""
        self.pointer.print(printer, state, op)


@irdl_custom_directive
class Coordinates(CustomDirective):
    """`i32, i32, i1`: the types of coordinates, and of the predicate behind them where there is one."""

    coordinates: TypeDirective
    predicate: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the types."""
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        last = types.pop() if types[-1] == i1 else None
        self.coordinates.set(state, types)
        self.predicate.set(state, () if last is None else (last,))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the types."""
        state.print_whitespace(printer)
        types = (*self.coordinates.get(op), *self.predicate.get(op))
        printer.print_list(types, printer.print_attribute)


class NvvmOp(IRDLOperation):
    """An instruction of an NVIDIA GPU."""

    INSTRUCTION: ClassVar[Instruction]

    def values(self, name: str) -> tuple[SSAValue, ...]:
        """The operands of a name: one, none or several."""
        found: SSAValue | Sequence[SSAValue] | None = getattr(self, name)
        if found is None:
            return ()
        return (found,) if isinstance(found, SSAValue) else tuple(found)

    def value(self, name: str) -> SSAValue:
        """The operand of a name."""
        (value,) = self.values(name)
        return value

    def word(self, name: str) -> str | None:
        """The word, or the number as text, of an attribute; None where it is missing."""
        attr = self.properties.get(name)
        if attr is None:
            return None
        if isinstance(attr, IntegerAttr):
            return str(cast("IntegerAttr[Any]", attr).value.data)
        return str(cast("Data[Any]", attr).data) if isinstance(attr, Data) else str(attr)

    def has(self, name: str) -> bool:
        """Whether an attribute or operand that may be missing is there."""
        return name in self.properties or (hasattr(self, name) and bool(self.values(name)))

    @property
    def operand_names(self) -> tuple[str, ...]:
        """The names of the operands, in their order."""
        return tuple(field.name for field in fields(self.INSTRUCTION.operands))

    @property
    def result_name(self) -> str:
        """The name of the result."""
        return fields(self.INSTRUCTION.result)[0].name

    def code(self) -> Code:
        """What LLVM takes for the op."""
        row = self.INSTRUCTION
        if row.predicated and self.values("predicate"):
            text = row.predicated if isinstance(row.predicated, str) else row.predicated(self)
            return Code(f"@%predicate {self._filled(text)}")
        return self.code_of(row.code) if isinstance(row.code, str) else row.code(self)

    def code_of(self, template: str) -> Code:
        """The code of a text in the language of rows."""
        text = self._filled(template)
        if not text.startswith("llvm."):
            return Code(text)
        found = _CALL.fullmatch(text)
        assert found is not None, f"the code of '{self.name}' is not written as rows are"
        arguments = tuple(self.operands)
        if found["arguments"] is not None:
            arguments = tuple(self._argument(part) for part in filter(None, found["arguments"].split(", ")))
        part = None if found["part"] is None else int(found["part"])
        return Code(found["name"], arguments, found["result"], part)

    def _argument(self, text: str) -> Argument:
        if " " in text:
            return text
        name, _, space = text.partition("@")
        return (self.value(name), int(space)) if space else self.value(name)

    def _filled(self, template: str) -> str:
        """A text with `{name}` replaced."""

        def spelled(found: re.Match[str]) -> str:
            name = found[1]
            word = self.word(name)
            if word is not None:
                return word
            values = self.results if self.results and name == self.result_name else self.values(name)
            return mangle(values[0].type)

        return _PLACE.sub(spelled, template)

    @property
    def need(self) -> Need:
        """The least chip and version of PTX."""
        row = self.INSTRUCTION
        return Need(row.chip, row.ptx) if row.needs is None else row.needs(self)

    def verify_(self) -> None:
        """What the row checks beyond the types."""
        if self.INSTRUCTION.check is not None and (message := self.INSTRUCTION.check(self)) is not None:
            raise VerifyException(f"'{self.name}': {message}")


def define(row: Instruction) -> type[NvvmOp]:
    """The op of a row."""
    operands, attributes, results = fields(row.operands), fields(row.attributes), fields(row.result)
    several = sum(bool(operand.count) for operand in operands) > 1
    options: list[Any] = [ParsePropInAttrDict()] if attributes else []
    body: dict[str, Any] = {
        "name": f"nvvm.{row.name}",
        "__annotations__": {"INSTRUCTION": ClassVar[Instruction]},
        "INSTRUCTION": row,
        "__doc__": _documentation(row),
        "__module__": __name__,
        "traits": traits_def(Pure()) if row.pure else traits_def(MemoryReadEffect(), MemoryWriteEffect()),
        "irdl_options": tuple([AttrSizedOperandSegments(as_property=True), *options] if several else options),
    }
    if row.base is None:
        body["assembly_format"] = row.format
        body["custom_directives"] = (Coordinates, SharedPointer)
    for field in operands:
        make: Any = {"": operand_def, "?": opt_operand_def, "*": var_operand_def}[field.count]
        body[field.name] = make(TYPES[field.type][0])
    for field in attributes:
        default = attribute_of(field.type, field.default) if field.default else None
        declare: Any = opt_prop_def if field.optional else prop_def
        body[field.name] = declare(
            ATTRIBUTE_TYPES[field.type], **({} if default is None else {"default_value": default})
        )
    for field in results:
        body[field.name] = result_def(TYPES[field.type][0])
    kind = type(_class_name(row.name), (row.base or NvvmOp,), body)
    return irdl_op_definition(cast("type[NvvmOp]", kind))


def _class_name(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.replace("_", ".").split(".")) + "Op"


def _documentation(row: Instruction) -> str:
    plural = "" if row.ptx == 60 else f" and PTX {row.ptx / 10}"
    return f"{row.says}\n\n```mlir\n{row.example or _example(row)}\n```\n\nIt needs {row.chip}{plural}.\n"


def _example(row: Instruction) -> str:
    """The text of an op, from its format."""
    operands, attributes, results = fields(row.operands), fields(row.attributes), fields(row.result)
    text = row.format
    while "(`" in text:  # a group that may be missing
        start = text.index("(`")
        text = text[:start] + text[text.index(")?", start) + 2 :]
    inline = {field.name for field in attributes if f"${field.name}" in text}
    shown = [f for f in attributes if f.name not in inline and not f.optional and not f.default]
    dictionary = ", ".join(f"{f.name} = {_attribute_example(f, angled=True)}" for f in shown)
    types = {f.name: TYPES[f.type][1] for f in (*operands, *results)}
    every = ", ".join(types[f.name] for f in operands if not f.optional)
    text = text.replace("type(operands)", every)
    text = text.replace("attr-dict", f"{{{dictionary}}}" if dictionary else "")
    text = re.sub(r"custom<SharedPointer>\((.*?\))\)", r"\1", text)
    for name, type_ in types.items():
        text = text.replace(f"qualified(type(${name}))", type_).replace(f"type(${name})", type_)
    for field in attributes:
        if field.name in inline:
            text = text.replace(f"${field.name}", _attribute_example(field, angled=False))
    text = " ".join(text.replace("$", "%").replace("`", "").replace(" ,", ",").split())
    return ("%0 = " if results else "") + f"nvvm.{row.name} {text}".strip()


def _attribute_example(field: Field, *, angled: bool) -> str:
    if field.type in ("i32", "i1"):
        return f"16 : {field.type}" if angled else "16"
    kind: Any = ATTRIBUTE_TYPES[field.type]
    word = kind.WORDS[0]
    if not angled:
        return f"<{word}>" if issubclass(kind, attrs.AngledKeyword) else str(word)
    if issubclass(kind, attrs.AngledKeyword):
        return f"#nvvm.{field.type}<{word}>"
    return f"#nvvm<{field.type} {word}>"


def attribute_of(type_: str, value: Attribute | int | str | bool) -> Attribute:
    """An attribute of a row's type from a plain value: a word, a number, or True for one that is there."""
    if isinstance(value, Attribute):
        return value
    if type_ == "unit":
        return UnitAttr()
    if type_ in ("i32", "i1"):
        return IntegerAttr(int(value), i32 if type_ == "i32" else i1)
    kind: Any = ATTRIBUTE_TYPES[type_]
    return kind(value)


def make(
    kind: type[NvvmOp],
    operands: Sequence[Value | Sequence[Value] | None],
    result: Attribute | None,
    values: dict[str, Attribute | int | str | bool | None],
) -> NvvmOp:
    """An op from its operands in order (None or a list where one may be missing), and its attributes by name."""
    row = kind.INSTRUCTION
    types = {field.name: field.type for field in fields(row.attributes)}
    groups: list[Any] = []
    for index, field in enumerate(fields(row.operands)):
        given = operands[index] if index < len(operands) else None
        if field.count and not isinstance(given, Sequence):
            given = [] if given is None else [given]
        groups.append(given)
    results: list[Attribute] = []
    for field in fields(row.result):
        constraint = TYPES[field.type][0]
        results.append(result if result is not None else cast("EqAttrConstraint[Attribute]", constraint).attr)
    return kind(
        operands=groups,
        result_types=results,
        properties={name: attribute_of(types[name], value) for name, value in values.items() if value is not None},
    )
