"""What an editor asks about a text while it is typed: errors, help, completion, definitions, an outline.

Everything but types and errors comes from the text itself, so that it works while the text is broken; the types of
values come from the last module that could be read. Lines and columns are 0-based here, as in the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import FileLineColLoc, ModuleOp
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation

from weft import codes
from weft.diagnostics import Diagnostic, Location, WeftError
from weft.driver.chunks import split
from weft.driver.editing_text import definition_text, open_dictionary
from weft.driver.reference import attribute_page, op_page, pass_page
from weft.driver.verify import verify
from weft.frontends.mlir import parse_module
from weft.registry import context, find_pass, pass_names

WORD = re.compile(r"[%^@#!]?[A-Za-z0-9_$][\w$.-]*")
_VALUE_DEFINITION = r"(?:^|[\s,(])({})(?=(?::\d+)?(?:\s*,\s*%[\w$.-]+(?::\d+)?)*\s*=(?!=)|:\s)"
_SYMBOL = re.compile(r"^\s*(?:\"?[\w.]+\"?\s+)(?:(?:private|public|nested)\s+)?(@[\w$.-]+)(?=\s*[({:=]|$)", re.M)
_SYMBOL_NAME = re.compile(r"sym_name\s*=\s*\"([\w$.-]+)\"")
_FUNCTION = re.compile(r"^\s*\"?\w+\.func\b", re.M)
BUILTIN_TYPES = ("tensor", "memref", "vector", "index", "f16", "bf16", "f32", "f64", "i1", "i8", "i16", "i32", "i64")


@dataclass(frozen=True)
class Span:
    """A piece of one line."""

    line: int
    start: int
    end: int


@dataclass
class Document:
    """A text and what is known of it; `modules` are those of the last reading, chunk by chunk."""

    name: str
    text: str = ""
    modules: dict[int, ModuleOp] = field(default_factory=dict[int, ModuleOp])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def update(self, text: str) -> None:
        """Read a new text: every chunk by itself. A chunk that cannot be read keeps its last good module."""
        self.text = text
        self.diagnostics = []
        for index, chunk in enumerate(split(text)):
            try:
                module = parse_module(chunk.text, context(), self.name, first_line=chunk.first_line)
                self.modules[index] = module
                verify(module)
            except WeftError as error:
                self.diagnostics.extend(error.diagnostics)
            except RecursionError:
                self.diagnostics.append(
                    Diagnostic("the text is nested too deeply", Location(self.name, 1, 1), code=codes.TOO_DEEP)
                )

    def word(self, line: int, column: int) -> tuple[str, Span] | None:
        """The word at a place, its sigil included."""
        lines = self.text.split("\n")
        for match in WORD.finditer(lines[line] if line < len(lines) else ""):
            if match.start() <= column <= match.end():
                text = match[0].rstrip(".-")
                return text, Span(line, match.start(), match.start() + len(text))
        return None

    def definition(self, line: int, column: int) -> Span | None:
        """Where the value, block, symbol or alias at a place is defined."""
        found = self.word(line, column)
        if found is None:
            return None
        name, span = found
        start, end = self._scope(line, whole=name[0] in "@#!")
        here = self._offset(line, span.start)
        places = list(_definitions(name, self.text, start, end))
        if name.startswith("%") and (before := [place for place in places if place <= here]):
            return self._span(before[-1], len(name))
        if not places and name.startswith("%"):
            first = re.compile(re.escape(name) + r"(?![\w$.-])").search(self.text, start, end)
            places = [first.start()] if first else []
        return self._span(places[0], len(name)) if places else None

    def hover(self, line: int, column: int) -> str | None:
        """Help at a place, in Markdown: on an op, type or pass; a value's type; an alias's or symbol's definition."""
        found = self.word(line, column)
        if found is None:
            return None
        name, _ = found
        if name.startswith("%"):
            value = self._value(name[1:], line, column)
            return f"```mlir\n{name} : {value.type}\n```" if value is not None else None
        if name[0] in "#!@" and (text := self._defined(line, column)) is not None:
            return f"```mlir\n{text}\n```"
        ctx = context()
        if "." in name and name[0] not in "@^%":
            if (op := ctx.get_optional_op(name)) is not None:
                return op_page(op)
            kind = ctx.get_optional_attr(name.lstrip("#!"))
            return attribute_page(kind) if kind is not None else None
        return pass_page(find_pass(name)) if name in pass_names() and _is_pipeline(self._line(line)) else None

    def complete(self, line: int, column: int) -> list[str]:
        """What may stand at a place: passes in RUN lines, ops and types of a dialect, aliases, attributes of an op."""
        before = self._line(line)[:column]
        if _is_pipeline(before):
            return list(pass_names())
        ctx = context()
        if match := re.search(r"([!#]?)(\w+)\.[\w.]*$", before):
            return _members(ctx, match[2], match[1])
        if match := re.search(r"([!#])\w*$", before):
            return [
                *self._aliases(line, match[1]),
                *(f"{match[1]}{name}" for name in sorted(ctx.registered_dialect_names)),
            ]
        if names := self._attributes(ctx, line, column):
            return names
        if re.search(r"(?::|->|to|<)\s*\(?\w*$", before):
            return [*BUILTIN_TYPES, *(f"!{name}" for name in sorted(ctx.registered_dialect_names))]
        return sorted(ctx.registered_dialect_names)

    def outline(self) -> list[tuple[str, Span]]:
        """Every symbol that is defined, and where."""
        found = [(match[1], match.start(1)) for match in _SYMBOL.finditer(self.text)]
        found += [(f"@{match[1]}", match.start(1)) for match in _SYMBOL_NAME.finditer(self.text)]
        return [(name, self._span(place, len(name))) for name, place in sorted(found, key=lambda pair: pair[1])]

    def _attributes(self, ctx: Context, line: int, column: int) -> list[str]:
        """The attributes of the op whose attribute dictionary is open at a place."""
        head = open_dictionary(self.text[: self._offset(line, column)])
        op = _op_of(ctx, head) if head is not None else None
        if op is None:
            return []
        definition = op.get_irdl_definition()
        if definition.regions and self.text[: self._offset(line, column)].rstrip().endswith("{"):
            return []
        return [*definition.properties, *definition.attributes]

    def _aliases(self, line: int, sigil: str) -> list[str]:
        """The aliases that the chunk of a line defines."""
        start, end = self._scope(line, whole=True)
        return re.findall(rf"^\s*({sigil}[A-Za-z_][\w$-]*)\s*=", self.text[start:end], re.M)

    def _defined(self, line: int, column: int) -> str | None:
        """The text that defines the alias or symbol at a place."""
        place = self.definition(line, column)
        if place is None:
            return None
        start = self._offset(place.line, 0)
        return definition_text(self.text, start + len(self._line(place.line)) - len(self._line(place.line).lstrip()))

    def _line(self, line: int) -> str:
        lines = self.text.split("\n")
        return lines[line] if line < len(lines) else ""

    def _offset(self, line: int, column: int) -> int:
        return sum(len(text) + 1 for text in self.text.split("\n")[:line]) + column

    def _span(self, offset: int, length: int) -> Span:
        line = self.text.count("\n", 0, offset)
        column = offset - (self.text.rfind("\n", 0, offset) + 1)
        return Span(line, column, column + length)

    def _scope(self, line: int, *, whole: bool) -> tuple[int, int]:
        """The offsets of the chunk that a line is in, or of its function."""
        start, end = 0, len(self.text)
        here = self._offset(line, len(self._line(line)))
        for chunk in split(self.text):
            if chunk.first_line - 1 <= line:
                start = self._offset(chunk.first_line - 1, 0)
            elif end == len(self.text):
                end = self._offset(chunk.first_line - 1, 0)
        if whole:
            return start, end
        functions = [match.start() for match in _FUNCTION.finditer(self.text, start, end)]
        start = max((place for place in functions if place <= here), default=start)
        return start, min((place for place in functions if place > here), default=end)

    def _value(self, name: str, line: int, column: int) -> SSAValue | None:
        place = self.definition(line, column)
        if place is None:
            return None
        candidates = [
            (abs(where - 1 - place.line), n, value)
            for n, (where, value) in enumerate(_values(self.modules.values()))
            if value.name_hint == name.partition("#")[0]
        ]
        return min(candidates)[2] if candidates else None


