"""Declared assembly formats, run for speed: what xDSL's `FormatProgram.parse` does, with the common directives inlined.

Directives that are not in :data:`_STEPS` run as xDSL has them. Types that the text does not give are inferred by xDSL;
where it gives all, nothing is checked here that the verifier checks again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.irdl.constraints import VerificationContext
from xdsl.irdl.declarative_assembly_format import (
    AttrDictDirective,
    FormatDirective,
    FormatProgram,
    KeywordDirective,
    OperandVariable,
    ParsingState,
    PunctuationDirective,
    ResultVariable,
    TypeDirective,
    WhitespaceDirective,
)
from xdsl.utils.exceptions import VerifyException

from weft import codes
from weft.dialects.constraints import shown
from weft.dialects.upstream.syntax import declared_for
from weft.frontends.mlir.errors import count_of

if TYPE_CHECKING:
    from weft.frontends.mlir.shim import Shim

Step = Callable[["Shim", ParsingState], None]


@cache
def format_of(kind: type[Operation]) -> Format | None:
    """The format that an op declares, or that is declared for it, or None."""
    if not issubclass(kind, IRDLOperation):
        return None
    text = declared_for(kind) or kind.get_irdl_definition().assembly_format
    return None if text is None else Format(kind, text)


class Format:
    """The format of one op."""

    def __init__(self, kind: type[IRDLOperation], text: str) -> None:
        self.kind = kind
        self.definition = kind.get_irdl_definition()
        self.program = FormatProgram.from_str(text, self.definition)
        self.steps = tuple(step for directive in self.program.stmts if (step := _step(directive)) is not None)
        # options are about how many operands or results a variadic one has; xDSL's own builder writes that down
        self.flat = not self.definition.options

    def read(self, reader: Shim) -> Operation:
        """The op whose name was just read."""
        state, start = ParsingState(self.kind), reader.op_start
        for step in self.steps:
            step(reader, state)
        operand_types: Sequence[Any] = state.operand_types
        result_types: Sequence[Any] = state.result_types
        if None in operand_types or None in result_types:
            try:
                self.program.resolve_constraint_variables(state, self.definition)
                operand_types = self.program.resolve_operand_types(state, self.definition)
                result_types = self.program.resolve_result_types(state, self.definition)
            except VerifyException:
                self._refuse_types("operand", self.definition.operands, state.operand_types)
                self._refuse_types("result", self.definition.results, state.result_types)
                raise
        operands = [
            self._resolve(reader, group or (), types, start)
            for group, types in zip(state.operands, operand_types, strict=True)
        ]
        if self.flat:
            return self.kind.create(
                operands=[value for group in operands for value in group],
                result_types=[type for group in result_types for type in group or ()],
                properties=state.properties,
                attributes=state.attributes,
                regions=[region for group in state.regions for region in group or ()],
                successors=[block for group in state.successors for block in group or ()],
            )
        return self.kind.build(
            operands=operands,
            result_types=result_types,
            properties=state.properties,
            attributes=state.attributes,
            regions=state.regions,
            successors=state.successors,
        )

    def _refuse_types(self, sort: str, definitions: Sequence[tuple[str, Any]], groups: Sequence[Any]) -> None:
        """Say which type is none that the op takes. Raises VerifyException."""
        for (name, definition), types in zip(definitions, groups, strict=True):
            for type in types or ():
                try:
                    definition.constr.verify((type,), VerificationContext())
                except VerifyException:
                    kinds = shown(definition.constr).removesuffix(" (T)")
                    named = f"the {sort}" if name == sort else f"the {sort} '{name}'"
                    raise VerifyException(f"{named} must be {kinds}, not {type}") from None

    def _resolve(self, reader: Shim, group: Sequence[Any], types: Sequence[Attribute], start: int) -> list[SSAValue]:
        if len(group) != len(types):
            message = f"'{self.kind.name}' has {count_of(group, 'operand')} here, but {count_of(types, 'type')}"
            reader.fail(message, start, code=codes.COUNT_MISMATCH)
        return [reader.resolve_operand(operand, type) for operand, type in zip(group, types, strict=True)]


def _step(directive: FormatDirective) -> Step | None:
    make = _STEPS.get(type(directive))
    return directive.parse if make is None else make(directive)


def _nothing(directive: WhitespaceDirective) -> None:
    """White space is for printing."""


def _punctuation(directive: PunctuationDirective) -> Step:
    spelling = directive.punctuation

    def step(reader: Shim, state: ParsingState) -> None:
        if reader.token == spelling:
            reader.advance()
        else:
            reader.parse_punctuation(spelling)

    return step


def _keyword(directive: KeywordDirective) -> Step:
    keyword = directive.keyword

    def step(reader: Shim, state: ParsingState) -> None:
        if reader.token == keyword:
            reader.advance()
        else:
            reader.parse_keyword(keyword)

    return step


def _operand(directive: OperandVariable) -> Step:
    index = directive.index

    def step(reader: Shim, state: ParsingState) -> None:
        state.operands[index] = (reader.parse_unresolved_operand(),)

    return step


def _type(directive: TypeDirective) -> Step:
    inner = directive.inner
    if type(inner) is OperandVariable or type(inner) is ResultVariable:
        index, is_operand = inner.index, type(inner) is OperandVariable
    else:
        return directive.parse

    def step(reader: Shim, state: ParsingState) -> None:
        types = state.operand_types if is_operand else state.result_types
        types[index] = (reader.parse_type(),)

    return step


def _attributes(directive: AttrDictDirective) -> Step:
    opening = "attributes" if directive.with_keyword else "{"

    def step(reader: Shim, state: ParsingState) -> None:
        if reader.token == opening:
            directive.parse(reader, state)

    return step


_STEPS: dict[type[FormatDirective], Callable[[Any], Step | None]] = {
    WhitespaceDirective: _nothing,
    PunctuationDirective: _punctuation,
    KeywordDirective: _keyword,
    OperandVariable: _operand,
    TypeDirective: _type,
    AttrDictDirective: _attributes,
}
