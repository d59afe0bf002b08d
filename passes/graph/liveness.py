"""Which ops and values a module needs: found backwards from what has effects, through loops and branches of `scf`.

A loop is live without all of its carried values being live: each result of `scf.for`, `scf.if` and
`scf.while` makes only its own chain live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue
from xdsl.traits import IsTerminator

from weft.dialects.walking import inside
from weft.passes.graph.effects import Effects, effects_of

SELECTIVE = (scf.ForOp, scf.IfOp, scf.WhileOp)
"""Ops whose regions hand over values one by one."""


class Liveness:
    """The live ops and values of a module."""

    def __init__(self, module: ModuleOp) -> None:
        self.ops: set[Operation] = set()
        self.values: set[SSAValue] = set()
        self._left: list[Operation | SSAValue] = []
        self.ops.add(module)
        for op in inside(module):
            if effects_of(type(op)) is Effects.OTHER and not op.has_trait(IsTerminator):
                self._need_op(op)
        while self._left:
            item = self._left.pop()
            if isinstance(item, Operation):
                self._follow_op(item)
            else:
                self._follow_value(item)

    def _need_op(self, op: Operation) -> None:
        if op not in self.ops:
            self.ops.add(op)
            self._left.append(op)

    def _need(self, values: Sequence[SSAValue]) -> None:
        for value in values:
            if value not in self.values:
                self.values.add(value)
                self._left.append(value)

    def _follow_op(self, op: Operation) -> None:
        self._need(own_operands(op))
        parent = op.parent_op()
        if parent is not None:
            self._need_op(parent)
        for region in op.regions:
            for block in region.blocks:
                if block.last_op is not None and block.last_op.has_trait(IsTerminator):
                    self._need_op(block.last_op)

    def _follow_value(self, value: SSAValue) -> None:
        if isinstance(value, OpResult):
            self._need_op(value.op)
        self._need(list(sources(value)))


def _end(block: Block) -> Operation:
    assert block.last_op is not None
    return block.last_op


def own_operands(op: Operation) -> Sequence[SSAValue]:
    """The operands that an op needs for itself, not for one of its results."""
    if isinstance(op, scf.ForOp):
        return (op.lb, op.ub, op.step)
    if isinstance(op, scf.WhileOp):
        return ()
    if isinstance(op, scf.ConditionOp):
        return (op.condition,)
    if isinstance(op, scf.YieldOp) and isinstance(op.parent_op(), SELECTIVE):
        return ()
    return list(op.operands)


def sources(value: SSAValue) -> Iterator[SSAValue]:
    """What a result or block argument of a selective op is made of."""
    if isinstance(value, OpResult):
        yield from _result_sources(value.op, value.index)
    elif isinstance(value, BlockArgument):
        yield from _argument_sources(value)


def _result_sources(op: Operation, i: int) -> Iterator[SSAValue]:
    if isinstance(op, scf.IfOp):
        yield from (_end(region.block).operands[i] for region in op.regions if region.blocks)
    elif isinstance(op, scf.ForOp):
        yield from (op.body.block.args[i + 1], op.iter_args[i], _end(op.body.block).operands[i])
    elif isinstance(op, scf.WhileOp):
        yield _end(op.before_region.block).operands[i + 1]


def _argument_sources(value: BlockArgument) -> Iterator[SSAValue]:
    op, i = value.block.parent_op(), value.index
    if isinstance(op, scf.ForOp) and i > 0:
        yield from (op.results[i - 1], op.iter_args[i - 1], _end(op.body.block).operands[i - 1])
    elif isinstance(op, scf.WhileOp) and value.block is op.before_region.block:
        yield from (op.arguments[i], _end(op.after_region.block).operands[i])
    elif isinstance(op, scf.WhileOp):
        yield from (op.results[i], _end(op.before_region.block).operands[i + 1])
