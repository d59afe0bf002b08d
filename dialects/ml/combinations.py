"""Bodies of ops that combine elements, and their short form: `by add`, or a region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    CustomDirective,
    ParsingState,
    PrintingState,
    RegionVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import Tensor
from weft.dialects.ml.compare import CompareOp, CompareType, Direction
from weft.dialects.ml.dtypes import Kind, kind_of
from weft.dialects.ml.reduction import REDUCTIONS, ReturnOp, reduction_body

SET = "set"
"""The combination that takes the new element."""

ORDERS: Mapping[str, Direction] = {"ascending": Direction.LT, "descending": Direction.GT}
"""The orders that have a name, and how the first of two elements compares with the second."""


def combination_body(kind: str, element: Attribute) -> Region:
    """The body that combines an element with a new one by a kind of :data:`REDUCTIONS`, or :data:`SET`.

    Raises KeyError for another kind.
    """
    if kind != SET:
        return reduction_body(kind, element)
    scalar = TensorType(element, [])
    block = Block(arg_types=[scalar, scalar])
    block.add_op(ReturnOp(block.args[1]))
    return Region(block)


def order_body(order: str, elements: Sequence[Attribute]) -> Region:
    """The body that orders elements by the first of them, floats by their total order. Raises KeyError."""
    scalars = [TensorType(element, []) for element in elements for _ in range(2)]
    block = Block(arg_types=scalars)
    total = CompareType.TOTALORDER if kind_of(elements[0]) is Kind.FLOAT else None
    block.add_op(test := CompareOp(ORDERS[order], block.args[0], block.args[1], total))
    block.add_op(ReturnOp(test))
    return Region(block)


def named(kinds: Sequence[str], make: Callable[[str], Region], body: Region) -> str | None:
    """The kind whose body, as `make` makes it, is this one."""
    return next((kind for kind in kinds if make(kind).is_structurally_equivalent(body)), None)


def combination_of(body: Region) -> str | None:
    """The kind of a body that :func:`combination_body` makes, else None."""
    element = _element(body.block.args[0].type) if len(body.block.args) == 2 else None
    if element is None:
        return None
    return named((*REDUCTIONS, SET), lambda kind: combination_body(kind, element), body)


def order_of(body: Region) -> str | None:
    """The order of a body that :func:`order_body` makes, else None."""
    types = [_element(arg.type) for arg in body.block.args[::2]]
    elements = [type_ for type_ in types if type_ is not None]
    kinds = tuple(ORDERS) if elements and 2 * len(elements) == len(body.block.args) else ()
    return named(kinds, lambda kind: order_body(kind, elements), body)


def check_body(op: Operation, body: Region, takes: Sequence[Attribute], gives: Sequence[Attribute]) -> None:
    """Verify what a body takes and returns. Raises VerifyException."""
    end = body.block.last_op
    if not isinstance(end, ReturnOp):
        raise VerifyException(f"{op.name}: the body must end with ml.return")
    if [arg.type for arg in body.block.args] != list(takes):
        raise VerifyException(f"{op.name}: the body must take {', '.join(map(str, takes))}")
    if [value.type for value in end.values] != list(gives):
        raise VerifyException(f"{op.name}: the body must return {', '.join(map(str, gives))}")


def _element(type_: Attribute) -> Attribute | None:
    """The element type of a tensor type."""
    return cast(Tensor, type_).element_type if isinstance(type_, TensorType) else None


def _operand_elements(parser: Parser, state: ParsingState) -> list[Attribute]:
    """The element types of the operands, which stand before the body."""
    types = [type_ for types in state.operand_types for type_ in types or ()]
    if not types or not all(isinstance(type_, TensorType) for type_ in types):
        parser.raise_error("the operands must be ranked tensors")
    return [cast(Tensor, type_).element_type for type_ in types]


@irdl_custom_directive
class Combination(CustomDirective):
    """`by add` for a body of one known op of the element and the new one, else the body."""

    body: RegionVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the kind or the body."""
        if parser.parse_optional_keyword("by") is None:
            self.body.parse(parser, state)
            return
        kind = parser.parse_optional_keyword_in((*REDUCTIONS, SET))
        if kind is None:
            parser.raise_error(f"a combination is one of {', '.join((*REDUCTIONS, SET))}, or a body in braces")
        self.body.set(state, combination_body(kind, _operand_elements(parser, state)[0]))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the kind or the body."""
        _print_short(self.body, combination_of(self.body.get(op)), printer, state, op)


@irdl_custom_directive
class Order(CustomDirective):
    """`by ascending` or `by descending` for a body that compares the first elements, else the body."""

    body: RegionVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the order or the body."""
        if parser.parse_optional_keyword("by") is None:
            self.body.parse(parser, state)
            return
        order = parser.parse_optional_keyword_in(ORDERS)
        if order is None:
            parser.raise_error(f"an order is one of {', '.join(ORDERS)}, or a body in braces")
        self.body.set(state, order_body(order, _operand_elements(parser, state)))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the order or the body."""
        _print_short(self.body, order_of(self.body.get(op)), printer, state, op)


def _print_short(
    body: RegionVariable, kind: str | None, printer: Printer, state: PrintingState, op: IRDLOperation
) -> None:
    if kind is None:
        body.print(printer, state, op)
        return
    state.print_whitespace(printer)
    printer.print_string(f"by {kind}")
