"""The text of ops that combine elements by a body: a short form for known kinds, and the form with the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Region, SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from weft.dialects.ml.base import Tensor

Parsed: TypeAlias = dict[str, Any]
"""What `create` takes."""


@dataclass(frozen=True)
class Option:
    """`, name = value` in the text: the property that it is, and how the value is read and written."""

    property: str
    parse: Callable[[Parser], Attribute]
    text: Callable[[Attribute], str]
    needed: bool = False


Options: TypeAlias = Mapping[str, Option]


def parse_options(parser: Parser, options: Options) -> dict[str, Attribute]:
    """Read `, name = value` as often as it stands there, in any order, as properties."""
    found: dict[str, Attribute] = {}
    while parser.parse_optional_punctuation(","):
        position = parser.pos
        name = parser.expect(
            lambda: parser.parse_optional_keyword_in(list(options)), f"expected one of {', '.join(options)}"
        )
        if options[name].property in found:
            parser.raise_error(f"{name} is given twice", position)
        parser.parse_punctuation("=")
        found[options[name].property] = options[name].parse(parser)
    for name, option in options.items():
        if option.needed and option.property not in found:
            parser.raise_error(f"expected {name} = ...")
    return found


def print_options(printer: Printer, op: IRDLOperation, options: Options) -> None:
    """Write the options that are given."""
    for name, option in options.items():
        if (attr := op.properties.get(option.property)) is not None:
            printer.print_string(f", {name} = {option.text(attr)}")


def parse_with_kind(parser: Parser, options: Options, name: str, body: Callable[[Attribute], Region]) -> Parsed:
    """The rest of `KIND %x init %z, options : type to type`; `body` makes the region for an element type."""
    operands = [parser.parse_unresolved_operand()]
    if parser.parse_optional_keyword("init"):
        operands.append(parser.parse_unresolved_operand())
    properties, attributes = parse_options(parser, options), parser.parse_optional_attr_dict()
    parser.parse_punctuation(":")
    position = parser.pos
    source = parser.parse_type()
    parser.parse_keyword("to")
    target = parser.parse_type()
    if not isinstance(source, TensorType):
        parser.raise_error(f"{name} takes a ranked tensor, not {source}", position)
    element = cast(Tensor, source).element_type
    types: list[Attribute] = [source, TensorType(element, [])]
    return {
        "operands": parser.resolve_operands(operands, types[: len(operands)], position),
        "result_types": [target],
        "properties": properties,
        "attributes": attributes,
        "regions": [body(element)],
    }


def parse_with_body(parser: Parser, options: Options) -> Parsed:
    """The rest of `(%x, ... init %z, ...), options : (types) -> types { body }`."""
    parser.parse_punctuation("(")
    operands = _parse_operands(parser)
    if parser.parse_optional_keyword("init"):
        operands += _parse_operands(parser)
    parser.parse_punctuation(")")
    properties, attributes = parse_options(parser, options), parser.parse_optional_attr_dict()
    parser.parse_punctuation(":")
    position = parser.pos
    types = parser.parse_function_type()
    return {
        "operands": parser.resolve_operands(operands, types.inputs.data, position),
        "result_types": types.outputs.data,
        "properties": properties,
        "attributes": attributes,
        "regions": [parser.parse_region()],
    }


def _parse_operands(parser: Parser) -> list[UnresolvedOperand]:
    return parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_unresolved_operand)


def print_reduction(
    printer: Printer,
    op: IRDLOperation,
    options: Options,
    kind: str | None,
    inputs: Sequence[SSAValue],
    inits: Sequence[SSAValue],
) -> None:
    """Write an op: the short form where a kind is given, else the form with the body."""
    if kind is not None:
        printer.print_string(f" {kind} ")
        printer.print_ssa_value(inputs[0])
    else:
        printer.print_string("(")
        printer.print_list(inputs, printer.print_ssa_value)
    if inits:
        printer.print_string(" init ")
        printer.print_list(inits, printer.print_ssa_value)
    if kind is None:
        printer.print_string(")")
    print_options(printer, op, options)
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    if kind is not None:
        printer.print_string(f"{inputs[0].type} to {op.results[0].type}")
        return
    printer.print_operation_type(op)
    printer.print_string(" ")
    printer.print_region(op.regions[0])
