"""The reader as xDSL's `Parser`: what `parse` hooks and assembly formats call, over our token stream.

xDSL's methods all work through `_current_token` and the lexer; those are here, with faster versions of what
islands call most. Types, attributes, regions and operations go back to the tables.

The scanner takes some things whole where xDSL has several tokens (`tensor<4xf32>`, `::`, `>=`); when xDSL
looks at such a token, only its beginning is scanned instead (:meth:`Shim.soften`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, cast

from immutabledict import immutabledict
from xdsl.dialects.builtin import DictionaryAttr, FunctionType, LocationAttr, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue, TypeAttribute
from xdsl.ir.affine import AffineMap, AffineSet
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Input, Span, Token
from xdsl.utils.mlir_lexer import KIND_BY_PUNCTUATION_SPELLING, MLIRTokenKind, StringLiteral

from weft import codes
from weft.diagnostics import did_you_mean
from weft.frontends.mlir.errors import ReadError, code_of
from weft.frontends.mlir.expected import BUILTIN_TYPES
from weft.frontends.mlir.scanner import NUMBER
from weft.frontends.mlir.scopes import Scopes
from weft.frontends.mlir.tables import TOKENS
from weft.frontends.mlir.text import unescape

VALUE, BARE, BTYPE, HASH, AT = (NUMBER[name] for name in ("VALUE", "BARE", "BTYPE", "HASH", "AT"))
FIRST_LITERAL = len(TOKENS)

_KINDS = {
    NUMBER["$END"]: MLIRTokenKind.EOF,
    VALUE: MLIRTokenKind.PERCENT_IDENT,
    BARE: MLIRTokenKind.BARE_IDENT,
    BTYPE: MLIRTokenKind.BARE_IDENT,
    NUMBER["STRING"]: MLIRTokenKind.STRING_LIT,
    NUMBER["INT"]: MLIRTokenKind.INTEGER_LIT,
    NUMBER["HEX"]: MLIRTokenKind.INTEGER_LIT,
    NUMBER["FLOAT"]: MLIRTokenKind.FLOAT_LIT,
    HASH: MLIRTokenKind.HASH_IDENT,
    NUMBER["EXCL"]: MLIRTokenKind.EXCLAMATION_IDENT,
    NUMBER["CARET"]: MLIRTokenKind.CARET_IDENT,
    AT: MLIRTokenKind.AT_IDENT,
}
_TYPES = {NUMBER["BTYPE"], NUMBER["SHAPED"], NUMBER["FLAT_TYPE"]}
"""Tokens that are types, with values kept by their text."""
_WHOLE = {
    NUMBER["SHAPED"]: BARE,
    NUMBER["SHAPED_OPEN"]: BARE,
    NUMBER["AFFINE_MAP"]: BARE,
    NUMBER["FLAT_ATTR"]: HASH,
    NUMBER["FLAT_TYPE"]: NUMBER["EXCL"],
}
"""What a token that is taken whole begins with."""
_FIRST_WORD = re.compile(r"[#!]?[\w$.]+")


class NamedOperand(UnresolvedOperand):
    """An operand whose name is cut out already; its span is made when somebody asks."""

    def __init__(self, name: str, index: int, start: int, input: Input[str]) -> None:
        self.name = name
        self.index = index
        self.start = start
        self.input = input

    @property
    def operand_name(self) -> str:
        return self.name

    @property
    def span(self) -> Span[str]:  # pyright: ignore[reportIncompatibleVariableOverride] - nobody sets it
        return Span(self.start, self.start + len(self.name) + 1, self.input)


class _Lexer:
    """The scanner as xDSL's lexer."""

    def __init__(self, reader: Shim) -> None:
        self.reader = reader
        self.input: Input[str] = reader.input

    @property
    def pos(self) -> int:
        return self.reader.stop

    @pos.setter
    def pos(self, value: int) -> None:
        self.reader.stop = value

    def lex(self) -> Token[MLIRTokenKind, str]:
        self.reader.advance()
        return self.reader.token_of_xdsl()


