"""Affine expressions and maps as `arith` ops on `index` values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)


def index_constant(builder: Builder, value: int) -> SSAValue:
    """An `arith.constant` of type `index`."""
    return builder.insert(arith.ConstantOp(IntegerAttr(value, IndexType()))).result


def _modulo(builder: Builder, a: SSAValue, b: SSAValue) -> SSAValue:
    """The affine `mod` is never negative: the remainder, and the divisor once more where that is negative."""
    rest = builder.insert(arith.RemSIOp(a, b)).result
    negative = builder.insert(arith.CmpiOp(rest, index_constant(builder, 0), "slt")).result
    raised = builder.insert(arith.AddiOp(rest, b)).result
    return builder.insert(arith.SelectOp(negative, raised, rest)).result


_OPS: Mapping[AffineBinaryOpKind, Callable[[Builder, SSAValue, SSAValue], SSAValue]] = {
    AffineBinaryOpKind.Add: lambda builder, a, b: builder.insert(arith.AddiOp(a, b)).result,
    AffineBinaryOpKind.Mul: lambda builder, a, b: builder.insert(arith.MuliOp(a, b)).result,
    AffineBinaryOpKind.FloorDiv: lambda builder, a, b: builder.insert(arith.FloorDivSIOp(a, b)).result,
    AffineBinaryOpKind.CeilDiv: lambda builder, a, b: builder.insert(arith.CeilDivSIOp(a, b)).result,
    AffineBinaryOpKind.Mod: _modulo,
}


def expand(builder: Builder, expr: AffineExpr, dims: Sequence[SSAValue], symbols: Sequence[SSAValue]) -> SSAValue:
    """The value of an expression."""
    if isinstance(expr, AffineConstantExpr):
        return index_constant(builder, expr.value)
    if isinstance(expr, AffineDimExpr):
        return dims[expr.position]
    if isinstance(expr, AffineSymExpr):
        return symbols[expr.position]
    if isinstance(expr, AffineBinaryOpExpr):
        a, b = (expand(builder, side, dims, symbols) for side in (expr.lhs, expr.rhs))
        return _OPS[expr.kind](builder, a, b)
    raise ValueError(f"an affine expression of an unknown kind: {expr}")


def expand_map(builder: Builder, map_: AffineMap, operands: Sequence[SSAValue]) -> list[SSAValue]:
    """The results of a map; the operands are its dims, then its symbols."""
    dims, symbols = operands[: map_.num_dims], operands[map_.num_dims :]
    return [expand(builder, result, dims, symbols) for result in map_.results]


def least(builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
    """The least of values."""
    return combine(builder, arith.MinSIOp, values)


def greatest(builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
    """The greatest of values."""
    return combine(builder, arith.MaxSIOp, values)


def combine(builder: Builder, kind: Callable[[SSAValue, SSAValue], Operation], values: Sequence[SSAValue]) -> SSAValue:
    """Values put together by an op of two operands, from the first on."""
    total = values[0]
    for value in values[1:]:
        total = builder.insert(kind(total, value)).results[0]
    return total
