"""Device memory, as host code sees it: allocation, copies, waiting.

An op that is `async` gives a token and does not wait; one with tokens in brackets begins when those have come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AffineMapAttr,
    IndexType,
    MemRefType,
    UnitAttr,
    UnrankedMemRefType,
    i32,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    opt_result_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryAllocEffect, MemoryFreeEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.gpu.attributes import AsyncTokenType
from weft.dialects.gpu.syntax import AsyncDependencies

Value = SSAValue | Operation


def _token(is_async: bool) -> list[Attribute]:
    return [AsyncTokenType()] if is_async else []


def _memref(value: SSAValue) -> MemRefType[Attribute]:
    return cast("MemRefType[Attribute]", value.type)


@irdl_op_definition
class AllocOp(IRDLOperation):
    """Takes memory of the device, or (`host_shared`) memory that host and device see.

    ```mlir
    %m = gpu.alloc (%n) : memref<?x4xf32>
    %m, %t = gpu.alloc async [%dep] host_shared (%n) : memref<?xf32>
    ```
    """

    name = "gpu.alloc"
    async_dependencies = var_operand_def(AsyncTokenType)
    dynamic_sizes = var_operand_def(IndexType)
    symbol_operands = var_operand_def(IndexType)
    host_shared = opt_prop_def(UnitAttr, prop_name="hostShared")
    memref = result_def(MemRefType)
    async_token = opt_result_def(AsyncTokenType)

    traits = traits_def(MemoryAllocEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (AsyncDependencies,)
    assembly_format = (
        "custom<AsyncDependencies>(type($async_token), $async_dependencies) (`host_shared` $hostShared^)? "
        "`(` $dynamic_sizes `)` (`[` $symbol_operands^ `]`)? attr-dict `:` type($memref)"
    )

    def __init__(
        self,
        type_: MemRefType[Attribute],
        dynamic_sizes: Sequence[Value] = (),
        *,
        host_shared: bool = False,
        async_dependencies: Sequence[Value] = (),
        is_async: bool = False,
    ) -> None:
        super().__init__(
            operands=[async_dependencies, dynamic_sizes, []],
            result_types=[type_, _token(is_async)],
            properties={"hostShared": UnitAttr() if host_shared else None},
        )

    def verify_(self) -> None:
        """A size for each `?`, a symbol for each that the layout has."""
        type_ = _memref(self.memref)
        dynamic = type_.get_shape().count(DYNAMIC_INDEX)
        if len(self.dynamic_sizes) != dynamic:
            raise VerifyException(f"{len(self.dynamic_sizes)} sizes are given, {type_} needs {dynamic}")
        symbols = type_.layout.data.num_symbols if isinstance(type_.layout, AffineMapAttr) else 0
        if len(self.symbol_operands) != symbols:
            raise VerifyException(f"{len(self.symbol_operands)} symbols are given, {type_} needs {symbols}")


@irdl_op_definition
class DeallocOp(IRDLOperation):
    """Gives back memory that `gpu.alloc` took.

    ```mlir
    gpu.dealloc %m : memref<?x4xf32>
    ```
    """

    name = "gpu.dealloc"
    async_dependencies = var_operand_def(AsyncTokenType)
    memref = operand_def(MemRefType)
    async_token = opt_result_def(AsyncTokenType)

    traits = traits_def(MemoryFreeEffect())
    custom_directives = (AsyncDependencies,)
    assembly_format = (
        "custom<AsyncDependencies>(type($async_token), $async_dependencies) $memref attr-dict `:` type($memref)"
    )

    def __init__(self, memref: Value, *, async_dependencies: Sequence[Value] = (), is_async: bool = False) -> None:
        super().__init__(operands=[async_dependencies, memref], result_types=[_token(is_async)])


@irdl_op_definition
class MemcpyOp(IRDLOperation):
    """Copies `src` to `dst`, which have the same shape and elements; either may lie in the host's memory.

    ```mlir
    gpu.memcpy %dst, %src : memref<?xf32, 1>, memref<?xf32>
    ```
    """

    name = "gpu.memcpy"
    async_dependencies = var_operand_def(AsyncTokenType)
    dst = operand_def(MemRefType)
    src = operand_def(MemRefType)
    async_token = opt_result_def(AsyncTokenType)

    traits = traits_def(MemoryWriteEffect())
    custom_directives = (AsyncDependencies,)
    assembly_format = (
        "custom<AsyncDependencies>(type($async_token), $async_dependencies) "
        "$dst `,` $src `:` type($dst) `,` type($src) attr-dict"
    )

    def __init__(
        self, dst: Value, src: Value, *, async_dependencies: Sequence[Value] = (), is_async: bool = False
    ) -> None:
        super().__init__(operands=[async_dependencies, dst, src], result_types=[_token(is_async)])

    def verify_(self) -> None:
        """Equal elements, shapes that can be equal."""
        dst, src = _memref(self.dst), _memref(self.src)
        if dst.element_type != src.element_type:
            raise VerifyException(f"elements of {src} cannot be copied to {dst}")
        sizes = list(zip(dst.get_shape(), src.get_shape(), strict=False))
        if dst.get_num_dims() != src.get_num_dims() or any(a != b and DYNAMIC_INDEX not in (a, b) for a, b in sizes):
            raise VerifyException(f"{src} has another shape than {dst}")


@irdl_op_definition
class MemsetOp(IRDLOperation):
    """Fills a buffer with a value.

    ```mlir
    gpu.memset %dst, %zero : memref<?xf32>, f32
    ```
    """

    name = "gpu.memset"
    async_dependencies = var_operand_def(AsyncTokenType)
    dst = operand_def(MemRefType)
    value = operand_def()
    async_token = opt_result_def(AsyncTokenType)

    traits = traits_def(MemoryWriteEffect())
    custom_directives = (AsyncDependencies,)
    assembly_format = (
        "custom<AsyncDependencies>(type($async_token), $async_dependencies) "
        "$dst `,` $value `:` type($dst) `,` type($value) attr-dict"
    )

    def __init__(
        self, dst: Value, value: Value, *, async_dependencies: Sequence[Value] = (), is_async: bool = False
    ) -> None:
        super().__init__(operands=[async_dependencies, dst, value], result_types=[_token(is_async)])

    def verify_(self) -> None:
        """The value is an element."""
        if _memref(self.dst).element_type != self.value.type:
            raise VerifyException(f"{self.dst.type} cannot be filled with a value of type {self.value.type}")


@irdl_op_definition
class WaitOp(IRDLOperation):
    """Waits for tokens; `async` it does not wait, but gives a token for all of them.

    ```mlir
    %t = gpu.wait async
    gpu.wait [%t]
    ```
    """

    name = "gpu.wait"
    async_dependencies = var_operand_def(AsyncTokenType)
    async_token = opt_result_def(AsyncTokenType)

    traits = traits_def(MemoryWriteEffect())
    custom_directives = (AsyncDependencies,)
    assembly_format = "custom<AsyncDependencies>(type($async_token), $async_dependencies) attr-dict"

    def __init__(self, async_dependencies: Sequence[Value] = (), *, is_async: bool = False) -> None:
        super().__init__(operands=[async_dependencies], result_types=[_token(is_async)])


@irdl_op_definition
class HostRegisterOp(IRDLOperation):
    """Makes a host's buffer one that the device may read and write.

    ```mlir
    gpu.host_register %m : memref<*xf32>
    ```
    """

    name = "gpu.host_register"
    value = operand_def(UnrankedMemRefType)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = "$value attr-dict `:` type($value)"

    def __init__(self, value: Value) -> None:
        super().__init__(operands=[value])


@irdl_op_definition
class HostUnregisterOp(IRDLOperation):
    """Undoes `gpu.host_register`.

    ```mlir
    gpu.host_unregister %m : memref<*xf32>
    ```
    """

    name = "gpu.host_unregister"
    value = operand_def(UnrankedMemRefType)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = "$value attr-dict `:` type($value)"

    def __init__(self, value: Value) -> None:
        super().__init__(operands=[value])


@irdl_op_definition
class SetDefaultDeviceOp(IRDLOperation):
    """Chooses, by its number, the device of the ops that follow.

    ```mlir
    gpu.set_default_device %n
    ```
    """

    name = "gpu.set_default_device"
    dev_index = operand_def(i32)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = "attr-dict $dev_index"

    def __init__(self, dev_index: Value) -> None:
        super().__init__(operands=[dev_index])


OPS: tuple[type[IRDLOperation], ...] = (
    AllocOp,
    DeallocOp,
    HostRegisterOp,
    HostUnregisterOp,
    MemcpyOp,
    MemsetOp,
    SetDefaultDeviceOp,
    WaitOp,
)
