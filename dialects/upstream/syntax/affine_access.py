"""`affine.load %m[%i + symbol(%n)] : memref<4xf32>` and `affine.store`."""

from __future__ import annotations

from typing import Any, cast

from xdsl.dialects.affine import LoadOp, StoreOp
from xdsl.dialects.builtin import AffineMapAttr, MemRefType
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from weft.dialects.upstream.syntax.affine_expressions import Space, parse_sum, print_expression
from weft.dialects.upstream.syntax.index import Syntax


def _parse_place(parser: Parser) -> tuple[UnresolvedOperand, Space, AffineMapAttr]:
    """`%m[EXPRESSIONS]`."""
    memref, space = parser.parse_unresolved_operand(), Space()
    results = parser.parse_comma_separated_list(Parser.Delimiter.SQUARE, lambda: parse_sum(parser, space))
    return memref, space, AffineMapAttr(space.map(results))


def _print_place(printer: Printer, memref: SSAValue, indices: tuple[SSAValue, ...], map_: AffineMapAttr) -> None:
    printer.print_ssa_value(memref)
    dims = map_.data.num_dims
    with printer.in_square_brackets():
        printer.print_list(
            map_.data.results, lambda result: print_expression(printer, result, indices[:dims], indices[dims:])
        )


def _parse_memref_type(parser: Parser) -> MemRefType[Attribute]:
    parser.parse_punctuation(":")
    type_ = parser.parse_type()
    if not isinstance(type_, MemRefType):
        parser.raise_error("expected a memref type")
    return cast("MemRefType[Attribute]", type_)


def _parse_load(parser: Parser) -> LoadOp:
    memref, space, map_ = _parse_place(parser)
    attributes = parser.parse_optional_attr_dict()
    type_ = _parse_memref_type(parser)
    op = LoadOp(parser.resolve_operand(memref, type_), space.operands(parser), map_, type_.element_type)
    op.attributes |= attributes
    return op


def _print_load(op: LoadOp, printer: Printer) -> None:
    printer.print_string(" ")
    _print_place(printer, op.memref, tuple(op.indices), op.map)
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    printer.print_attribute(op.memref.type)


def _parse_store(parser: Parser) -> StoreOp:
    value = parser.parse_unresolved_operand()
    parser.parse_punctuation(",")
    memref, space, map_ = _parse_place(parser)
    attributes = parser.parse_optional_attr_dict()
    type_ = _parse_memref_type(parser)
    stored = parser.resolve_operand(value, type_.element_type)
    op = StoreOp(stored, parser.resolve_operand(memref, type_), space.operands(parser), map_)
    op.attributes |= attributes
    return op


def _print_store(op: StoreOp, printer: Printer) -> None:
    printer.print_string(" ")
    printer.print_ssa_value(op.value)
    printer.print_string(", ")
    _print_place(printer, op.memref, tuple(op.indices), op.map)
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    printer.print_attribute(op.memref.type)


SYNTAX: dict[str, Any] = {
    "affine.load": Syntax(_parse_load, _print_load),
    "affine.store": Syntax(_parse_store, _print_store),
}
