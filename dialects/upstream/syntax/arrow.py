"""`-> f32` and `-> (f32, i32)`: the types of results."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.printer import Printer


def parse_arrow_types(parser: Parser) -> Sequence[Attribute]:
    """The types behind an arrow; none where there is no arrow."""
    if parser.parse_optional_punctuation("->") is None:
        return ()
    types = parser.parse_optional_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_type)
    return [parser.parse_type()] if types is None else types


def print_arrow_types(printer: Printer, types: Sequence[Attribute]) -> None:
    """The inverse of :func:`parse_arrow_types`."""
    if not types:
        return
    printer.print_string(" -> ")
    if len(types) == 1:
        printer.print_attribute(types[0])
        return
    with printer.in_parens():
        printer.print_list(types, printer.print_attribute)
