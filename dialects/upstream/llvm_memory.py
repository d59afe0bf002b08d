"""Masked accesses of the `llvm` dialect."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, IntegerType, UnitAttr, VectorType, i1, i32
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
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
