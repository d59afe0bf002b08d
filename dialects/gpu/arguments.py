"""How arguments, results and attributions of functions and launches are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr
from xdsl.ir import Attribute, BlockArgument
from xdsl.parser import Parser
from xdsl.printer import Printer


@dataclass
class Arguments:
    """Arguments that were read, and the attributes of each."""

    arguments: list[Parser.Argument] = field(default_factory=list[Parser.Argument])
    attributes: list[dict[str, Attribute]] = field(default_factory=list[dict[str, Attribute]])

    @property
    def types(self) -> list[Attribute]:
        """Their types."""
        return [argument.type for argument in self.arguments]

    def packed(self) -> ArrayAttr[DictionaryAttr] | None:
        """Their attributes as one, None where no argument has any."""
        return packed(self.attributes)


def packed(attributes: Sequence[dict[str, Attribute]]) -> ArrayAttr[DictionaryAttr] | None:
    """The attributes of several values as one; None where no value has any."""
    return ArrayAttr([DictionaryAttr(each) for each in attributes]) if any(attributes) else None


def parse_arguments(parser: Parser) -> Arguments:
    """`(%x: f32 {attributes}, %y: i32)`."""
    read = Arguments()

    def one() -> None:
        argument = parser.parse_argument()
        read.attributes.append(parser.parse_optional_dictionary_attr_dict())
        argument.location = parser.parse_optional_location()
        read.arguments.append(argument)

    parser.parse_comma_separated_list(parser.Delimiter.PAREN, one)
    return read


def parse_attributions(parser: Parser, keyword: str) -> Arguments:
    """`workgroup(%m : memref<4xf32, 3>)`, or nothing."""
    return parse_arguments(parser) if parser.parse_optional_keyword(keyword) is not None else Arguments()


def parse_results(parser: Parser) -> tuple[list[Attribute], ArrayAttr[DictionaryAttr] | None]:
    """`-> f32` or `-> (f32 {attributes}, i32)`, or nothing: the types, and their attributes."""
    if parser.parse_optional_punctuation("->") is None:
        return [], None

    def one() -> tuple[Attribute, dict[str, Attribute]]:
        return parser.parse_type(), parser.parse_optional_dictionary_attr_dict()

    results = parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, one)
    if results is None:
        return [parser.parse_type()], None
    return [type_ for type_, _ in results], packed([attributes for _, attributes in results])


def print_arguments(
    printer: Printer, arguments: Sequence[BlockArgument], attributes: ArrayAttr[DictionaryAttr] | None
) -> None:
    """The inverse of :func:`parse_arguments`."""
    with printer.in_parens():
        for index, argument in enumerate(arguments):
            if index:
                printer.print_string(", ")
            printer.print_block_argument(argument)
            _print_attributes(printer, attributes, index)


def print_attributions(
    printer: Printer, keyword: str, arguments: Sequence[BlockArgument], attributes: ArrayAttr[DictionaryAttr] | None
) -> None:
    """The inverse of :func:`parse_attributions`."""
    if arguments:
        printer.print_string(f" {keyword}")
        print_arguments(printer, arguments, attributes)


def print_results(printer: Printer, types: Sequence[Attribute], attributes: ArrayAttr[DictionaryAttr] | None) -> None:
    """The inverse of :func:`parse_results`."""
    if not types:
        return
    printer.print_string(" -> ")
    if len(types) == 1 and attributes is None:
        printer.print_attribute(types[0])
        return
    with printer.in_parens():
        for index, type_ in enumerate(types):
            if index:
                printer.print_string(", ")
            printer.print_attribute(type_)
            _print_attributes(printer, attributes, index)


def _print_attributes(printer: Printer, attributes: ArrayAttr[DictionaryAttr] | None, index: int) -> None:
    if attributes is not None and attributes.data[index].data:
        printer.print_op_attributes(attributes.data[index].data)
