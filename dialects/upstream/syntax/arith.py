"""`arith.cmpi`, `arith.cmpf` and `arith.select`, on vectors and tensors too, with their attributes."""

from __future__ import annotations

from typing import Any, cast

from xdsl.dialects.arith import (
    CMPF_COMPARISON_OPERATIONS,
    CMPI_COMPARISON_OPERATIONS,
    CmpfOp,
    CmpiOp,
    FastMathFlagsAttr,
    SelectOp,
)
from xdsl.dialects.builtin import IntegerAttr, TensorType, VectorType, i1, i64
from xdsl.ir import Attribute, Operation
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.dialects.upstream.syntax.index import Syntax

_NO_FLAGS = FastMathFlagsAttr("none")


def truth_like(type_: Attribute) -> Attribute:
    """The type that a comparison of values of a type gives: i1, or as many of them."""
    if isinstance(type_, VectorType):
        vector = cast("VectorType[Any]", type_)
        return VectorType(i1, vector.get_shape(), vector.scalable_dims)
    if isinstance(type_, TensorType):
        tensor = cast("TensorType[Any]", type_)
        return TensorType(i1, tensor.get_shape(), tensor.encoding)
    return i1


# ---------- arith.cmpi slt, %a, %b : vector<4xi32>
def _parse_comparison(parser: Parser, kind: type[CmpiOp] | type[CmpfOp], predicates: list[str]) -> Operation:
    name = parser.parse_identifier(" of a comparison")
    if name not in predicates:
        parser.raise_error(f"expected one of {', '.join(predicates)}, not '{name}'")
    parser.parse_punctuation(",")
    lhs = parser.parse_unresolved_operand()
    parser.parse_punctuation(",")
    rhs = parser.parse_unresolved_operand()
    properties: dict[str, Attribute] = {"predicate": IntegerAttr(predicates.index(name), i64)}
    if kind is CmpfOp:
        has_flags = parser.parse_optional_keyword("fastmath") is not None
        flags = FastMathFlagsAttr(FastMathFlagsAttr.parse_parameter(parser)) if has_flags else _NO_FLAGS
        properties["fastmath"] = flags
    attributes = parser.parse_optional_attr_dict()
    parser.parse_punctuation(":")
    type_ = parser.parse_type()
    operands = [parser.resolve_operand(lhs, type_), parser.resolve_operand(rhs, type_)]
    return kind.create(
        operands=operands, result_types=[truth_like(type_)], properties=properties, attributes=attributes
    )


def _print_comparison(op: CmpiOp | CmpfOp, printer: Printer, predicates: list[str]) -> None:
    printer.print_string(f" {predicates[op.predicate.value.data]}, ")
    printer.print_list(op.operands, printer.print_ssa_value)
    if isinstance(op, CmpfOp) and op.fastmath != _NO_FLAGS:
        printer.print_string(" fastmath")
        op.fastmath.print_parameter(printer)
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    printer.print_attribute(op.lhs.type)


# ---------- arith.select %c, %a, %b : vector<4xi1>, vector<4xi32>
def _parse_select(parser: Parser) -> SelectOp:
    operands = parser.parse_comma_separated_list(Parser.Delimiter.NONE, parser.parse_unresolved_operand)
    if len(operands) != 3:
        parser.raise_error(f"expected a condition and two values, found {len(operands)} operands")
    attributes = parser.parse_optional_attr_dict()
    parser.parse_punctuation(":")
    condition, type_ = cast(Attribute, i1), parser.parse_type()
    if parser.parse_optional_punctuation(",") is not None:
        condition, type_ = type_, parser.parse_type()
    return SelectOp.create(
        operands=[
            parser.resolve_operand(operand, of) for operand, of in zip(operands, (condition, type_, type_), strict=True)
        ],
        result_types=[type_],
        attributes=attributes,
    )


def _print_select(op: SelectOp, printer: Printer) -> None:
    printer.print_string(" ")
    printer.print_list(op.operands, printer.print_ssa_value)
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    if op.cond.type != i1:
        printer.print_attribute(op.cond.type)
        printer.print_string(", ")
    printer.print_attribute(op.result.type)


def _comparison(kind: type[CmpiOp] | type[CmpfOp], predicates: list[str]) -> Syntax:
    def parse(parser: Parser) -> Operation:
        return _parse_comparison(parser, kind, predicates)

    def write(op: Any, printer: Printer) -> None:
        _print_comparison(op, printer, predicates)

    return Syntax(parse, write)


SYNTAX = {
    "arith.cmpi": _comparison(CmpiOp, CMPI_COMPARISON_OPERATIONS),
    "arith.cmpf": _comparison(CmpfOp, CMPF_COMPARISON_OPERATIONS),
    "arith.select": Syntax(_parse_select, _print_select),
}
