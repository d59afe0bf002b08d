"""Index arithmetic of a program, read as linear forms of the counters and symbols of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects import affine, arith
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, OpResult, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)

from weft.dialects.loop import Linear, linear
from weft.passes.loops.reify import constant_index


class Unfit(Exception):
    """A loop has no form as a kernel; the plain lowering takes it."""


@dataclass
class Inputs:
    """What a kernel takes from its host: an argument for each host value that it uses, in order of first use."""

    root: Operation
    block: Block = field(default_factory=Block)
    given: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """The argument of each host value."""

    def is_outside(self, value: SSAValue) -> bool:
        """Whether a value is made outside the loops."""
        owner = value.owner
        node = owner if isinstance(owner, Operation) else owner.parent_op()
        return node is None or not self.root.is_ancestor(node)

    def argument(self, value: SSAValue) -> SSAValue:
        """The argument that stands for a host value. Raises :class:`Unfit` for one from inside the loops."""
        if not self.is_outside(value):
            raise Unfit
        if value not in self.given:
            made = self.block.insert_arg(value.type, len(self.block.args))
            made.name_hint = value.name_hint
            self.given[value] = made
        return self.given[value]

    def origin(self, argument: SSAValue) -> SSAValue:
        """The host value that an argument stands for."""
        return next(value for value, made in self.given.items() if made is argument)


@dataclass
class Forms:
    """The linear forms of index values, old values to forms over the kernel's values."""

    inputs: Inputs
    known: dict[SSAValue, Linear] = field(default_factory=dict[SSAValue, Linear])

    def of(self, value: SSAValue) -> Linear:
        """The form of an index value. Raises :class:`Unfit` where it is not linear."""
        if value not in self.known:
            self.known[value] = self._make(value)
        return self.known[value]

    def _make(self, value: SSAValue) -> Linear:
        if (constant := constant_index(value)) is not None and isinstance(value.type, IndexType):
            return linear(constant)
        if self.inputs.is_outside(value):
            return linear(self.inputs.argument(value))
        if not isinstance(value, OpResult):
            raise Unfit
        op = value.op
        match op:
            case arith.AddiOp():
                return self.of(op.lhs) + self.of(op.rhs)
            case arith.SubiOp():
                return self.of(op.lhs) - self.of(op.rhs)
            case arith.MuliOp():
                return _times(self.of(op.lhs), self.of(op.rhs))
            case affine.ApplyOp():
                return self.of_map(op.map.data, op.mapOperands)[0]
            case _:
                raise Unfit

    def of_map(self, map_: AffineMap, operands: Sequence[SSAValue]) -> list[Linear]:
        """The forms of a map's results; the operands are its dims, then its symbols."""
        forms = [self.of(operand) for operand in operands]
        return [_expression(e, forms[: map_.num_dims], forms[map_.num_dims :]) for e in map_.results]


def _times(left: Linear, right: Linear) -> Linear:
    if left.is_constant:
        return right * left.constant
    if right.is_constant:
        return left * right.constant
    raise Unfit


def _expression(expr: AffineExpr, dims: Sequence[Linear], symbols: Sequence[Linear]) -> Linear:
    if isinstance(expr, AffineConstantExpr):
        return linear(expr.value)
    if isinstance(expr, AffineDimExpr):
        return dims[expr.position]
    if isinstance(expr, AffineSymExpr):
        return symbols[expr.position]
    if isinstance(expr, AffineBinaryOpExpr):
        left, right = (_expression(side, dims, symbols) for side in (expr.lhs, expr.rhs))
        if expr.kind is AffineBinaryOpKind.Add:
            return left + right
        if expr.kind is AffineBinaryOpKind.Mul:
            return _times(left, right)
    raise Unfit
