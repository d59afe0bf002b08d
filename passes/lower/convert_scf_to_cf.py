"""The pass `convert-scf-to-cf`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects import arith, cf, memref, scf
from xdsl.dialects.builtin import DenseIntElementsAttr, IntegerAttr, IntegerType, ModuleOp, VectorType, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.walking import inside
from weft.passes.lower.positive import is_positive
from weft.passes.lower.proven import mark_inside
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class ConvertScfToCf(ModulePass):
    """Turns structured control flow into blocks and branches: `if`, `for`, `while`, `index_switch`, `execute_region`,
    and `parallel` as loops in sequence.

    **Before**
    ```mlir
    %r = scf.if %c -> (f32) {
      scf.yield %a : f32
    } else {
      scf.yield %b : f32
    }
    ```
    **After**
    ```mlir
      cf.cond_br %c, ^then, ^else
    ^then:
      cf.br ^next(%a : f32)
    ^else:
      cf.br ^next(%b : f32)
    ^next(%r: f32):
    ```

    Accesses that the loops around them keep inside their buffers get the attribute `weft.inside`, and no check later.
    A loop whose step is known only at run time gets an assertion that the step is positive; a step that is known not to
    be is an error.

    **Needs** values that are not tensors to be useful further down, but runs on any. **Leaves alone** `scf` in kernels,
    where there is none.
    """

    name = "convert-scf-to-cf"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass. Raises :class:`WeftError` for a loop that cannot make steps."""
        for inner in inside(op):
            if type(inner) is scf.ParallelOp:
                _parallel(inner)
        mark_inside(inner for inner in inside(op) if isinstance(inner, memref.LoadOp | memref.StoreOp))
        for inner in inside(op):
            if (rule := _RULES.get(type(inner))) is not None:
                rule(inner)


def _at_end(block: Block, op: Operation) -> LocatedBuilder:
    """A builder at the end of a block, at the location of an op."""
    return LocatedBuilder(InsertPoint.at_end(block), op.location)


def _split(op: Operation, types: Sequence[Attribute]) -> tuple[Block, Block]:
    """The block before `op`, open at its end, and the block after it, with arguments for the op's results."""
    before = op.parent_block()
    if before is None:
        raise ValueError(f"'{op.name}' stands in no block")
    after = before.split_before(op)
    op.detach()
    for type_ in types:
        after.insert_arg(type_, len(after.args), op.location)
    return before, after


def _move(region: Region, after: Block) -> tuple[Block, Operation]:
    """Move a region's blocks in front of a block. Gives their first block, and the terminator of their last."""
    first, last = region.first_block, region.last_block
    if first is None or last is None or last.last_op is None:
        raise ValueError("a region without a terminator")
    parent = after.parent
    if parent is None:
        raise ValueError("a block in no region")
    region.move_blocks_before(after)
    return first, last.last_op


def _branch_instead(terminator: Operation, target: Block, values: Sequence[SSAValue]) -> None:
    """Replace a region's terminator by a branch."""
    LocatedBuilder.before(terminator).insert(cf.BranchOp(target, *values))
    terminator.detach()
    terminator.erase()


def _finish(op: Operation, results: Sequence[SSAValue]) -> None:
    for old, new in zip(op.results, results, strict=True):
        old.replace_all_uses_with(new)
    op.erase()


def _if(op: scf.IfOp) -> None:
    before, after = _split(op, op.result_types)
    targets: list[Block] = []
    for region in (op.true_region, op.false_region):
        if region.first_block is None:
            targets.append(after)
            continue
        first, end = _move(region, after)
        _branch_instead(end, after, end.operands)
        targets.append(first)
    _at_end(before, op).insert(cf.ConditionalBranchOp(op.cond, targets[0], (), targets[1], ()))
    _finish(op, after.args)


def _for(op: scf.ForOp) -> None:
    _check_step(op, op.step)
    before, after = _split(op, op.result_types)
    first, end = _move(op.body, after)
    counter = first.args[0].type
    head = Block(arg_types=[counter, *op.result_types])
    for argument in head.args:
        argument.location = op.location
    cast(Region, after.parent).insert_block_before(head, first)
    _at_end(before, op).insert(cf.BranchOp(head, op.lb, *op.iter_args))

    builder = _at_end(head, op)
    more = builder.insert(arith.CmpiOp(head.args[0], op.ub, "slt")).result
    builder.insert(cf.ConditionalBranchOp(more, first, head.args, after, head.args[1:]))

    builder = LocatedBuilder.before(end)
    following = builder.insert(arith.AddiOp(first.args[0], op.step)).result
    if not _may_wrap(op):
        _branch_instead(end, head, [following, *end.operands])
    else:
        left = builder.insert(arith.SubiOp(op.ub, first.args[0])).result
        more = builder.insert(arith.CmpiOp(op.step, left, "ult")).result
        builder.insert(cf.ConditionalBranchOp(more, head, [following, *end.operands], after, end.operands))
        end.detach()
        end.erase()
    _finish(op, after.args)


