"""`affine.parallel (%i, %j) = (0, max(%a, 4)) to (8, %n) step (2, 1) {...}`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from xdsl.dialects.affine import ParallelOp, YieldOp
from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DenseIntElementsAttr,
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerAttr,
    StringAttr,
    TensorType,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineExpr
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.dialects.upstream.syntax.affine_expressions import Space, parse_sum, print_expression
from weft.dialects.upstream.syntax.index import Syntax


@dataclass(frozen=True)
class _Bounds:
    """One bound a loop: the greatest, or the least, of a group of expressions."""

    map: AffineMapAttr
    groups: DenseIntElementsAttr
    operands: list[SSAValue]


def _parse_bounds(parser: Parser, choice: str) -> _Bounds:
    space = Space()

    def group() -> list[AffineExpr]:
        if parser.parse_optional_keyword(choice) is None:
            return [parse_sum(parser, space)]
        return parser.parse_comma_separated_list(Parser.Delimiter.PAREN, lambda: parse_sum(parser, space))

    groups = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, group)
    counts = DenseIntOrFPElementsAttr.from_list(TensorType(i32, [len(groups)]), [len(group) for group in groups])
    map_ = AffineMapAttr(space.map([expression for group in groups for expression in group]))
    return _Bounds(map_, cast(DenseIntElementsAttr, counts), space.operands(parser))


def _parse(parser: Parser) -> ParallelOp:
    variables = parser.parse_comma_separated_list(
        Parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=False)
    )
    parser.parse_punctuation("=")
    lower = _parse_bounds(parser, "max")
    parser.parse_keyword("to")
    upper = _parse_bounds(parser, "min")
    steps = [1] * len(variables)
    if parser.parse_optional_keyword("step") is not None:
        steps = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_integer)
    reductions: list[str] = []
    types: list[Attribute] = []
    if parser.parse_optional_keyword("reduce") is not None:
        reductions = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_str_literal)
        parser.parse_punctuation("->")
        types = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_type)
    body = parser.parse_region([variable.resolve(IndexType()) for variable in variables])
    if not isinstance(body.block.last_op, YieldOp):
        body.block.add_op(YieldOp.get())
    op = ParallelOp.build(
        operands=[[*lower.operands, *upper.operands]],
        result_types=[types],
        properties={
            "reductions": ArrayAttr([StringAttr(name) for name in reductions]),
            "lowerBoundsMap": lower.map,
            "lowerBoundsGroups": lower.groups,
            "upperBoundsMap": upper.map,
            "upperBoundsGroups": upper.groups,
            "steps": ArrayAttr([IntegerAttr(step, i64) for step in steps]),
        },
        regions=[body],
    )
    op.attributes |= parser.parse_optional_attr_dict()
    return op


def _print_bounds(
    printer: Printer, choice: str, map_: AffineMapAttr, groups: DenseIntElementsAttr, operands: Sequence[SSAValue]
) -> None:
    dims, results = map_.data.num_dims, iter(map_.data.results)

    def one(expression: AffineExpr) -> None:
        print_expression(printer, expression, operands[:dims], operands[dims:])

    def group(count: int) -> None:
        expressions = [next(results) for _ in range(count)]
        if count == 1:
            one(expressions[0])
            return
        printer.print_string(f"{choice}(")
        printer.print_list(expressions, one)
        printer.print_string(")")

    with printer.in_parens():
        printer.print_list([int(count) for count in cast(Any, groups).get_values()], group)


def _print(op: ParallelOp, printer: Printer) -> None:
    below = op.lowerBoundsMap.data.num_dims + op.lowerBoundsMap.data.num_symbols
    printer.print_string(" ")
    with printer.in_parens():
        printer.print_list(op.body.block.args, lambda arg: printer.print_block_argument(arg, print_type=False))
    printer.print_string(" = ")
    _print_bounds(printer, "max", op.lowerBoundsMap, op.lowerBoundsGroups, op.map_operands[:below])
    printer.print_string(" to ")
    _print_bounds(printer, "min", op.upperBoundsMap, op.upperBoundsGroups, op.map_operands[below:])
    steps = [step.value.data for step in op.steps]
    if any(step != 1 for step in steps):
        printer.print_string(f" step ({', '.join(map(str, steps))})")
    if op.reductions.data:
        names = ", ".join(f'"{name.data}"' for name in op.reductions)
        printer.print_string(f" reduce ({names}) -> ")
        with printer.in_parens():
            printer.print_list(op.res.types, printer.print_attribute)
    printer.print_string(" ")
    printer.print_region(op.body, print_entry_block_args=False, print_block_terminators=bool(op.res))
    printer.print_op_attributes(op.attributes)


SYNTAX = {"affine.parallel": Syntax(_parse, _print)}
