"""Products of matrices that a warp holds together: `!gpu.mma_matrix`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import IndexType, IntegerAttr, MemRefType, UnitAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.irdl.declarative_assembly_format import (
    CustomDirective,
    ParsingState,
    PrintingState,
    TypeDirective,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, Pure
from xdsl.utils.exceptions import VerifyException

from weft.dialects.gpu.attributes import ElementwiseOpAttr, MMAMatrixType

Value = SSAValue | Operation

_INDEX = IntegerAttr.constr(IndexType())


def _matrix(value: SSAValue) -> MMAMatrixType:
    return cast(MMAMatrixType, value.type)


def _unit(is_set: bool) -> UnitAttr | None:
    return UnitAttr() if is_set else None


@irdl_op_definition
class SubgroupMmaLoadMatrixOp(IRDLOperation):
    """Loads a matrix whose rows lie `leadDimension` elements apart; `transpose`: its columns do.

    ```mlir
    %a = gpu.subgroup_mma_load_matrix %m[%i, %j] {leadDimension = 32 : index}
       : memref<32x32xf16, 3> -> !gpu.mma_matrix<16x16xf16, "AOp">
    ```
    """

    name = "gpu.subgroup_mma_load_matrix"
    src = operand_def(MemRefType)
    indices = var_operand_def(IndexType)
    lead_dimension = prop_def(_INDEX, prop_name="leadDimension")
    transpose = opt_prop_def(UnitAttr)
    res = result_def(MMAMatrixType)

    traits = traits_def(MemoryReadEffect())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$src `[` $indices `]` attr-dict `:` type($src) `->` type($res)"

    def __init__(
        self,
        src: Value,
        indices: Sequence[Value],
        lead_dimension: int,
        type_: MMAMatrixType,
        *,
        transpose: bool = False,
    ) -> None:
        super().__init__(
            operands=[src, indices],
            result_types=[type_],
            properties={
                "leadDimension": IntegerAttr.from_index_int_value(lead_dimension),
                "transpose": _unit(transpose),
            },
        )


@irdl_op_definition
class SubgroupMmaStoreMatrixOp(IRDLOperation):
    """Stores a matrix, the result of a product, with rows `leadDimension` elements apart.

    ```mlir
    gpu.subgroup_mma_store_matrix %d, %m[%i, %j] {leadDimension = 32 : index}
      : !gpu.mma_matrix<16x16xf32, "COp">, memref<32x32xf32, 3>
    ```
    """

    name = "gpu.subgroup_mma_store_matrix"
    src = operand_def(MMAMatrixType)
    dst = operand_def(MemRefType)
    indices = var_operand_def(IndexType)
    lead_dimension = prop_def(_INDEX, prop_name="leadDimension")
    transpose = opt_prop_def(UnitAttr)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$src `,` $dst `[` $indices `]` attr-dict `:` type($src) `,` type($dst)"

    def __init__(
        self, src: Value, dst: Value, indices: Sequence[Value], lead_dimension: int, *, transpose: bool = False
    ) -> None:
        super().__init__(
            operands=[src, dst, indices],
            properties={
                "leadDimension": IntegerAttr.from_index_int_value(lead_dimension),
                "transpose": _unit(transpose),
            },
        )

    def verify_(self) -> None:
        """Only a result is stored."""
        if _matrix(self.src).operand.data != "COp":
            raise VerifyException(f'a matrix that is stored is a "COp", not {self.src.type}')


@irdl_op_definition
class SubgroupMmaComputeOp(IRDLOperation):
    """The product of two matrices, added to a third: `a * b + c`.

    ```mlir
    %d = gpu.subgroup_mma_compute %a, %b, %c
       : !gpu.mma_matrix<16x16xf16, "AOp">, !gpu.mma_matrix<16x16xf16, "BOp"> -> !gpu.mma_matrix<16x16xf32, "COp">
    ```
    """

    name = "gpu.subgroup_mma_compute"
    C: ClassVar = VarConstraint("C", base(MMAMatrixType))
    a = operand_def(MMAMatrixType)
    b = operand_def(MMAMatrixType)
    c = operand_def(C)
    a_transpose = opt_prop_def(UnitAttr)
    b_transpose = opt_prop_def(UnitAttr)
    res = result_def(C)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$a `,` $b `,` $c attr-dict `:` type($a) `,` type($b) `->` type($res)"

    def __init__(self, a: Value, b: Value, c: Value, *, a_transpose: bool = False, b_transpose: bool = False) -> None:
        super().__init__(
            operands=[a, b, c],
            result_types=[SSAValue.get(c).type],
            properties={"a_transpose": _unit(a_transpose), "b_transpose": _unit(b_transpose)},
        )

    def verify_(self) -> None:
        """A, B and C, whose sizes fit."""
        a, b, c = (_matrix(value) for value in self.operands)
        if (a.operand.data, b.operand.data, c.operand.data) != ("AOp", "BOp", "COp"):
            raise VerifyException('the operands of a product are an "AOp", a "BOp" and a "COp", in this order')
        (m, k), (k2, n) = a.get_shape(), b.get_shape()
        if k != k2 or c.get_shape() != (m, n):
            raise VerifyException(f"a product of {m}x{k} and {k2}x{n} is not {'x'.join(map(str, c.get_shape()))}")


@irdl_custom_directive
class ElementType(CustomDirective):
    """The type of a matrix, whose element is the operand's type."""

    value: TypeDirective
    matrix: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the matrix type."""
        type_ = parser.parse_type()
        if not isinstance(type_, MMAMatrixType):
            parser.raise_error("expected a type !gpu.mma_matrix")
        self.matrix.set(state, (type_,))
        self.value.set(state, (type_.element_type,))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the matrix type."""
        self.matrix.print(printer, state, op)


