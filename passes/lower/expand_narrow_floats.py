"""The pass `expand-narrow-floats`."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import BFloat16Type, Float16Type, ModuleOp, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from weft.dialects.upstream.arith import ARITH
from weft.dialects.walking import inside
from weft.passes.rewriting import LocatedBuilder

KEPT: tuple[type[Operation], ...] = (
    arith.ConstantOp,
    arith.SelectOp,
    arith.BitcastOp,
    arith.CmpfOp,
    arith.ExtFOp,
    arith.TruncFOp,
    arith.FPToSIOp,
    arith.FPToUIOp,
    arith.SIToFPOp,
    arith.UIToFPOp,
)
"""Ops that the lowering to llvm knows for f16 and bf16."""

_ARITHMETIC = {*ARITH.operations, *math.Math.operations} - {*KEPT}


@dataclass(frozen=True)
class ExpandNarrowFloats(ModulePass):
    """Does arithmetic in f16 and bf16 in f32, rounding each result.

    For +, -, *, / and the square root this gives exactly what arithmetic in the narrow type would; other functions are
    the more exact for it.

    **Before**
    ```mlir
    %2 = arith.addf %0, %1 : bf16
    ```
    **After**
    ```mlir
    %3 = arith.extf %0 : bf16 to f32
    %4 = arith.extf %1 : bf16 to f32
    %5 = arith.addf %3, %4 : f32
    %2 = arith.truncf %5 : f32 to bf16
    ```

    **Needs** scalars. **Leaves alone** constants, `select`, `cmpf`, `bitcast` and conversions, which are lowered as
    they are, what computes on vectors or tensors, and the bodies of `linalg` ops.
    """

    name = "expand-narrow-floats"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass."""
        expand_narrow(op)


def expand_narrow(op: Operation) -> None:
    """Do it for all ops inside of an op."""
    for inner in inside(op):
        if type(inner) in _ARITHMETIC and any(map(_is_narrow, _types(inner))) and not _in_structured_op(inner):
            _expand(inner)


def _in_structured_op(op: Operation) -> bool:
    """Whether an op is the body of a `linalg` op: the text of named ones does not show it, so it must not change."""
    parent = op.parent_op()
    return parent is not None and parent.name.startswith("linalg.")


def _types(op: Operation) -> list[Attribute]:
    return [value.type for value in (*op.operands, *op.results)]


def _is_narrow(type_: Attribute) -> bool:
    return isinstance(type_, BFloat16Type | Float16Type)


def _expand(op: Operation) -> None:
    builder = LocatedBuilder.before(op)

    def wide(value: SSAValue) -> SSAValue:
        return builder.insert(arith.ExtFOp(value, f32)).result if _is_narrow(value.type) else value

    made = builder.insert(
        type(op).create(
            operands=[wide(operand) for operand in op.operands],
            result_types=[f32 if _is_narrow(result.type) else result.type for result in op.results],
            properties=op.properties,
            attributes=op.attributes,
        )
    )
    results = [
        builder.insert(arith.TruncFOp(new, old.type)).result if _is_narrow(old.type) else new
        for old, new in zip(op.results, made.results, strict=True)
    ]
    Rewriter.replace_op(op, [], results)
