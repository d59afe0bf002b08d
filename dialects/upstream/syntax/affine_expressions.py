"""Affine expressions over values: `%i * 2 + symbol(%n)`, and lists of values that a map is applied to.

Source: https://mlir.llvm.org/docs/Dialects/Affine/#restrictions-on-dimensions-and-symbols
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import IndexType
from xdsl.ir import SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

_PRODUCTS = {
    "*": AffineBinaryOpKind.Mul,
    "mod": AffineBinaryOpKind.Mod,
    "floordiv": AffineBinaryOpKind.FloorDiv,
    "ceildiv": AffineBinaryOpKind.CeilDiv,
}


@dataclass
class Space:
    """The values that stand in expressions: as dimensions, and as symbols."""

    dims: list[UnresolvedOperand] = field(default_factory=list[UnresolvedOperand])
    symbols: list[UnresolvedOperand] = field(default_factory=list[UnresolvedOperand])

    def map(self, results: Sequence[AffineExpr]) -> AffineMap:
        """The map of these expressions."""
        return AffineMap(len(self.dims), len(self.symbols), tuple(results))

    def operands(self, parser: Parser) -> list[SSAValue]:
        """The values, in the order that the map takes them."""
        return [parser.resolve_operand(operand, IndexType()) for operand in (*self.dims, *self.symbols)]


def parse_sum(parser: Parser, space: Space) -> AffineExpr:
    """`product (+|- product)*`."""
    expression = _product(parser, space)
    while True:
        if parser.parse_optional_punctuation("+") is not None:
            expression = expression + _product(parser, space)
        elif parser.parse_optional_punctuation("-") is not None:
            expression = expression - _product(parser, space)
        else:
            return expression


def _product(parser: Parser, space: Space) -> AffineExpr:
    expression = _factor(parser, space)
    while True:
        operator = next((text for text in _PRODUCTS if parser.parse_optional_characters(text) is not None), None)
        if operator is None:
            return expression
        expression = AffineExpr.binary(_PRODUCTS[operator], expression, _factor(parser, space))


def _factor(parser: Parser, space: Space) -> AffineExpr:
    if parser.parse_optional_punctuation("(") is not None:
        inner = parse_sum(parser, space)
        parser.parse_punctuation(")")
        return inner
    if parser.parse_optional_punctuation("-") is not None:
        return -_factor(parser, space)
    if parser.parse_optional_keyword("symbol") is not None:
        parser.parse_punctuation("(")
        symbol = AffineExpr.symbol(_position(space.symbols, parser.parse_unresolved_operand()))
        parser.parse_punctuation(")")
        return symbol
    operand = parser.parse_optional_unresolved_operand()
    if operand is not None:
        return AffineExpr.dimension(_position(space.dims, operand))
    return AffineExpr.constant(parser.parse_integer(allow_boolean=False))


def _position(known: list[UnresolvedOperand], operand: UnresolvedOperand) -> int:
    """The place of an operand among those of its kind; a new one comes last."""
    for position, other in enumerate(known):
        if (other.operand_name, other.index) == (operand.operand_name, operand.index):
            return position
    known.append(operand)
    return len(known) - 1


def print_expression(printer: Printer, expression: AffineExpr, dims: Sequence[SSAValue], symbols: Sequence[SSAValue]):
    """Print an expression with values for its dimensions and symbols."""
    match expression:
        case AffineConstantExpr():
            printer.print_string(str(expression.value))
        case AffineDimExpr():
            printer.print_ssa_value(dims[expression.position])
        case AffineSymExpr():
            printer.print_string("symbol(")
            printer.print_ssa_value(symbols[expression.position])
            printer.print_string(")")
        case AffineBinaryOpExpr():
            _print_side(printer, expression, expression.lhs, dims, symbols, is_right=False)
            printer.print_string(f" {expression.kind.get_token()} ")
            _print_side(printer, expression, expression.rhs, dims, symbols, is_right=True)
        case _:
            raise ValueError(f"unknown affine expression {expression}")


def _print_side(
    printer: Printer,
    parent: AffineBinaryOpExpr,
    side: AffineExpr,
    dims: Sequence[SSAValue],
    symbols: Sequence[SSAValue],
    *,
    is_right: bool,
):
    is_sum = parent.kind is AffineBinaryOpKind.Add
    nested = isinstance(side, AffineBinaryOpExpr) and not is_sum
    nested = nested and (is_right or _kind(side) is AffineBinaryOpKind.Add)
    if nested:
        printer.print_string("(")
    print_expression(printer, side, dims, symbols)
    if nested:
        printer.print_string(")")


def _kind(expression: AffineExpr) -> AffineBinaryOpKind | None:
    """The operator of an expression, or None."""
    return expression.kind if isinstance(expression, AffineBinaryOpExpr) else None


def parse_values(parser: Parser) -> tuple[list[SSAValue], int]:
    """`(%a, %b)[%n]`: the values, and how many of them are dimensions."""
    dims = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_unresolved_operand)
    symbols = parser.parse_optional_comma_separated_list(Parser.Delimiter.SQUARE, parser.parse_unresolved_operand) or []
    return [parser.resolve_operand(operand, IndexType()) for operand in (*dims, *symbols)], len(dims)


def print_values(printer: Printer, values: Sequence[SSAValue], dims: int) -> None:
    """The inverse of :func:`parse_values`."""
    with printer.in_parens():
        printer.print_list(values[:dims], printer.print_ssa_value)
    if len(values) > dims:
        with printer.in_square_brackets():
            printer.print_list(values[dims:], printer.print_ssa_value)
