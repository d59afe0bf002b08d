"""`scf.parallel (%i) = (%a) to (%b) step (%c) init (%x) -> f32 {...}`."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType
from xdsl.dialects.scf import ParallelOp, ReduceOp
from xdsl.ir import SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from weft.dialects.upstream.syntax.arrow import parse_arrow_types, print_arrow_types
from weft.dialects.upstream.syntax.index import Syntax


def _parse(parser: Parser) -> ParallelOp:
    variables = parser.parse_comma_separated_list(
        Parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=False)
    )
    parser.parse_punctuation("=")
    lower = _parse_indices(parser)
    parser.parse_keyword("to")
    upper = _parse_indices(parser)
    parser.parse_keyword("step")
    steps = _parse_indices(parser)
    inits: list[UnresolvedOperand] = []
    place = parser.pos
    if parser.parse_optional_keyword("init") is not None:
        inits = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_unresolved_operand)
    types = parse_arrow_types(parser)
    values = parser.resolve_operands(inits, types, place)
    body = parser.parse_region([variable.resolve(IndexType()) for variable in variables])
    if not isinstance(body.block.last_op, ReduceOp):
        body.block.add_op(ReduceOp())
    op = ParallelOp(lower, upper, steps, body, values)
    op.attributes |= parser.parse_optional_attr_dict()
    return op


def _parse_indices(parser: Parser) -> Sequence[SSAValue]:
    operands = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_unresolved_operand)
    return [parser.resolve_operand(operand, IndexType()) for operand in operands]


def _print(op: ParallelOp, printer: Printer) -> None:
    printer.print_string(" ")
    with printer.in_parens():
        printer.print_list(op.body.block.args, lambda arg: printer.print_block_argument(arg, print_type=False))
    printer.print_string(" = ")
    printer.print_operands(op.lowerBound)
    printer.print_string(" to ")
    printer.print_operands(op.upperBound)
    printer.print_string(" step ")
    printer.print_operands(op.step)
    if op.initVals:
        printer.print_string(" init ")
        printer.print_operands(op.initVals)
        print_arrow_types(printer, op.res.types)
    printer.print_string(" ")
    printer.print_region(op.body, print_entry_block_args=False)
    printer.print_op_attributes(op.attributes)


SYNTAX = {"scf.parallel": Syntax(_parse, _print)}
