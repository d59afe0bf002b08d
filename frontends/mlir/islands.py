"""Islands: the tokens that are more than their text, and what is read at them.

At the name of an op the loop hands over to its `assembly_format`, its `parse` (both through the shim) or its
dialect's grammar fragment; at `#x` and `!x` to the attribute's parser. Whatever they raise becomes a located
error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, cast

from xdsl.ir import Attribute, Operation
from xdsl.irdl import IRDLOperation
from xdsl.traits import IsolatedFromAbove
from xdsl.utils.exceptions import ParseError

from weft import codes
from weft.diagnostics import did_you_mean
from weft.dialects.grammar import Grammar
from weft.dialects.upstream.syntax import written_for
from weft.frontends.mlir.actions.types import builtin_type
from weft.frontends.mlir.aliases import Aliases
from weft.frontends.mlir.errors import code_of, sentence
from weft.frontends.mlir.formats import format_of
from weft.frontends.mlir.machine import extended
from weft.frontends.mlir.scanner import NUMBER
from weft.frontends.mlir.tables import READINGS


@dataclass(frozen=True, slots=True)
class OpEntry:
    """What is looked up once for an op's name: class, dialect, properties, and how to read its own syntax."""

    kind: type[Operation]
    dialect: str
    properties: tuple[str, ...]
    parse: Callable[[Any], Operation]


