"""`memref.global`, `memref.alloca_scope` and `memref.atomic_rmw`."""

from __future__ import annotations

from typing import Any, cast

from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerAttr,
    MemRefType,
    NoneAttr,
    StringAttr,
    TensorType,
    UnitAttr,
    i64,
)
from xdsl.dialects.memref import AllocaScopeOp, AllocaScopeReturnOp, AtomicRMWOp, GlobalOp
from xdsl.ir import Attribute, Block
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.dialects.upstream.syntax.index import Syntax


# ---------- memref.global "private" constant @name : type = value
def _parse_global(parser: Parser) -> GlobalOp:
    visibility = parser.parse_optional_str_literal() or "public"
    constant = parser.parse_optional_keyword("constant") is not None
    name = parser.parse_symbol_name()
    parser.parse_punctuation(":")
    type_ = parser.parse_type()
    if not isinstance(type_, MemRefType):
        parser.raise_error("expected a memref type")
    given = parser.parse_optional_punctuation("=") is not None
    if not given and isinstance(type_.memory_space, NoneAttr):
        parser.raise_error(f"memref.global @{name.data} has no value; a global of another file is not supported")
    memref, value = cast("MemRefType[Any]", type_), cast(Attribute, UnitAttr())
    if given and parser.parse_optional_keyword("uninitialized") is None:
        parser.parse_keyword("dense")
        value = parser.parse_dense_int_or_fp_elements_attr(TensorType(memref.element_type, memref.get_shape()))
    attributes = parser.parse_optional_attr_dict()
    op = GlobalOp.get(
        name, memref, value, StringAttr(visibility), UnitAttr() if constant else None, _alignment(attributes)
    )
    op.attributes |= attributes
    return op


def _alignment(attributes: dict[str, Attribute]) -> IntegerAttr[Any] | None:
    return cast("IntegerAttr[Any] | None", attributes.pop("alignment", None))


def _print_global(op: GlobalOp, printer: Printer) -> None:
    printer.print_string(" ")
    if op.sym_visibility.data != "public":
        printer.print_string_literal(op.sym_visibility.data)
        printer.print_string(" ")
    if op.constant is not None:
        printer.print_string("constant ")
    printer.print_symbol_name(op.sym_name.data)
    printer.print_string(" : ")
    printer.print_attribute(op.type)
    printer.print_string(" = ")
    if isinstance(op.initial_value, UnitAttr):
        printer.print_string("uninitialized")
    else:
        value = cast("DenseIntOrFPElementsAttr[Any]", op.initial_value)
        value.print_without_type(printer)
    alignment = {} if op.alignment is None else {"alignment": op.alignment}
    printer.print_op_attributes({**op.attributes, **alignment})


# ---------- memref.alloca_scope -> (types) {...}
def _parse_scope(parser: Parser) -> AllocaScopeOp:
    types: list[Attribute] = []
    if parser.parse_optional_punctuation("->") is not None:
        types = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_type)
    region = parser.parse_region()
    if not region.blocks:
        region.add_block(Block())
    last = region.blocks.last
    if last is not None and not isinstance(last.last_op, AllocaScopeReturnOp) and not types:
        last.add_op(AllocaScopeReturnOp.build(operands=[[]]))
    op = AllocaScopeOp.build(result_types=[types], regions=[region])
    op.attributes |= parser.parse_optional_attr_dict()
    return op


def _print_scope(op: AllocaScopeOp, printer: Printer) -> None:
    if op.res:
        printer.print_string(" -> ")
        with printer.in_parens():
            printer.print_list(op.res.types, printer.print_attribute)
    printer.print_string(" ")
    printer.print_region(op.scope, print_block_terminators=bool(op.res) or len(op.scope.blocks) > 1)
    printer.print_op_attributes(op.attributes)


# ---------- memref.atomic_rmw addf %x, %m[%i] : (f32, memref<4xf32>) -> f32
ATOMIC_KINDS = (
    *("addf", "addi", "assign", "maximumf", "maxs", "maxu", "minimumf", "mins", "minu"),
    *("mulf", "muli", "ori", "andi", "maxnumf", "minnumf", "xori"),
)
"""The names of upstream's AtomicRMWKind, by number."""


def _parse_atomic(parser: Parser) -> AtomicRMWOp:
    kind = parser.parse_identifier(" of an atomic operation")
    if kind not in ATOMIC_KINDS:
        parser.raise_error(f"expected one of {', '.join(ATOMIC_KINDS)}, not '{kind}'")
    value = parser.parse_unresolved_operand()
    parser.parse_punctuation(",")
    memref = parser.parse_unresolved_operand()
    indices = parser.parse_comma_separated_list(Parser.Delimiter.SQUARE, parser.parse_unresolved_operand)
    attributes = parser.parse_optional_attr_dict()
    parser.parse_punctuation(":")
    parser.parse_punctuation("(")
    value_type = parser.parse_type()
    parser.parse_punctuation(",")
    memref_type = parser.parse_type()
    parser.parse_punctuation(")")
    parser.parse_punctuation("->")
    op = AtomicRMWOp.build(
        operands=[
            parser.resolve_operand(value, value_type),
            parser.resolve_operand(memref, memref_type),
            [parser.resolve_operand(index, IndexType()) for index in indices],
        ],
        result_types=[parser.parse_type()],
        properties={"kind": IntegerAttr(ATOMIC_KINDS.index(kind), i64)},
    )
    op.attributes |= attributes
    return op


def _print_atomic(op: AtomicRMWOp, printer: Printer) -> None:
    printer.print_string(f" {ATOMIC_KINDS[op.kind.value.data]} ")
    printer.print_ssa_value(op.value)
    printer.print_string(", ")
    printer.print_ssa_value(op.memref)
    with printer.in_square_brackets():
        printer.print_list(op.indices, printer.print_ssa_value)
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    with printer.in_parens():
        printer.print_list((op.value.type, op.memref.type), printer.print_attribute)
    printer.print_string(" -> ")
    printer.print_attribute(op.result.type)


SYNTAX = {
    "memref.global": Syntax(_parse_global, _print_global),
    "memref.alloca_scope": Syntax(_parse_scope, _print_scope),
    "memref.atomic_rmw": Syntax(_parse_atomic, _print_atomic),
}
