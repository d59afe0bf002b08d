"""Blocks of a control-flow graph go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from xdsl.dialects import cf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from weft.driver.reduction.tree import attached, erase, erase_block


def take_one_branch(module: ModuleOp) -> list[partial[None]]:
    """`cf.cond_br %c, ^a, ^b` -> `cf.br ^a`, and the same with `^b`; `cf.switch` likewise."""
    return [
        partial(_take, module, op, choice)
        for op in module.walk()
        if isinstance(op, cf.ConditionalBranchOp | cf.SwitchOp)
        for choice in range(len(op.successors))
    ]


def _take(module: ModuleOp, op: Operation, choice: int) -> None:
    if attached(op, module) and op.parent is not None:
        branch = cf.BranchOp(op.successors[choice], *_branch_operands(op)[choice])
        op.parent.insert_op_before(branch, op)
        erase(op)


def _branch_operands(op: Operation) -> Sequence[Sequence[SSAValue]]:
    """What is handed to each successor."""
    if isinstance(op, cf.ConditionalBranchOp):
        return (op.then_arguments, op.else_arguments)
    assert isinstance(op, cf.SwitchOp)
    return (op.default_operands, *op.case_operand)


def drop_blocks(module: ModuleOp) -> list[partial[None]]:
    """`^b: ...`, which no block branches to -> nothing."""
    return [
        partial(_drop, module, block)
        for op in module.walk()
        for region in op.regions
        for block in reversed(list(region.blocks)[1:])
    ]


def _drop(module: ModuleOp, block: Block) -> None:
    if block.parent is None or block.get_toplevel_object() is not module or block.predecessors():
        return
    erase_block(block)


def join_blocks(module: ModuleOp) -> list[partial[None]]:
    """`cf.br ^a(%x)  ^a(%y): ...` -> the ops of `^a` with `%x` for `%y`, where nothing else branches to `^a`."""
    return [partial(_join, module, op) for op in module.walk() if isinstance(op, cf.BranchOp)]


def _join(module: ModuleOp, op: cf.BranchOp) -> None:
    block, target = op.parent, op.successor
    if not attached(op, module) or block is None or block is target or len(target.predecessors()) != 1:
        return
    if target.parent is None or target.parent.first_block is target:
        return
    for argument, value in zip(target.args, list(op.arguments), strict=True):
        argument.replace_all_uses_with(value)
    erase(op)
    for moved in list(target.ops):
        moved.detach()
        block.add_op(moved)
    erase_block(target)