class Islands(Aliases):
    """Reads what the tables alone cannot."""

    def reset_islands(self) -> None:
        """Nothing is looked up yet."""
        self.ops: dict[str, OpEntry] = {}
        self.pending_aliases = None
        self.ahead = set()

    def read(self, reading: int, token: str) -> Any:
        """The value of a token that is more than its text; leaves the scanner behind it."""
        reader = _READERS[reading]
        assert reader is not None, "the driver reads names and plain text by itself"
        return reader(self, token)

    # ---------- operations
    def op_name(self, token: str) -> tuple[OpEntry, int]:
        """The quoted name of a generic op: its class is looked up before its regions are read."""
        start = self.start
        entry = self.find_op(token[1:-1])
        self._parser_state.dialect_stack.append(entry.dialect)
        self.advance()
        return entry, start

    def find_op(self, name: str) -> OpEntry:
        """The class of an op. Raises a located error for an unknown one."""
        entry = self.ops.get(name)
        if entry is None:
            kind = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
            if kind is None:
                self._unknown_op(name)
            properties: tuple[str, ...] = ()
            if issubclass(kind, IRDLOperation):
                properties = tuple(kind.get_irdl_definition().properties)
            entry = OpEntry(kind, kind.dialect_name(), properties, self._parse_of(kind))
            if "." in name:
                self.ops[name] = entry
        return entry

    def _parse_of(self, kind: type[Operation]) -> Callable[[Any], Operation]:
        """How an op's own syntax is read: by a fragment of grammar, by its declared format, or by its `parse`."""
        dialect = self.ctx.get_optional_dialect(kind.dialect_name())
        grammar = dialect.get_interface(Grammar) if dialect is not None else None
        if grammar is not None and kind.name in grammar.starts:
            return partial(Islands.fragment, grammar=grammar, start=grammar.starts[kind.name])
        syntax = written_for(kind)
        if syntax is not None:
            return cast(Callable[[Any], Operation], syntax.parse)
        form = format_of(kind)
        return cast(Any, kind).parse if form is None else form.read

    def fragment(self, grammar: Grammar, start: str) -> Operation:
        """An op that its dialect's fragment of grammar reads."""
        outer, words = self.machine, self.words
        self.switch(extended(grammar))
        op = self.run(start)
        self.switch(outer, words)
        return op

    def _unknown_op(self, name: str) -> NoReturn:
        dialect = name.partition(".")[0]
        if "." in name and self.ctx.get_optional_dialect(dialect) is None:
            hint = did_you_mean(dialect, self.ctx.registered_dialect_names)
            self.fail(
                f"operation '{name}' is not registered: there is no dialect '{dialect}'",
                hint=hint,
                code=codes.UNKNOWN_OP,
            )
        known = [op.name for op in self.ctx.loaded_ops]
        near = [op for op in known if op.startswith(f"{dialect}.")] or known
        self.fail(f"operation '{name}' is not registered", hint=did_you_mean(name, near), code=codes.UNKNOWN_OP)

    def custom_op(self, token: str) -> tuple[Operation, int]:
        """An op in its own syntax, and the offset of its name."""
        start = self.start
        entry = self.find_op(token)
        stack = self._parser_state.dialect_stack
        stack.append(entry.dialect)
        self.advance()
        self.op_start, self.empty_region = start, False
        try:
            op = entry.parse(self)
        except (ParseError, RecursionError, MemoryError):
            raise
        except Exception as error:
            self.fail(f"'{entry.kind.name}': {sentence(error)}", start, code=code_of(error))
        stack.pop()
        if self.empty_region and "function_type" in entry.properties:
            hint = "a declaration has no braces"
            message = f"the body of '{entry.kind.name}' is empty: it needs at least a terminator"
            self.fail(message, start, hint, code=codes.MISSING_TERMINATOR)
        if op.regions:
            self.settle(op.regions, self.lines.at(start))
            if self.uses and op.has_trait(IsolatedFromAbove):
                self.check_values_defined(start)
        return op, start

    # ---------- types and attributes
    def whole_attribute(self, token: str) -> Attribute:
        """An attribute that the scanner took whole."""
        stop = self.stop
        self.soften()
        return self._keep(token, self.run("attr"), stop)

    def whole_type(self, token: str) -> Attribute:
        """A dialect's type that the scanner took whole."""
        stop = self.stop
        self.soften()
        return self._keep(token, self.run("type"), stop)

    def shaped_type(self, token: str) -> Attribute:
        """A shaped type that the scanner took whole."""
        stop = self.stop
        match = self.machine.scanner.shape_opening(self.text, self.start)
        assert match is not None, "a shaped type begins with its opening"
        self.kind, self.token, self.stop = NUMBER["SHAPED_OPEN"], match.group(), match.end()
        return self._keep(token, self.run("type"), stop)

    def _keep(self, token: str, value: Attribute, stop: int) -> Attribute:
        """Keep the value of a token by its text, if reading it in pieces ended where the token does."""
        next_token = self.match(self.text, stop)
        assert next_token is not None, "the scanner's regex matches everything"
        group = next_token.lastindex
        if self.start == (next_token.end() if group is None else next_token.start(group)):
            self.memo[token] = value
        return value

    def builtin(self, token: str) -> Attribute:
        """A builtin type of one word."""
        try:
            value = self.memo[token] = builtin_type(token)
        except ValueError as error:
            self.fail(str(error), code=codes.BAD_TYPE)
        self.advance()
        return value

    def extended_attribute(self, token: str) -> Attribute:
        """An attribute or type of a dialect, or an alias."""
        self.soften()
        start, token = self.start, self.token
        self.advance()
        return self.extended(token[1:], token[0] == "!", start)

    def _parse_extended_type_or_attribute(self, attr_or_dialect_name: str, is_type: bool) -> Any:
        return self.extended(attr_or_dialect_name, is_type, self.start)

    def extended(self, name: str, is_type: bool, start: int) -> Attribute:
        """What stands behind `#name` or `!name`, which began at `start`."""
        if "." not in name and self.token != "<":
            value = self.resolve_alias(("!" if is_type else "#") + name, start)
        else:
            if "." in name:
                self._check_registered(name, is_type, start)
            try:
                value = Aliases._parse_extended_type_or_attribute(self, name, cast(Any, is_type))
            except (ParseError, RecursionError, MemoryError):
                raise
            except Exception as error:
                self.fail(f"'{name}': {sentence(error)}", start, code=code_of(error, codes.BAD_ATTRIBUTE))
        return value

    def _check_registered(self, name: str, is_type: bool, start: int) -> None:
        known = self.ctx.get_optional_type(name) if is_type else self.ctx.get_optional_attr(name)
        if known is None:
            sort, all_known, code = (
                ("type", self.ctx.loaded_types, codes.UNKNOWN_TYPE)
                if is_type
                else ("attribute", self.ctx.loaded_attrs, codes.UNKNOWN_ATTRIBUTE)
            )
            hint = did_you_mean(name, [attr.name for attr in all_known])
            self.fail(f"{sort} '{name}' is not registered", start, hint, code=code)


_BY_NAME: dict[str, Callable[[Any, str], Any]] = {
    "OPSTR": Islands.op_name,
    "OPNAME": Islands.custom_op,
    "BTYPE": Islands.builtin,
    "SHAPED": Islands.shaped_type,
    "AFFINE_MAP": Islands.whole_attribute,
    "FLAT_ATTR": Islands.whole_attribute,
    "FLAT_TYPE": Islands.whole_type,
    "XATTR": Islands.extended_attribute,
    "XTYPE": Islands.extended_attribute,
}
_READERS = tuple(_BY_NAME.get(name) for name in READINGS)
