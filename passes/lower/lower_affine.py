"""The pass `lower-affine`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import affine, arith, memref, scf
from xdsl.dialects.builtin import AffineSetAttr, IntegerAttr, ModuleOp, i1
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineConstraintKind
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.walking import inside
from weft.passes.lower.affine_expressions import combine, expand, expand_map, greatest, index_constant, least
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class LowerAffine(ModulePass):
    """Turns the `affine` dialect into `scf`, `memref` and `arith`: maps become arithmetic on `index` values.

    **Before**
    ```mlir
    affine.for %i = 0 to 10 {
      %0 = affine.load %a[%i + 1] : memref<11xf32>
    }
    ```
    **After**
    ```mlir
    scf.for %i = %c0 to %c10 step %c1 {
      %j = arith.addi %i, %c1 : index
      %0 = memref.load %a[%j] : memref<11xf32>
    }
    ```

    **Needs** nothing. **Leaves alone** all other dialects. `affine.parallel` becomes loops in sequence.
    """

    name = "lower-affine"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass. Raises :class:`WeftError` at an affine op that it does not know."""
        for inner in inside(op):
            if not inner.name.startswith("affine.") or isinstance(inner, affine.YieldOp):
                continue
            rule = _RULES.get(type(inner))
            if rule is None:
                raise error_at(inner, f"'{inner.name}' cannot be lowered", code=codes.CANNOT_LOWER)
            rule(inner, LocatedBuilder.before(inner))


def _replace(op: Operation, results: Sequence[SSAValue]) -> None:
    for old, new in zip(op.results, results, strict=True):
        old.replace_all_uses_with(new)
    op.detach()
    op.erase()


def _apply(op: affine.ApplyOp, builder: Builder) -> None:
    _replace(op, expand_map(builder, op.map.data, op.mapOperands))


def _min(op: affine.MinOp, builder: Builder) -> None:
    _replace(op, [least(builder, expand_map(builder, op.map.data, op.arguments))])


def _load(op: affine.LoadOp, builder: Builder) -> None:
    indices = expand_map(builder, op.map.data, op.indices)
    _replace(op, [builder.insert(memref.LoadOp.get(op.memref, indices)).res])


def _store(op: affine.StoreOp, builder: Builder) -> None:
    indices = expand_map(builder, op.map.data, op.indices)
    builder.insert(memref.StoreOp.get(op.value, op.memref, indices))
    _replace(op, [])


def _end(block: Block, op: Operation) -> None:
    """Turn the end of a region into an `scf.yield`; a missing one is made."""
    end = block.last_op
    if isinstance(end, affine.YieldOp):
        LocatedBuilder.before(end).insert(scf.YieldOp(*end.arguments))
        end.detach()
        end.erase()
    else:
        LocatedBuilder(InsertPoint.at_end(block), op.location).insert(scf.YieldOp())


def _for(op: affine.ForOp, builder: Builder) -> None:
    low = greatest(builder, expand_map(builder, op.lowerBoundMap.data, op.lowerBoundOperands))
    high = least(builder, expand_map(builder, op.upperBoundMap.data, op.upperBoundOperands))
    step = index_constant(builder, op.step.value.data)
    _end(op.body.block, op)
    body = op.body
    loop = builder.insert(scf.ForOp(low, high, step, op.inits, op.detach_region(body)))
    _replace(op, loop.results)


def _if(op: affine.IfOp, builder: Builder) -> None:
    condition = _holds(builder, op.condition, op.args)
    for region in op.regions:
        if region.blocks:
            _end(region.block, op)
    then, otherwise = (op.detach_region(region) for region in tuple(op.regions))
    made = builder.insert(scf.IfOp(condition, op.result_types, then, otherwise))
    _replace(op, made.results)


def _holds(builder: Builder, condition: AffineSetAttr, operands: Sequence[SSAValue]) -> SSAValue:
    """Whether operands lie in an integer set."""
    set_ = condition.data
    dims, symbols = operands[: set_.num_dims], operands[set_.num_dims :]
    predicates = {
        AffineConstraintKind.ge: "sge",
        AffineConstraintKind.le: "sle",
        AffineConstraintKind.eq: "eq",
    }
    truths: list[SSAValue] = []
    for constraint in set_.constraints:
        a, b = (expand(builder, side, dims, symbols) for side in (constraint.lhs, constraint.rhs))
        truths.append(builder.insert(arith.CmpiOp(a, b, predicates[constraint.kind])).result)
    if not truths:
        return builder.insert(arith.ConstantOp(IntegerAttr(1, i1))).result
    return combine(builder, arith.AndIOp, truths)


# parallel loops


def _groups(sizes: Sequence[int], values: Sequence[SSAValue]) -> list[Sequence[SSAValue]]:
    """Values cut into groups of those sizes."""
    out: list[Sequence[SSAValue]] = []
    start = 0
    for size in sizes:
        out.append(values[start : start + size])
        start += size
    return out


def _parallel(op: affine.ParallelOp, builder: Builder) -> None:
    if op.results:
        raise error_at(
            op,
            "reductions of 'affine.parallel' are not supported",
            "use 'affine.for' with iter_args",
            code=codes.CANNOT_LOWER,
        )
    low_map, high_map = op.lowerBoundsMap.data, op.upperBoundsMap.data
    count = low_map.num_dims + low_map.num_symbols
    lows = _groups(op.lowerBoundsGroups.get_values(), expand_map(builder, low_map, op.map_operands[:count]))
    highs = _groups(op.upperBoundsGroups.get_values(), expand_map(builder, high_map, op.map_operands[count:]))
    target: Block | None = None
    for counter, low, high, step in zip(op.body.block.args, lows, highs, op.steps, strict=True):
        width = index_constant(builder, step.value.data)
        target = Block(arg_types=[width.type])
        builder.insert(scf.ForOp(greatest(builder, low), least(builder, high), width, (), Region(target)))
        counter.replace_all_uses_with(target.args[0])
        end = LocatedBuilder(InsertPoint.at_end(target), op.location).insert(scf.YieldOp())
        builder = LocatedBuilder(InsertPoint.before(end), op.location)
    for inner in list(op.body.block.ops):
        inner.detach()
        if isinstance(inner, affine.YieldOp):
            inner.erase()
        else:
            builder.insert(inner)
    _replace(op, [])


_RULES: Mapping[type[Operation], Callable[[Any, Builder], None]] = {
    affine.ApplyOp: _apply,
    affine.MinOp: _min,
    affine.LoadOp: _load,
    affine.StoreOp: _store,
    affine.ForOp: _for,
    affine.IfOp: _if,
    affine.ParallelOp: _parallel,
}
