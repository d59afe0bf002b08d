"""Regions go: an op's body takes its place, or is emptied."""

from __future__ import annotations

from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, Region, SSAValue

from weft.driver.reduction.signature import is_function
from weft.driver.reduction.tree import attached, erase, erase_block, first_of_type, is_terminator, replace_results


def inline_regions(module: ModuleOp) -> list[partial[None]]:
    """`%r = scf.for ... {body}` -> `body`: with operands for its arguments, and what it yields for the results."""
    return [
        partial(_inline, module, op, region)
        for op in module.walk()
        if op is not module and not is_function(op)
        for region in op.regions
        if len(region.blocks) == 1
    ]


def _inline(module: ModuleOp, op: Operation, region: Region) -> None:
    if not attached(op, module) or len(region.blocks) != 1 or op.parent is None:
        return
    block = region.block
    values = [_outside(op, argument) for argument in block.args]
    end = block.last_op
    yielded = list(end.operands) if end is not None and is_terminator(end) else []
    results = yielded[-len(op.results) :] if op.results else []
    if len(results) != len(op.results) or any(value is None for value in values):
        return
    if any(a.type != b.type for a, b in zip(op.results, results, strict=True)):
        return
    if end is not None and is_terminator(end):
        results = [_mapped(value, block.args, values) for value in results]
        erase(end)
    for argument, value in zip(block.args, values, strict=True):
        assert value is not None
        argument.replace_all_uses_with(value)
    for moved in list(block.ops):
        moved.detach()
        op.parent.insert_op_before(moved, op)
    replace_results(op, results)


def _outside(op: Operation, argument: SSAValue) -> SSAValue | None:
    """What can stand for an argument of a body outside it."""
    return first_of_type(op, argument.type)


def _mapped(value: SSAValue, arguments: tuple[SSAValue, ...], values: list[SSAValue | None]) -> SSAValue:
    if value not in arguments:
        return value
    other = values[arguments.index(value)]
    assert other is not None
    return other


def drop_regions(module: ModuleOp) -> list[partial[None]]:
    """`scf.if %c {...} else {...}` -> `scf.if %c {...}`: a region becomes empty."""
    return [
        partial(_empty, module, op, region)
        for op in module.walk()
        if op is not module and not is_function(op)
        for region in op.regions
        if region.blocks
    ]


def _empty(module: ModuleOp, op: Operation, region: Region) -> None:
    if not attached(op, module):
        return
    for block in list(region.blocks):
        erase_block(block)
