"""Calls of kernels: on the way down a host function calls in two worlds, so what it passes is cast in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import UnrealizedConversionCastOp
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import Rewriter

from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class Target:
    """The code of a kernel: its symbol, and the llvm types that each argument becomes."""

    symbol: str
    types: Sequence[Sequence[Attribute]]


def convert_call(call: func.CallOp, target: Target) -> None:
    """Turn a `func.call` of a kernel into an `llvm.call`.

    **Before**
    ```mlir
    func.call @k(%x) : (memref<?xf32>) -> ()
    ```
    **After**
    ```mlir
    %p, %n = builtin.unrealized_conversion_cast %x : memref<?xf32> to !llvm.ptr, i64
    llvm.call @k.kernel(%p, %n) : (!llvm.ptr, i64) -> ()
    ```
    """
    builder = LocatedBuilder.before(call)
    passed: list[SSAValue] = []
    for argument, parts in zip(call.arguments, target.types, strict=True):
        if [argument.type] == list(parts):
            passed.append(argument)
        else:
            passed += builder.insert(UnrealizedConversionCastOp.get([argument], list(parts))).results
    builder.insert(llvm.CallOp(target.symbol, *passed))
    Rewriter.erase_op(call)


def convert_calls(calls: Sequence[func.CallOp], kernels: Mapping[str, Target]) -> None:
    """Convert those calls whose callee is a kernel; `kernels` holds their code, by name."""
    for call in calls:
        if (target := kernels.get(call.callee.string_value())) is not None:
            convert_call(call, target)