def _values(modules: Iterable[ModuleOp]) -> Iterator[tuple[int, SSAValue]]:
    """Every value with the line (1-based) of the op that defines it."""
    for module in modules:
        for op in module.walk():
            line = op.location.line.data if isinstance(op.location, FileLineColLoc) else 0
            blocks = [block for region in op.regions for block in region.blocks]
            for value in (*op.results, *(argument for block in blocks for argument in block.args)):
                yield line, value


def _definitions(name: str, text: str, start: int, end: int) -> Iterator[int]:
    """The offsets at which a name is defined."""
    quoted = re.escape(name)
    match name[0]:
        case "%":
            pattern = _VALUE_DEFINITION.format(re.escape(name.partition("#")[0]))
        case "^":
            pattern = rf"^\s*({quoted})(?=\s*[(:])"
        case "#" | "!":
            pattern = rf"^\s*({quoted})(?=\s*=)"
        case _:
            bare = re.escape(name[1:])
            yield from (match.start(1) for match in _SYMBOL.finditer(text, start, end) if match[1] == name)
            pattern = rf"sym_name\s*=\s*\"({bare})\""
    yield from (match.start(1) for match in re.compile(pattern, re.M).finditer(text, start, end))


def _is_pipeline(line: str) -> bool:
    """Whether passes are named on this line: a RUN line, or a reproducer's pipeline."""
    return "RUN:" in line or re.search(r"pipeline\s*[:=]", line) is not None


def _members(ctx: Context, dialect: str, sigil: str) -> list[str]:
    """The full names of the ops of a dialect; after a sigil, of its types and attributes."""
    if dialect not in ctx.registered_dialect_names:
        return []
    ctx.load_registered_dialect(dialect)
    found = ctx.get_dialect(dialect)
    return sorted(kind.name for kind in (found.attributes if sigil else found.operations))


def _op_of(ctx: Context, line: str) -> type[IRDLOperation] | None:
    """The last op that a text names."""
    for name in reversed(re.findall(r"[A-Za-z_]\w*\.[\w.]+", line)):
        op = ctx.get_optional_op(name)
        if op is not None and issubclass(op, IRDLOperation):
            return op
    return None
