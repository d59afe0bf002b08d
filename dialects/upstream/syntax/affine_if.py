"""`affine.if #set(%i)[%n] -> (f32) {...} else {...}`."""

from __future__ import annotations

from xdsl.dialects.affine import IfOp, YieldOp
from xdsl.dialects.builtin import AffineSetAttr
from xdsl.ir import Block, Region
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.dialects.upstream.syntax.affine_expressions import parse_values, print_values
from weft.dialects.upstream.syntax.arrow import parse_arrow_types, print_arrow_types
from weft.dialects.upstream.syntax.index import Syntax


def _parse(parser: Parser) -> IfOp:
    condition = parser.parse_attribute()
    if not isinstance(condition, AffineSetAttr):
        parser.raise_error("expected an affine set")
    operands, _ = parse_values(parser)
    types = parse_arrow_types(parser)
    then = _terminated(parser.parse_region())
    otherwise = Region()
    if parser.parse_optional_keyword("else") is not None:
        otherwise = _terminated(parser.parse_region())
    op = IfOp.build(
        operands=[operands],
        result_types=[types],
        properties={"condition": condition},
        regions=[then, otherwise],
    )
    op.attributes |= parser.parse_optional_attr_dict()
    return op


def _terminated(region: Region) -> Region:
    """The region with the yield of nothing that its text leaves out."""
    if not region.blocks:
        region.add_block(Block())
    block = region.blocks[0]
    if not isinstance(block.last_op, YieldOp):
        block.add_op(YieldOp.get())
    return region


def _print(op: IfOp, printer: Printer) -> None:
    printer.print_string(" ")
    printer.print_attribute(op.condition)
    print_values(printer, op.args, op.condition.data.num_dims)
    print_arrow_types(printer, op.res.types)
    printer.print_string(" ")
    printer.print_region(op.then_region, print_block_terminators=bool(op.res))
    if op.else_region.blocks:
        printer.print_string(" else ")
        printer.print_region(op.else_region, print_block_terminators=bool(op.res))
    printer.print_op_attributes(op.attributes)


SYNTAX = {"affine.if": Syntax(_parse, _print)}
