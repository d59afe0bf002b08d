"""Masked and atomic accesses of the `llvm` dialect."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, IntegerType, UnitAttr, VectorType, i1, i32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer

_TRUTH = EqAttrConstraint(i1)


@irdl_op_definition
class MaskedLoadOp(IRDLOperation):
    """Loads the lanes whose mask is set; the others come from `pass_thru`, their memory is not touched.

    ```mlir
    %0 = llvm.intr.masked.load %p, %mask, %rest {alignment = 4 : i32}
       : (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
    ```
    """

    name = "llvm.intr.masked.load"
    T: ClassVar = VarConstraint("T", base(VectorType))
    data = operand_def(llvm.LLVMPointerType)
    mask = operand_def(VectorType.constr(_TRUTH))
    pass_thru = operand_def(T)
    res = result_def(T)
    alignment = prop_def(IntegerAttr[IntegerType])
    nontemporal = opt_prop_def(UnitAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        data: SSAValue | Operation,
        mask: SSAValue | Operation,
        pass_thru: SSAValue | Operation,
        alignment: int,
    ) -> None:
        super().__init__(
            operands=[data, mask, pass_thru],
            result_types=[SSAValue.get(pass_thru).type],
            properties={"alignment": IntegerAttr(alignment, i32)},
        )


@irdl_op_definition
class MaskedStoreOp(IRDLOperation):
    """Stores the lanes whose mask is set; the memory of the others is not touched.

    ```mlir
    llvm.intr.masked.store %v, %p, %mask {alignment = 4 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr
    ```
    """

    name = "llvm.intr.masked.store"
    value = operand_def(VectorType)
    data = operand_def(llvm.LLVMPointerType)
    mask = operand_def(VectorType.constr(_TRUTH))
    alignment = prop_def(IntegerAttr[IntegerType])
    nontemporal = opt_prop_def(UnitAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `,` $data `,` $mask attr-dict `:` type($value) `,` type($mask) `into` type($data)"

    def __init__(
        self,
        value: SSAValue | Operation,
        data: SSAValue | Operation,
        mask: SSAValue | Operation,
        alignment: int,
    ) -> None:
        super().__init__(operands=[value, data, mask], properties={"alignment": IntegerAttr(alignment, i32)})


ATOMIC_KINDS: tuple[str, ...] = (
    "xchg", "add", "sub", "_and", "nand", "_or", "_xor", "max", "min", "umax", "umin", "fadd", "fsub",
    "fmax", "fmin",
)  # fmt: skip
"""What `llvm.atomicrmw` can do, in the order of MLIR's enum."""


@irdl_op_definition
class AtomicRMWOp(IRDLOperation):
    """Combines a value with memory in one step, and gives what was there before.

    ```mlir
    %0 = llvm.atomicrmw add %p, %v monotonic : !llvm.ptr, i64
    ```
    """

    name = "llvm.atomicrmw"
    T: ClassVar = VarConstraint("T", AnyAttr())
    ptr = operand_def(llvm.LLVMPointerType)
    val = operand_def(T)
    res = result_def(T)
    bin_op = prop_def(IntegerAttr[IntegerType])
    ordering = prop_def(IntegerAttr[IntegerType])

    def __init__(
        self, kind: str, ptr: SSAValue | Operation, val: SSAValue | Operation, ordering: str = "monotonic"
    ) -> None:
        orderings = {name: key for key, name in llvm.ATOMIC_ORDERING_KEYWORDS.items()}
        super().__init__(
            operands=[ptr, val],
            result_types=[SSAValue.get(val).type],
            properties={
                "bin_op": IntegerAttr(ATOMIC_KINDS.index(kind), i64),
                "ordering": IntegerAttr(orderings[ordering], i64),
            },
        )

    @classmethod
    def parse(cls, parser: Parser) -> AtomicRMWOp:
        """Reads `add %p, %v monotonic : !llvm.ptr, i64`."""
        kind = parser.expect(lambda: parser.parse_optional_keyword_in(ATOMIC_KINDS), "an atomic operation")
        ptr = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        val = parser.parse_unresolved_operand()
        ordering = parser.expect(
            lambda: parser.parse_optional_keyword_in(llvm.ATOMIC_ORDERING_KEYWORDS.values()), "an ordering"
        )
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        ptr_type = parser.parse_type()
        parser.parse_punctuation(",")
        op = cls(
            kind,
            parser.resolve_operand(ptr, ptr_type),
            parser.resolve_operand(val, parser.parse_type()),
            ordering,
        )
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(f" {ATOMIC_KINDS[self.bin_op.value.data]} ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_string(f" {llvm.ATOMIC_ORDERING_KEYWORDS[self.ordering.value.data]}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list([self.ptr.type, self.val.type], printer.print_attribute)
