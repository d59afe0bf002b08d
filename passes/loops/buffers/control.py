"""Structured control flow on buffers.

A tensor of known size that a branch gives or a loop carries lives in one fixed buffer, made before the op and
filled by copies. Of a size that only the run knows, the buffer itself is handed on, with the duty to free it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import scf
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue

from weft.passes.loops.buffers.host import Host, Rule, types_without
from weft.passes.loops.buffers.types import Buffer, buffer_type, is_static, is_tensor
from weft.passes.rewriting import LocatedBuilder

Targets = list[SSAValue | None]


def branch(host: Host, op: Operation) -> None:
    """`scf.if`, `scf.index_switch`, `scf.execute_region`: every branch fills the same buffers."""
    builder = LocatedBuilder.before(op)
    targets = _fixed(host, builder, op.results)
    for region in op.regions:
        for block in region.blocks:
            host.walk(block)
            _yield(host, block, targets)
    new = _rebuild(builder, op, op.operands, types_without(op.results, targets))
    host.retire(op, _results(host, op, new, targets))


def for_loop(host: Host, op: Operation) -> None:
    """`scf.for`: the loop carries scalars and owned buffers; fixed buffers stand still."""
    loop = cast(scf.ForOp, op)
    builder = LocatedBuilder.before(op)
    targets = _fixed(host, builder, loop.iter_args)
    carried = host.deliver(builder, loop.iter_args, targets)
    block = loop.body.block
    _arguments(host, block, block.args[1:], targets)
    host.walk(block)
    _yield(host, block, targets)
    operands = [loop.lb, loop.ub, loop.step, *carried]
    new = _rebuild(builder, op, operands, types_without(op.results, targets))
    host.retire(op, _results(host, op, new, targets))


def while_loop(host: Host, op: Operation) -> None:
    """`scf.while`: what the condition passes on has buffers of its own, unless it is what came in."""
    loop = cast(scf.WhileOp, op)
    builder = LocatedBuilder.before(op)
    before, after = loop.before_region.block, loop.after_region.block
    heads = _fixed(host, builder, loop.arguments)
    carried = host.deliver(builder, loop.arguments, heads)
    arguments = before.args
    _arguments(host, before, arguments, heads)
    host.walk(before)
    condition = cast(scf.ConditionOp, before.last_op)
    came_in = dict(zip(arguments, heads, strict=True))
    exits: Targets = [
        came_in.get(cast(BlockArgument, value)) or _fixed(host, builder, [value])[0] for value in condition.args
    ]
    end = LocatedBuilder.before(condition)
    passed = host.deliver(end, condition.args, exits)
    end.insert(scf.ConditionOp(condition.condition, *passed))
    condition.detach()
    condition.erase()
    _arguments(host, after, after.args, exits)
    host.walk(after)
    _yield(host, after, heads)
    new = _rebuild(builder, op, carried, types_without(op.results, exits))
    host.retire(op, _results(host, op, new, exits))


def _fixed(host: Host, builder: LocatedBuilder, values: Sequence[SSAValue]) -> Targets:
    """A fixed buffer for each tensor of known size, None for the others."""
    return [
        host.alloc(builder, cast(Buffer, buffer_type(value.type)))
        if is_tensor(value.type) and is_static(value.type)
        else None
        for value in values
    ]


def _arguments(host: Host, block: Block, arguments: Sequence[BlockArgument], targets: Targets) -> None:
    """What stands for the arguments of a loop's body: the fixed buffers, or new arguments."""
    for argument, target in zip(arguments, targets, strict=True):
        if target is not None:
            host.retire_argument(argument, target)
        elif (type_ := buffer_type(argument.type)) != argument.type:
            new = block.insert_arg(type_, argument.index)
            if is_tensor(argument.type):
                host.owned.add(new)
            host.retire_argument(argument, new)


def _yield(host: Host, block: Block, targets: Targets) -> None:
    """Move what a block yields to its targets."""
    op = block.last_op
    if not isinstance(op, scf.YieldOp):
        return
    builder = LocatedBuilder.before(op)
    rest = host.deliver(builder, op.arguments, targets)
    builder.insert(scf.YieldOp(*rest))
    op.detach()
    op.erase()


def _rebuild(
    builder: LocatedBuilder, op: Operation, operands: Sequence[SSAValue], types: Sequence[Attribute]
) -> Operation:
    """The same op with other operands and results, and the old regions."""
    regions: list[Region] = [op.detach_region(region) for region in list(op.regions)]
    return builder.insert(
        type(op).create(
            operands=operands,
            result_types=types,
            properties=op.properties,
            attributes=op.attributes,
            regions=regions,
        )
    )


def _results(host: Host, old: Operation, new: Operation, targets: Targets) -> list[SSAValue]:
    """What stands for the results of the old op."""
    given = iter(new.results)
    results = [next(given) if target is None else target for target in targets]
    host.owned.update(
        result
        for result, target, value in zip(results, targets, old.results, strict=True)
        if target is None and is_tensor(value.type)
    )
    return results


RULES: dict[type[Operation], Rule] = {
    scf.IfOp: branch,
    scf.IndexSwitchOp: branch,
    scf.ExecuteRegionOp: branch,
    scf.ForOp: for_loop,
    scf.WhileOp: while_loop,
}
"""The ops of this file."""
