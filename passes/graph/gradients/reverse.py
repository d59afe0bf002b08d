"""The walk back through a block: every op hands the cotangents of its results to its operands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from xdsl.dialects import arith, func
from xdsl.dialects.builtin import LocationAttr, TensorType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.traits import IsolatedFromAbove

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.ml.base import tensor_type
from weft.passes.graph.effects import is_dead
from weft.passes.graph.gradients.activity import captured
from weft.passes.graph.gradients.rule import Rules, nothing
from weft.passes.graph.gradients.terms import Term, filled
from weft.passes.graph.refinements import as_type
from weft.passes.graph.worklist import Pattern
from weft.passes.rewriting import LocatedBuilder

Walk: TypeAlias = "Callable[[Any, Reverse], None]"
"""Differentiates an op with regions: reads the cotangents of its results, adds to those of what it uses."""


@dataclass(frozen=True)
class Tables:
    """How ops are differentiated: by a rule, by a walk through their regions, or as smaller ops."""

    rules: Rules
    walks: Mapping[type[Operation], Walk]
    plainer: Mapping[type[Operation], Pattern]
    """What replaces an op that has no rule."""

    def constant(self) -> frozenset[type[Operation]]:
        """The op classes that are constant wherever they have a derivative."""
        return frozenset(kind for kind, rule in self.rules.items() if rule is nothing)

    def knows(self, op: Operation) -> bool:
        """Whether an op can be differentiated."""
        return type(op) in self.rules or type(op) in self.walks


class Reverse:
    """Grows the backward program at the end of a block that has no terminator yet.

    `varied` are the values whose cotangents are of use. What is inserted has the place of the op that it comes from.
    """

    def __init__(self, block: Block, varied: set[SSAValue], tables: Tables, location: LocationAttr) -> None:
        self.block = block
        self.varied = varied
        self.tables = tables
        self.cotangents: dict[SSAValue, SSAValue] = {}
        self.builder = LocatedBuilder(InsertPoint.at_end(block), location)

    def copy(self, source: Block, target: Block, values: dict[SSAValue, SSAValue]) -> Reverse:
        """A walk at the end of `target`, which gets a copy of what stands in `source`, less its end.

        `values` says what stands for the values of `source`; the copy's are added to it.
        """
        for op in list(source.ops)[:-1]:
            target.add_op(op.clone(values))
        varied = self.varied | {new for old, new in values.items() if old in self.varied}
        return Reverse(target, varied, self.tables, self.builder.location)

    def run(self, seeds: Iterable[tuple[SSAValue, SSAValue]]) -> None:
        """Walk back through the ops of the block from the cotangents of some values.

        Raises :class:`WeftError` where a gradient would have to pass an op that has none.
        """
        forward = list(self.block.ops)
        for value, cotangent in seeds:
            self.add(value, cotangent)
        for op in reversed(forward):
            if any(result in self.cotangents for result in op.results):
                self._step(op)

    def _step(self, op: Operation) -> None:
        self.builder.location = op.location
        from_regions = [value for value in captured(op) if self.wants(value)]
        if not from_regions and not any(self.wants(operand) for operand in op.operands):
            return
        if (walk := self.tables.walks.get(type(op))) is not None:
            walk(op, self)
            return
        rule = self.tables.rules.get(type(op))
        if rule is None or from_regions:
            raise error_at(op, *_refusal(op), code=codes.NO_GRADIENT)
        for operand, cotangent in zip(op.operands, rule(op, self), strict=True):
            self.add(operand, cotangent)

    def wants(self, operand: SSAValue) -> bool:
        """Whether the cotangent of a value is of use."""
        return operand in self.varied

    def term(self, value: SSAValue) -> Term:
        """A value as part of a formula."""
        return Term(self.builder, value)

    def cotangent(self, result: SSAValue) -> SSAValue:
        """The cotangent of a value, zeros where it has none."""
        found = self.cotangents.get(result)
        return filled(self.builder, result, 0) if found is None else found

    def add(self, value: SSAValue, cotangent: SSAValue | None) -> None:
        """Add to the cotangent of a value, where that is of use."""
        if cotangent is None or not self.wants(value):
            return
        if isinstance(value.type, TensorType):
            cotangent = as_type(self.builder, cotangent, tensor_type(value))
        known = self.cotangents.get(value)
        self.cotangents[value] = cotangent if known is None else sum_of(self.builder, known, cotangent)


def sum_of(builder: LocatedBuilder, left: SSAValue, right: SSAValue) -> SSAValue:
    """The sum of two tensors, or of two floats."""
    kind = ml.AddOp if isinstance(left.type, TensorType) else arith.AddfOp
    return builder.insert(kind(left, right)).results[0]


def drop_dead(block: Block) -> None:
    """Erase the ops of a block, and of the regions inside, that nobody needs."""
    for op in reversed(list(block.walk())):
        if op.parent is not None and is_dead(op):
            op.detach()
            op.erase()


def _refusal(op: Operation) -> tuple[str, str]:
    """What to say, and to advise, where an op has no gradient."""
    if isinstance(op, func.CallOp):
        message = f"a call of @{op.callee.string_value()}, which has no body, has no gradient"
        return message, "give the function a body"
    if op.regions and not op.has_trait(IsolatedFromAbove):
        message = f"{op.name} has no gradient: it uses values from outside its regions that would need one"
        return message, "scf.for, scf.if and scf.index_switch have gradients"
    return f"{op.name} has no gradient", "a rule can be added to the table of gradients, or the op written by others"