def _may_wrap(op: scf.ForOp) -> bool:
    """Whether the counter of a loop may step past the greatest number of its type, and come back as the least.

    An index would have to count for centuries, or to be stepped by as much.
    """
    type_, bound, step = op.lb.type, _constant(op.ub), _constant(op.step)
    if not isa(type_, IntegerType) or step == 1:
        return False
    return bound is None or step is None or bound - 1 + step >= 1 << (type_.width.data - 1)


def _constant(value: SSAValue) -> int | None:
    owner = value.owner
    known = isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr)
    return cast(IntegerAttr, cast(arith.ConstantOp, owner).value).value.data if known else None


def _check_step(op: Operation, step: SSAValue) -> None:
    """A loop that would stand still is refused, or stopped by an assertion before it starts."""
    number = _constant(step)
    if number is not None:
        if number <= 0:
            raise error_at(op, f"the step of '{op.name}' is {number}, it must be positive", code=codes.CANNOT_LOWER)
        return
    if is_positive(step):
        return
    builder = LocatedBuilder.before(op)
    zero = builder.insert(arith.ConstantOp(IntegerAttr(0, cast(Any, step.type)))).result
    positive = builder.insert(arith.CmpiOp(step, zero, "sgt")).result
    builder.insert(cf.AssertOp(positive, f"the step of '{op.name}' must be positive"))


def _while(op: scf.WhileOp) -> None:
    before, after = _split(op, op.result_types)
    first, condition = _move(op.before_region, after)
    body, end = _move(op.after_region, after)
    _at_end(before, op).insert(cf.BranchOp(first, *op.arguments))
    _branch_instead(end, first, end.operands)
    test = cast(scf.ConditionOp, condition)
    branch = cf.ConditionalBranchOp(test.condition, body, test.args, after, test.args)
    LocatedBuilder.before(condition).insert(branch)
    condition.detach()
    condition.erase()
    _finish(op, after.args)


def _index_switch(op: scf.IndexSwitchOp) -> None:
    before, after = _split(op, op.result_types)
    targets: list[Block] = []
    for region in (op.default_region, *op.case_regions):
        first, end = _move(region, after)
        _branch_instead(end, after, end.operands)
        targets.append(first)
    builder = _at_end(before, op)
    flag = builder.insert(arith.IndexCastOp(op.arg, i64)).result
    cases = op.cases.get_values()
    values = DenseIntElementsAttr.from_list(VectorType(i64, [len(cases)]), [int(case) for case in cases])
    empty: list[list[SSAValue]] = [[] for _ in cases]
    builder.insert(cf.SwitchOp(flag, targets[0], (), values if cases else None, targets[1:], empty))
    _finish(op, after.args)


def _execute_region(op: scf.ExecuteRegionOp) -> None:
    before, after = _split(op, op.result_types)
    yields = [block.last_op for block in op.region.blocks if isinstance(block.last_op, scf.YieldOp)]
    first, _ = _move(op.region, after)
    _at_end(before, op).insert(cf.BranchOp(first))
    for end in yields:
        _branch_instead(end, after, end.operands)
    _finish(op, after.args)


def _parallel(op: scf.ParallelOp) -> None:
    """A nest of `scf.for`, the values that are reduced passed along."""
    builder = LocatedBuilder.before(op)
    block = op.body.block
    reduce = cast(scf.ReduceOp, block.last_op)
    carried: Sequence[SSAValue] = op.initVals
    loops: list[scf.ForOp] = []
    for low, high, step in zip(op.lowerBound, op.upperBound, op.step, strict=True):
        body = Block(arg_types=[low.type, *op.result_types])
        loop = builder.insert(scf.ForOp(low, high, step, carried, body))
        loops.append(loop)
        carried = body.args[1:]
        builder = LocatedBuilder(InsertPoint.at_end(body), op.location)
    innermost = loops[-1].body.block
    reductions = list(zip(reduce.reductions, reduce.args, carried, strict=True))
    counters = [loop.body.block.args[0] for loop in loops]
    combined: list[SSAValue] = []
    reduce.detach()
    for old, new in zip(block.args, counters, strict=True):
        old.replace_all_uses_with(new)
    for inner in list(block.ops):
        inner.detach()
        innermost.add_op(inner)
    for region, value, accumulated in reductions:
        combined.append(_inline_reduction(region.block, (accumulated, value), innermost))
    reduce.erase()
    _at_end(innermost, op).insert(scf.YieldOp(*combined))
    for outer, inner in pairwise(loops):
        _at_end(outer.body.block, op).insert(scf.YieldOp(*inner.results))
    op.detach()
    _finish(op, loops[0].results)


def _inline_reduction(block: Block, operands: tuple[SSAValue, SSAValue], target: Block) -> SSAValue:
    """Move the ops of a reduction to the end of a block; gives its result."""
    for argument, operand in zip(block.args, operands, strict=True):
        argument.replace_all_uses_with(operand)
    end = cast(scf.ReduceReturnOp, block.last_op)
    result = end.result
    end.detach()
    end.erase()
    for inner in list(block.ops):
        inner.detach()
        target.add_op(inner)
    return result


_RULES: Mapping[type[Operation], Callable[[Any], None]] = {
    scf.IfOp: _if,
    scf.ForOp: _for,
    scf.WhileOp: _while,
    scf.IndexSwitchOp: _index_switch,
    scf.ExecuteRegionOp: _execute_region,
}
