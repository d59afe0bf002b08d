"""Atomic accesses of the `llvm` dialect."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, IntegerType, StringAttr, i1, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

ATOMIC_KINDS: tuple[str, ...] = (
    "xchg", "add", "sub", "_and", "nand", "_or", "_xor", "max", "min", "umax", "umin", "fadd", "fsub",
    "fmax", "fmin",
)  # fmt: skip
"""What `llvm.atomicrmw` can do, in the order of MLIR's enum."""

_ORDERINGS = {name: key for key, name in llvm.ATOMIC_ORDERING_KEYWORDS.items()}


def _ordering(name: str) -> IntegerAttr[IntegerType]:
    return IntegerAttr(_ORDERINGS[name], i64)


def _parse_ordering(parser: Parser) -> str:
    return parser.expect(lambda: parser.parse_optional_keyword_in(_ORDERINGS), "an ordering")


def _parse_scope(parser: Parser) -> str | None:
    """Reads `syncscope("device")`, which may be missing."""
    if parser.parse_optional_keyword("syncscope") is None:
        return None
    parser.parse_punctuation("(")
    scope = parser.parse_str_literal()
    parser.parse_punctuation(")")
    return scope


def _print_scope(printer: Printer, scope: StringAttr | None) -> None:
    if scope is not None:
        printer.print_string(" syncscope(")
        printer.print_string_literal(scope.data)
        printer.print_string(")")


@irdl_op_definition
class AtomicRMWOp(IRDLOperation):
    """Combines a value with memory in one step, and gives what was there before.

    ```mlir
    %0 = llvm.atomicrmw add %p, %v syncscope("device") monotonic : !llvm.ptr, i64
    ```
    """

    name = "llvm.atomicrmw"
    T: ClassVar = VarConstraint("T", AnyAttr())
    ptr = operand_def(llvm.LLVMPointerType)
    val = operand_def(T)
    res = result_def(T)
    bin_op = prop_def(IntegerAttr[IntegerType])
    ordering = prop_def(IntegerAttr[IntegerType])
    syncscope = opt_prop_def(StringAttr)

    def __init__(
        self,
        kind: str,
        ptr: SSAValue | Operation,
        val: SSAValue | Operation,
        ordering: str = "monotonic",
        scope: str | None = None,
    ) -> None:
        super().__init__(
            operands=[ptr, val],
            result_types=[SSAValue.get(val).type],
            properties={
                "bin_op": IntegerAttr(ATOMIC_KINDS.index(kind), i64),
                "ordering": _ordering(ordering),
                "syncscope": None if scope is None else StringAttr(scope),
            },
        )

    @classmethod
    def parse(cls, parser: Parser) -> AtomicRMWOp:
        """Reads `add %p, %v syncscope("device") monotonic : !llvm.ptr, i64`."""
        kind = parser.expect(lambda: parser.parse_optional_keyword_in(ATOMIC_KINDS), "an atomic operation")
        ptr = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        val = parser.parse_unresolved_operand()
        scope = _parse_scope(parser)
        ordering = _parse_ordering(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        ptr_type = parser.parse_type()
        parser.parse_punctuation(",")
        op = cls(
            kind,
            parser.resolve_operand(ptr, ptr_type),
            parser.resolve_operand(val, parser.parse_type()),
            ordering,
            scope,
        )
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(f" {ATOMIC_KINDS[self.bin_op.value.data]} ")
        printer.print_list(self.operands, printer.print_ssa_value)
        _print_scope(printer, self.syncscope)
        printer.print_string(f" {llvm.ATOMIC_ORDERING_KEYWORDS[self.ordering.value.data]}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list([self.ptr.type, self.val.type], printer.print_attribute)


@irdl_op_definition
class AtomicCmpXchgOp(IRDLOperation):
    """Puts a value in memory if another one is there, in one step; gives what was there, and whether it was that one.

    ```mlir
    %0 = llvm.cmpxchg %p, %expected, %new syncscope("device") monotonic monotonic : !llvm.ptr, i64
    ```
    """

    name = "llvm.cmpxchg"
    T: ClassVar = VarConstraint("T", AnyAttr())
    ptr = operand_def(llvm.LLVMPointerType)
    cmp = operand_def(T)
    val = operand_def(T)
    res = result_def(llvm.LLVMStructType)
    success_ordering = prop_def(IntegerAttr[IntegerType])
    failure_ordering = prop_def(IntegerAttr[IntegerType])
    syncscope = opt_prop_def(StringAttr)

    def __init__(
        self,
        ptr: SSAValue | Operation,
        expected: SSAValue | Operation,
        val: SSAValue | Operation,
        orderings: tuple[str, str] = ("monotonic", "monotonic"),
        scope: str | None = None,
    ) -> None:
        type_ = SSAValue.get(val).type
        super().__init__(
            operands=[ptr, expected, val],
            result_types=[llvm.LLVMStructType.from_type_list([type_, i1])],
            properties={
                "success_ordering": _ordering(orderings[0]),
                "failure_ordering": _ordering(orderings[1]),
                "syncscope": None if scope is None else StringAttr(scope),
            },
        )

    def verify_(self) -> None:
        """The result is what was there, and an i1."""
        if self.res.type != llvm.LLVMStructType.from_type_list([self.val.type, i1]):
            raise VerifyException(f"'{self.name}' of a {self.val.type} does not give {self.res.type}")

    @classmethod
    def parse(cls, parser: Parser) -> AtomicCmpXchgOp:
        """Reads `%p, %expected, %new syncscope("device") monotonic monotonic : !llvm.ptr, i64`."""
        ptr = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        expected = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        val = parser.parse_unresolved_operand()
        scope = _parse_scope(parser)
        orderings = (_parse_ordering(parser), _parse_ordering(parser))
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        ptr_type = parser.parse_type()
        parser.parse_punctuation(",")
        type_ = parser.parse_type()
        op = cls(
            parser.resolve_operand(ptr, ptr_type),
            parser.resolve_operand(expected, type_),
            parser.resolve_operand(val, type_),
            orderings,
            scope,
        )
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        _print_scope(printer, self.syncscope)
        for ordering in (self.success_ordering, self.failure_ordering):
            printer.print_string(f" {llvm.ATOMIC_ORDERING_KEYWORDS[ordering.value.data]}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list([self.ptr.type, self.val.type], printer.print_attribute)
