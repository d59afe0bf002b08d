"""Scalar ops that some machines do in one instruction on a vector: scaling by powers of two, and small tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from xdsl.dialects.builtin import (
    DenseArrayBase,
    Float32Type,
    Float64Type,
    SignlessIntegerConstraint,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from weft.dialects.scalars.types import bits_of

_FLOAT = base(Float32Type) | base(Float64Type)


@irdl_op_definition
class ScaleOp(IRDLOperation):
    """`x * 2**floor(n)`, rounded once: denormal results and overflow are right. `n` is a float.

    AVX-512 has it as `vscalef`. NaN gives NaN, and `n` is not infinite.

    ```mlir
    %y = loop.scale %v, %p : f32
    ```
    """

    name = "loop.scale"

    T: ClassVar = VarConstraint("T", _FLOAT)

    x = operand_def(T)
    n = operand_def(T)
    result = result_def(T)

    traits = traits_def(Pure())

    assembly_format = "$x `,` $n attr-dict `:` type($result)"

    def __init__(self, x: SSAValue, n: SSAValue) -> None:
        """`x` times two to the power of `n`, rounded down."""
        super().__init__(operands=[x, n], result_types=[x.type])


@irdl_op_definition
class LookupOp(IRDLOperation):
    """The number of a small table at the place that the lowest bits of an integer say: `index mod` its size.

    The size is a power of two. AVX-512 keeps 64 bytes in a register, and looks all lanes of a vector up at once.

    ```mlir
    %root = loop.lookup %bits in array<f32: 1.0, 1.4142135> : i32 -> f32
    ```
    """

    name = "loop.lookup"

    index = operand_def(SignlessIntegerConstraint)
    table = prop_def(AnyAttr())  # not its base alone: xDSL would leave the word `array` out
    result = result_def(_FLOAT)

    traits = traits_def(Pure())

    assembly_format = "$index `in` $table attr-dict `:` type($index) `->` type($result)"

    def __init__(self, index: SSAValue, table: Sequence[float], type_: Float32Type | Float64Type) -> None:
        """The number of `table` at `index`, as a float of type `type_`."""
        super().__init__(
            operands=[index], properties={"table": DenseArrayBase.from_list(type_, table)}, result_types=[type_]
        )

    def numbers(self) -> tuple[float, ...]:
        """The table."""
        return tuple(float(number) for number in cast("DenseArrayBase[Any]", self.table).get_values())

    def verify_(self) -> None:
        """The table has the type of the result, and its size is a power of two that the index can reach."""
        table = cast("DenseArrayBase[Any]", self.table)
        if not isinstance(self.table, DenseArrayBase):
            raise VerifyException(f"a table should be an array, it is {self.table}")
        size, element = len(table), cast(Attribute, table.elt_type)
        if element != self.result.type:
            raise VerifyException(f"a table of {element} gives no {self.result.type}")
        if size < 1 or size & (size - 1):
            raise VerifyException(f"the size of a table should be a power of two, it is {size}")
        if size > 1 << (bits_of(self.index.type) or 0):
            raise VerifyException(f"an {self.index.type} does not reach all {size} numbers of the table")
