"""What the threads of a block or warp do together, and what one does by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyFloatConstr,
    IndexType,
    IntegerType,
    MemRefType,
    SignlessIntegerConstraint,
    StringAttr,
    UnitAttr,
    VectorType,
    f32,
    f64,
    i1,
    i8,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import (
    EqAttrConstraint,
    IRDLOperation,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import IsolatedFromAbove, IsTerminator, MemoryReadEffect, MemoryWriteEffect, Pure
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from weft.dialects.gpu.attributes import AllReduceOpAttr, ShuffleModeAttr, is_in
from weft.dialects.gpu.syntax import ReductionKind

Value = SSAValue | Operation

_NUMBER = SignlessIntegerConstraint | AnyFloatConstr


@irdl_op_definition
class BarrierOp(IRDLOperation):
    """All threads of the block wait for each other; what they wrote before, all of them see behind it.

    ```mlir
    gpu.barrier
    ```
    """

    name = "gpu.barrier"

    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    assembly_format = "attr-dict"

    def __init__(self) -> None:
        super().__init__()


@irdl_op_definition
class ShuffleOp(IRDLOperation):
    """A value of another lane of the warp, and whether that lane is one of the `width` lanes that take part.

    `xor`, `down` and `up` combine the lane's number with the offset; `idx` is the offset itself. Where `valid` is
    false, the result is the thread's own value.

    ```mlir
    %v, %valid = gpu.shuffle xor %x, %offset, %width : f32
    ```
    """

    name = "gpu.shuffle"
    T: ClassVar = VarConstraint(
        "T", EqAttrConstraint(i32) | EqAttrConstraint(i64) | EqAttrConstraint(f32) | EqAttrConstraint(f64)
    )
    value = operand_def(T)
    offset = operand_def(i32)
    width = operand_def(i32)
    mode = prop_def(ShuffleModeAttr)
    shuffle_result = result_def(T)
    valid = result_def(i1)

    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    assembly_format = "$mode $value `,` $offset `,` $width attr-dict `:` type($value)"

    def __init__(self, mode: str, value: Value, offset: Value, width: Value) -> None:
        super().__init__(
            operands=[value, offset, width],
            result_types=[SSAValue.get(value).type, i1],
            properties={"mode": ShuffleModeAttr(mode)},
        )


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends the region of a reduction with the combined value.

    ```mlir
    gpu.yield %v : f32
    ```
    """

    name = "gpu.yield"
    values = var_operand_def()

    traits = traits_def(Pure(), IsTerminator())
    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, *values: Value) -> None:
        super().__init__(operands=[values])


def _check_kind(op: AllReduceOp | SubgroupReduceOp, kind: str, type_: Attribute) -> None:
    """A kind of integers goes with integers, one of floats with floats."""
    element = type_.element_type if isa(type_, VectorType) else type_
    is_integer = isinstance(element, IntegerType)
    if kind in ("add", "mul") or is_integer != kind.endswith("f"):
        return
    raise VerifyException(f"'{op.name} {kind}' is not for {type_}")


@irdl_op_definition
class AllReduceOp(IRDLOperation):
    """Combines a value of each thread of the block; all threads get the result.

    How is said by a word, or by a region of two arguments. `uniform`: no thread of the block is missing.

    ```mlir
    %0 = gpu.all_reduce add %x uniform {} : (f32) -> f32
    ```
    """

    name = "gpu.all_reduce"
    T: ClassVar = VarConstraint("T", _NUMBER)
    value = operand_def(T)
    op = opt_prop_def(AllReduceOpAttr)
    uniform = opt_prop_def(UnitAttr)
    result = result_def(T)
    body = region_def()

    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect(), IsolatedFromAbove())
    custom_directives = (ReductionKind,)
    assembly_format = (
        "custom<ReductionKind>($op) $value (`uniform` $uniform^)? $body attr-dict "
        "`:` functional-type(operands, results)"
    )

    def __init__(self, kind: str | None, value: Value, body: Region | None = None, *, uniform: bool = False) -> None:
        super().__init__(
            operands=[value],
            result_types=[SSAValue.get(value).type],
            properties={
                "op": None if kind is None else AllReduceOpAttr(kind),
                "uniform": UnitAttr() if uniform else None,
            },
            regions=[body or Region()],
        )

    def verify_(self) -> None:
        """Either a word or a region; the region combines two values into one."""
        if (self.op is None) != bool(self.body.blocks):
            raise VerifyException("'gpu.all_reduce' takes either the name of a reduction or a region")
        if self.op is not None:
            _check_kind(self, self.op.data, self.value.type)
            return
        if self.body.blocks[0].arg_types != (self.value.type, self.value.type):
            raise VerifyException(f"the region of 'gpu.all_reduce' takes two values of type {self.value.type}")
        for block in self.body.blocks:
            if isinstance(block.last_op, YieldOp) and block.last_op.values.types != (self.value.type,):
                raise VerifyException(f"the region of 'gpu.all_reduce' yields a value of type {self.value.type}")


