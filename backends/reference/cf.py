"""The `cf` dialect: branches, and assertions that end the run with an error at their place."""

from __future__ import annotations

from itertools import accumulate, pairwise

from xdsl.dialects import cf
from xdsl.interpreter import Successor

from weft import codes
from weft.backends.reference.machine import Machine, Rules
from weft.dialects.locations import error_at
from weft.dialects.scalars.types import Value


def _assert(machine: Machine, op: cf.AssertOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    if not args[0]:
        raise error_at(op, op.msg.data, code=codes.CHECK_FAILED)
    return ()


def _branch(machine: Machine, op: cf.BranchOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return Successor(op.successor, args)


def _cond_branch(machine: Machine, op: cf.ConditionalBranchOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    condition, *rest = args
    then_count = len(op.then_arguments)
    if condition:
        return Successor(op.then_block, tuple(rest[:then_count]))
    return Successor(op.else_block, tuple(rest[then_count:]))


def _switch(machine: Machine, op: cf.SwitchOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    flag, *rest = args
    default_count = len(op.default_operands)
    values = [int(v) for v in op.case_values.get_values()] if op.case_values else []
    if int(flag) not in values:
        return Successor(op.default_block, tuple(rest[:default_count]))
    chosen = values.index(int(flag))
    ends = accumulate(map(int, op.case_operand_segments.get_values()), initial=default_count)
    first, last = list(pairwise(ends))[chosen]
    return Successor(op.case_blocks[chosen], tuple(rest[first:last]))


RULES: Rules = {
    cf.AssertOp: _assert,
    cf.BranchOp: _branch,
    cf.ConditionalBranchOp: _cond_branch,
    cf.SwitchOp: _switch,
}
