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


def parse_list(parser: Parser) -> DenseArrayBase[I64]:
    """Read `[0, 2]`."""
    values = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
    return DenseArrayBase.from_list(i64, values)


def list_text(attr: Attribute | None) -> str:
    """`[0, 2]`; an absent list is `[]`."""
    return f"[{', '.join(map(str, values_of(attr)))}]"


TO_THE_END = -1
"""A limit of a slice that is the size of the operand."""


@irdl_custom_directive
class Ranges(CustomDirective):
    """The ranges of a slice, `[0:4, 2:10:2, 1:?]`: start, limit (`?` is the end), and stride."""

    starts: AttributeVariable
    limits: AttributeVariable
    strides: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the ranges."""
        ranges = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_range(parser))
        columns = zip(*ranges, strict=True) if ranges else ((), (), ())
        starts, limits, strides = (tuple(column) for column in columns)
        self.starts.set(state, DenseArrayBase.from_list(i64, starts))
        self.limits.set(state, DenseArrayBase.from_list(i64, limits))
        if any(strides):
            self.strides.set(state, DenseArrayBase.from_list(i64, [stride or 1 for stride in strides]))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the ranges."""
        starts, limits = values_of(self.starts.get(op)), values_of(self.limits.get(op))
        strides: Sequence[int] = values_of(self.strides.get(op)) or (_UNSAID,) * len(starts)
        if any(stride > 1 for stride in strides):
            strides = [_UNSAID if stride == 1 else stride for stride in strides]
        state.print_whitespace(printer)
        printer.print_string(f"[{', '.join(map(_range_text, starts, limits, strides))}]")


_UNSAID = 0
"""A stride that the text does not say."""


def _parse_range(parser: Parser) -> tuple[int, int, int]:
    start = parser.parse_integer()
    parser.parse_punctuation(":")
    limit = TO_THE_END if parser.parse_optional_punctuation("?") else parser.parse_integer()
    stride = parser.parse_integer() if parser.parse_optional_punctuation(":") else _UNSAID
    return start, limit, stride


def _range_text(start: int, limit: int, stride: int) -> str:
    text = f"{start}:{'?' if limit == TO_THE_END else limit}"
    return text if stride == _UNSAID else f"{text}:{stride}"


@irdl_custom_directive
class Sizes(CustomDirective):
    """The sizes of a slice, `[1, 8, ?]`: `?` is all of a dimension."""

    sizes: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the sizes."""

        def size() -> int:
            return TO_THE_END if parser.parse_optional_punctuation("?") else parser.parse_integer()

        sizes = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, size)
        self.sizes.set(state, DenseArrayBase.from_list(i64, sizes))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the sizes."""
        state.print_whitespace(printer)
        texts = ("?" if size == TO_THE_END else str(size) for size in values_of(self.sizes.get(op)))
        printer.print_string(f"[{', '.join(texts)}]")