@irdl_op_definition
class SubgroupReduceOp(IRDLOperation):
    """Combines a value of each thread of the warp; all of its threads get the result.

    ```mlir
    %0 = gpu.subgroup_reduce maximumf %x : (f32) -> f32
    ```
    """

    name = "gpu.subgroup_reduce"
    T: ClassVar = VarConstraint("T", _NUMBER | base(VectorType))
    value = operand_def(T)
    op = prop_def(AllReduceOpAttr)
    uniform = opt_prop_def(UnitAttr)
    result = result_def(T)

    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    custom_directives = (ReductionKind,)
    assembly_format = (
        "custom<ReductionKind>($op) $value (`uniform` $uniform^)? attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, kind: str, value: Value, *, uniform: bool = False) -> None:
        super().__init__(
            operands=[value],
            result_types=[SSAValue.get(value).type],
            properties={"op": AllReduceOpAttr(kind), "uniform": UnitAttr() if uniform else None},
        )

    def verify_(self) -> None:
        """The kind fits the elements; a vector has one dimension."""
        type_ = self.value.type
        if isa(type_, VectorType) and type_.get_num_dims() != 1:
            raise VerifyException(f"'gpu.subgroup_reduce' takes a vector of one dimension, not {type_}")
        _check_kind(self, self.op.data, type_)


@irdl_op_definition
class PrintfOp(IRDLOperation):
    """Prints from a thread, as C's printf does.

    ```mlir
    gpu.printf "%d: %f\\n" %i, %x : i32, f32
    ```
    """

    name = "gpu.printf"
    args = var_operand_def(base(IntegerType) | base(IndexType) | AnyFloatConstr)
    format = prop_def(StringAttr)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = "$format attr-dict ($args^ `:` type($args))?"

    def __init__(self, format: str, args: Sequence[Value] = ()) -> None:
        super().__init__(operands=[args], properties={"format": StringAttr(format)})


@irdl_op_definition
class DynamicSharedMemoryOp(IRDLOperation):
    """The shared memory of the block whose size the launch says, as bytes.

    ```mlir
    %m = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    ```
    """

    name = "gpu.dynamic_shared_memory"
    result = result_def(MemRefType.constr(i8))

    traits = traits_def(Pure())
    assembly_format = "attr-dict `:` type($result)"

    def __init__(self, type_: Attribute) -> None:
        super().__init__(result_types=[type_])

    def verify_(self) -> None:
        """Bytes of shared memory, as many as there are."""
        type_ = self.result.type
        if type_.get_shape() != (DYNAMIC_INDEX,):
            raise VerifyException(f"dynamic shared memory is memref<?xi8> in workgroup memory, not {type_}")
        if not is_in(type_, "workgroup"):
            raise VerifyException(
                f"dynamic shared memory lies in #gpu.address_space<workgroup>, not in that of {type_}"
            )


OPS: tuple[type[IRDLOperation], ...] = (
    AllReduceOp,
    BarrierOp,
    DynamicSharedMemoryOp,
    PrintfOp,
    ShuffleOp,
    SubgroupReduceOp,
    YieldOp,
)
