"""Calls of kernels: on the way down a host function calls in two worlds, so what it passes is cast in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import UnrealizedConversionCastOp
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import Rewriter

from weft.passes.rewriting import LocatedBuilder


def convert_call(call: func.CallOp, types: Sequence[Sequence[Attribute]]) -> None:
    """Turn a `func.call` of a kernel into an `llvm.call`; `types` are the llvm types of each argument.

    **Before**
    ```mlir
    func.call @k(%x) : (memref<?xf32>) -> ()
    ```
    **After**
    ```mlir
    %p, %n = builtin.unrealized_conversion_cast %x : memref<?xf32> to !llvm.ptr, i64
    llvm.call @k(%p, %n) : (!llvm.ptr, i64) -> ()
    ```
    """
    builder = LocatedBuilder.before(call)
    passed: list[SSAValue] = []
    for argument, parts in zip(call.arguments, types, strict=True):
        if [argument.type] == list(parts):
            passed.append(argument)
        else:
            passed += builder.insert(UnrealizedConversionCastOp.get([argument], list(parts))).results
    builder.insert(llvm.CallOp(call.callee, *passed))
    Rewriter.erase_op(call)


def convert_calls(calls: Sequence[func.CallOp], kernels: Mapping[str, Sequence[Sequence[Attribute]]]) -> None:
    """Convert those calls whose callee is a kernel; `kernels` holds the llvm types of their arguments."""
    for call in calls:
        if (types := kernels.get(call.callee.string_value())) is not None:
            convert_call(call, types)