@irdl_op_definition
class SubgroupMmaConstantMatrixOp(IRDLOperation):
    """A matrix all of whose elements are one value.

    ```mlir
    %c = gpu.subgroup_mma_constant_matrix %zero : !gpu.mma_matrix<16x16xf32, "COp">
    ```
    """

    name = "gpu.subgroup_mma_constant_matrix"
    value = operand_def()
    res = result_def(MMAMatrixType)

    traits = traits_def(Pure())
    custom_directives = (ElementType,)
    assembly_format = "$value attr-dict `:` custom<ElementType>(type($value), type($res))"

    def __init__(self, value: Value, type_: Attribute) -> None:
        super().__init__(operands=[value], result_types=[type_])

    def verify_(self) -> None:
        """The value is an element."""
        if _matrix(self.res).element_type != self.value.type:
            raise VerifyException(f"{self.res.type} cannot be filled with a value of type {self.value.type}")


@irdl_op_definition
class SubgroupMmaElementwiseOp(IRDLOperation):
    """The same done with each element of matrices.

    ```mlir
    %d = gpu.subgroup_mma_elementwise addf %a, %b
       : (!gpu.mma_matrix<16x16xf32, "COp">, !gpu.mma_matrix<16x16xf32, "COp">) -> !gpu.mma_matrix<16x16xf32, "COp">
    ```
    """

    name = "gpu.subgroup_mma_elementwise"
    args = var_operand_def(MMAMatrixType)
    op_type = prop_def(ElementwiseOpAttr, prop_name="opType")
    res = result_def(MMAMatrixType)

    traits = traits_def(Pure())
    assembly_format = "$opType $args attr-dict `:` functional-type($args, $res)"

    def __init__(self, kind: str, args: Sequence[Value], type_: Attribute | None = None) -> None:
        super().__init__(
            operands=[args],
            result_types=[SSAValue.get(args[0]).type if type_ is None else type_],
            properties={"opType": ElementwiseOpAttr(kind)},
        )


OPS: tuple[type[IRDLOperation], ...] = (
    SubgroupMmaComputeOp,
    SubgroupMmaConstantMatrixOp,
    SubgroupMmaElementwiseOp,
    SubgroupMmaLoadMatrixOp,
    SubgroupMmaStoreMatrixOp,
)
