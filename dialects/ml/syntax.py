"""Pieces of custom syntax that several ops of ml share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import I64, DenseArrayBase, i64
from xdsl.ir import Attribute
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer


def values_of(attr: Attribute | None) -> tuple[int, ...]:
    """The integers of an `array<i64: ...>`; none where it is absent."""
    return () if attr is None else cast(DenseArrayBase[I64], attr).get_values()


@irdl_custom_directive
class IndexList(CustomDirective):
    """A list of integers in brackets, `[0, 2]`; an absent one is `[]`."""

    values: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the list."""
        values = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        self.values.set(state, DenseArrayBase.from_list(i64, values))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the list."""
        state.print_whitespace(printer)
        printer.print_string(f"[{', '.join(map(str, values_of(self.values.get(op))))}]")


TO_THE_END = -1
"""A limit of a slice that is the size of the operand."""


@irdl_custom_directive
class Ranges(CustomDirective):
    """The ranges of a slice, `[0:4, 2:10:2, 1:?]`: start, limit (`?` is the end), and stride if not 1."""

    starts: AttributeVariable
    limits: AttributeVariable
    strides: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the ranges."""
        ranges = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_range(parser))
        for variable, values in zip(
            (self.starts, self.limits, self.strides),
            zip(*ranges, strict=True) if ranges else ((), (), ()),
            strict=True,
        ):
            if variable is not self.strides or any(stride != 1 for stride in values):
                variable.set(state, DenseArrayBase.from_list(i64, values))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the ranges."""
        starts, limits = values_of(self.starts.get(op)), values_of(self.limits.get(op))
        strides: Sequence[int] = values_of(self.strides.get(op)) or (1,) * len(starts)
        state.print_whitespace(printer)
        printer.print_string(f"[{', '.join(map(_range_text, starts, limits, strides))}]")


def _parse_range(parser: Parser) -> tuple[int, int, int]:
    start = parser.parse_integer()
    parser.parse_punctuation(":")
    limit = TO_THE_END if parser.parse_optional_punctuation("?") else parser.parse_integer()
    stride = parser.parse_integer() if parser.parse_optional_punctuation(":") else 1
    return start, limit, stride


def _range_text(start: int, limit: int, stride: int) -> str:
    text = f"{start}:{'?' if limit == TO_THE_END else limit}"
    return text if stride == 1 else f"{text}:{stride}"