class _State:
    """The state that xDSL's parsers share; its token is always the reader's."""

    def __init__(self, reader: Shim) -> None:
        self.reader = reader
        self.lexer = _Lexer(reader)
        self.dialect_stack = ["builtin"]

    @property
    def current_token(self) -> Token[MLIRTokenKind, str]:
        return self.reader.token_of_xdsl()

    @current_token.setter
    def current_token(self, value: object) -> None:
        """The scanner has moved already."""


class Shim(Scopes):
    """xDSL's parser interface."""

    def reset_shim(self) -> None:
        """Start as xDSL's parser does."""
        self.attribute_aliases: dict[str, Attribute] = {}
        self.dialect_resources = set[tuple[str, str]]()
        self._parser_state: Any = _State(self)

    # ---------- tokens
    def soften(self) -> None:
        """Take only the beginning of a token that the scanner takes whole."""
        if (kind := _WHOLE.get(self.kind)) is not None:
            length = cast("re.Match[str]", _FIRST_WORD.match(self.token)).end()
        elif self.kind >= FIRST_LITERAL and not (self.token in KIND_BY_PUNCTUATION_SPELLING or self.token[0].isalpha()):
            kind, length = self.words[self.token[0]], 1
        else:
            return
        self.token = self.token[:length]
        self.kind = self.words[self.token] if kind == BARE else kind
        self.stop = self.start + length

    def harden(self) -> None:
        """The inverse: the tables take tokens whole."""
        self.stop = self.start
        self.advance()

    def token_of_xdsl(self) -> Token[MLIRTokenKind, str]:
        """The token that is looked at."""
        self.soften()
        kind = _KINDS.get(self.kind)
        if kind is None:
            if self.kind == NUMBER["ERROR"]:
                self.unexpected({})
            kind = KIND_BY_PUNCTUATION_SPELLING.get(self.token, MLIRTokenKind.BARE_IDENT)
        if kind is MLIRTokenKind.STRING_LIT:
            if isinstance(unescape(self.token), bytes):
                kind = MLIRTokenKind.BYTES_LIT
            return Token(kind, StringLiteral(self.start, self.stop, self.input))
        return Token(kind, Span(self.start, self.stop, self.input))

    @property
    def _current_token(self) -> Token[MLIRTokenKind, str]:
        return self.token_of_xdsl()

    @property
    def pos(self) -> int:
        return self.start

    def _resume_from(self, pos: Any) -> None:
        self.stop = pos
        self.advance()

    def _consume_token(self, expected_kind: MLIRTokenKind | None = None) -> Token[MLIRTokenKind, str]:
        token = self.token_of_xdsl()
        self.advance()
        return token

    def parse_optional_characters(self, text: str) -> str | None:
        if self.token != text:
            if not self.token.startswith(text):
                return None
            self.soften()
            if self.token != text:
                return None
        self.advance()
        return text

    def parse_optional_punctuation(self, punctuation: Any) -> Any:
        return self.parse_optional_characters(punctuation)

    def parse_punctuation(self, punctuation: Any, context_msg: str = "") -> Any:
        if self.parse_optional_characters(punctuation) is None:
            found = f"'{self.token}'" if self.kind else "the end of the text"
            self.fail(f"expected '{punctuation}'{context_msg.rstrip('!.')}, found {found}", code=codes.SYNTAX)
        return punctuation

    def parse_optional_keyword(self, keyword: str) -> str | None:
        return self.parse_optional_characters(keyword)

    def raise_error(self, msg: str, at_position: Any = None, end_position: Any = None) -> NoReturn:
        """What a hook of xDSL's says, with what was found where it says only what was expected."""
        if self.kind == NUMBER["ERROR"]:
            self.unexpected({})
        hint = None
        if at_position is None and "expected" in msg.lower() and ", not " not in msg and "found" not in msg:
            found = f"'{self.token}'" if self.kind else "the end of the text"
            msg = f"{msg.strip().rstrip('.!')}, found {found}"
            if "type" in msg and self.kind == BARE:
                hint = did_you_mean(self.token, BUILTIN_TYPES)
        at: Any = self.start if at_position is None else at_position
        span: Span[str] = cast(Any, at) if isinstance(at, Span) else Span(at, end_position or at, self.input)
        raise ReadError(span, msg, hint, code_of(ParseError(span, msg)))

    # ---------- values
    def parse_optional_unresolved_operand(self) -> UnresolvedOperand | None:
        if self.kind != VALUE:
            return None
        name, start = self.token[1:], self.start
        self.advance()
        index = 0
        if self.kind == HASH and self.token[1:].isdigit():
            index = int(self.token[1:])
            self.advance()
        return NamedOperand(name, index, start, self.input)

    def resolve_operand(self, operand: UnresolvedOperand, type: Any) -> SSAValue[Any]:
        if isinstance(operand, NamedOperand):
            values = self.ssa_values.get(operand.operand_name)
            if values is not None and operand.index < len(values):
                value = values[operand.index]
                if value.type is type or value.type == type:
                    return value
        name = operand.operand_name
        if name in self.lost:
            return self.lost_value(type)
        if name not in self.ssa_values:
            self.uses.setdefault(name, operand.span.start)
        return super().resolve_operand(operand, type)

    def _register_ssa_definition(self, name: str, values: Sequence[SSAValue], span: Span) -> None:
        self.define(name, values, span.start)

    # ---------- what the tables read
    def table(self, start: str) -> Any:
        """A value from the tables; a located error where there is none."""
        self.harden()
        return self.run(start)

    def optional_table(self, start: str) -> Any:
        """A value from the tables, or None where the token begins none."""
        if self.kind in _WHOLE.values() or self.kind >= FIRST_LITERAL:
            self.harden()
        return self.run(start) if self.kind in self.machine.opening[start] else None

    def parse_optional_type(self) -> TypeAttribute | None:
        if self.kind in _TYPES and (value := self.memo.get(self.token)) is not None:
            self.advance()
            return value
        return self.optional_table("type")

    def parse_optional_attribute(self) -> Attribute | None:
        return self.optional_table("attr")

    def parse_optional_function_type(self) -> FunctionType | None:
        return self.run("functype") if self.token == "(" else None

    def parse_optional_dictionary_attr_dict(self) -> dict[str, Attribute]:
        return self.run("attr_dict") if self.token == "{" else {}

    def _parse_builtin_dict_attr(self) -> DictionaryAttr:
        return DictionaryAttr(immutabledict(self.parse_optional_dictionary_attr_dict()))

    def parse_optional_symbol_name(self) -> StringAttr | None:
        if self.kind != AT:
            return None
        name = symbol_name(self.token)
        self.advance()
        return name

    def _parse_optional_symref_attr(self) -> SymbolRefAttr | None:
        return self.run("attr") if self.kind == AT else None

    def parse_affine_map(self) -> AffineMap:
        return self.table("affine_map")

    def parse_affine_set(self) -> AffineSet:
        return self.table("affine_set")

    def parse_optional_location(self) -> LocationAttr | None:
        return self.run("trailing_loc") if self.token == "loc" else None

    def parse_optional_region(self, arguments: Iterable[Parser.Argument] | None = None) -> Region | None:
        if self.token != "{":
            return None
        if arguments is not None:
            self.arguments = [((a.name.text[1:], 0, a.name.start), a.type, a.location) for a in arguments]
        return self.run("region")

    def parse_optional_successor(self) -> Block | None:
        if self.kind != NUMBER["CARET"]:
            return None
        block = self.successor(self.token[1:], self.start)
        self.advance()
        return block

    def parse_optional_operation(self) -> Operation | None:
        return self.optional_table("op")

    def parse_operation(self) -> Operation:
        return self.table("op")


def symbol_name(token: str) -> StringAttr:
    """The name in a token `@name` or `@"name"`."""
    return StringAttr(cast(str, unescape(token[1:])) if token[1] == '"' else token[1:])
