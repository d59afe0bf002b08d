"""Syntax that the formats of several ops share."""

from __future__ import annotations

from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    OptionalResultVariable,
    ParsingState,
    PrintingState,
    TypeDirective,
    VariadicOperandVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.dialects.gpu.attributes import AllReduceOpAttr, AsyncTokenType


@irdl_custom_directive
class AsyncDependencies(CustomDirective):
    """`async [%t0, %t1]`: the op gives a token, and begins when those of its operands have come."""

    token: TypeDirective
    dependencies: VariadicOperandVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the word and the tokens, either or both of which may be missing."""
        is_async = parser.parse_optional_keyword("async") is not None
        self.token.set(state, (AsyncTokenType(),) if is_async else ())
        tokens = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_unresolved_operand)
        self.dependencies.set(state, tokens or ())
        self.dependencies.set_types(state, [AsyncTokenType()] * len(tokens or ()))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print what there is."""
        assert isinstance(self.token.inner, OptionalResultVariable)
        if self.token.inner.get_types(op):
            state.print_whitespace(printer)
            printer.print_string("async")
            state.should_emit_space, state.last_was_punctuation = True, False
        if tokens := self.dependencies.get(op):
            state.print_whitespace(printer)
            with printer.in_square_brackets():
                printer.print_list(tokens, printer.print_ssa_value)
            state.should_emit_space, state.last_was_punctuation = True, False


@irdl_custom_directive
class ReductionKind(CustomDirective):
    """`add`, or nothing where a region says how to combine."""

    kind: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the word."""
        word = next((word for word in AllReduceOpAttr.WORDS if parser.parse_optional_keyword(word) is not None), None)
        if word is not None:
            self.kind.set(state, AllReduceOpAttr(word))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the word."""
        kind = self.kind.get(op)
        if isinstance(kind, AllReduceOpAttr):
            state.print_whitespace(printer)
            printer.print_string(kind.data)
            state.should_emit_space, state.last_was_punctuation = True, False
