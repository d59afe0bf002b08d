"""Saving what each step of a loop starts from, in tensors with one entry a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects import scf, tensor
from xdsl.dialects.builtin import IndexType, TensorType, i64
from xdsl.ir import Attribute, Block, BlockArgument, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import tensor_type
from weft.passes.graph.gradients.activity import yielded
from weft.passes.graph.gradients.counting import Steps, as_index
from weft.passes.graph.gradients.slices import extract_slice, insert_slice, shape_of
from weft.passes.graph.gradients.terms import element_of
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class Saved:
    """One carried value of a loop, by position, whose entry a step is kept in a tensor of that type."""

    position: int
    first: SSAValue
    type: TensorType[Attribute]

    @staticmethod
    def of(position: int, first: SSAValue, count: int) -> Saved:
        """What keeps a value of the type of `first` at each of `count` steps; an `index` is kept as i64."""
        kept = element_of(first.type)
        element = i64 if isinstance(kept, IndexType) else kept
        shape = tensor_type(first).get_shape() if isinstance(first.type, TensorType) else ()
        return Saved(position, first, TensorType(element, [count, *shape]))

    def fresh(self, builder: LocatedBuilder, steps: Steps) -> SSAValue:
        """The tensor before the first step."""
        sizes = [] if steps.static >= 0 else [steps.count]
        if isinstance(self.first.type, TensorType):
            sizes += run_time_sizes(builder, self.first)
        return builder.insert(tensor.EmptyOp(sizes, self.type)).tensor

    def put(self, builder: LocatedBuilder, value: SSAValue, entries: SSAValue, number: SSAValue) -> SSAValue:
        """The tensor with the entry of one step set."""
        if not isinstance(value.type, TensorType):
            scalar = as_index(builder, value, i64) if isinstance(value.type, IndexType) else value
            return builder.insert(tensor.InsertOp(scalar, entries, [number])).result
        starts, sizes = self._entry(builder, value, number)
        return insert_slice(builder, value, entries, starts, sizes, [1] * len(starts))

    def get(self, builder: LocatedBuilder, entries: SSAValue, number: SSAValue) -> SSAValue:
        """The entry of one step."""
        type_ = self.first.type
        if not isinstance(type_, TensorType):
            element = builder.insert(tensor.ExtractOp(entries, [number], self.type.element_type)).result
            return as_index(builder, element) if isinstance(type_, IndexType) else element
        starts, sizes = self._entry(builder, self.first, number)
        return extract_slice(builder, entries, starts, sizes, tensor_type(self.first))

    def _entry(
        self, builder: LocatedBuilder, model: SSAValue, number: SSAValue
    ) -> tuple[list[SSAValue | int], list[SSAValue | int]]:
        """Where the entry of a step lies: its starts and sizes."""
        sizes = shape_of(builder, model)
        return [number, *[0] * len(sizes)], [1, *sizes]


def save_states(loop: scf.ForOp, back: Block, again: Sequence[BlockArgument], steps: Steps) -> None:
    """Make a loop save what each step starts from, where a block that runs the steps backwards reads it.

    `again` are the arguments of that block, one for each carried value, that stand for what is read; they go away. What
    the loop carries along unchanged, and the sizes of what it carries, are those before the loop.
    """
    body = loop.body.block
    for argument, init, state, end in zip(again, loop.iter_args, body.args[1:], yielded(body), strict=True):
        if end is state:
            argument.replace_all_uses_with(init)
        for use in list(argument.uses):
            if isinstance(use.operation, tensor.DimOp):
                use.operation.operands[use.index] = init
    saved = [
        Saved.of(position, loop.iter_args[position], steps.static)
        for position, argument in enumerate(again)
        if argument.first_use is not None
    ]
    kept = _with_saving(loop, saved, steps) if saved else ()
    if saved:
        start = LocatedBuilder(InsertPoint.at_start(back), loop.location)
        number, _ = steps.from_the_end(start, back.args[0])
        for one, entries in zip(saved, kept, strict=True):
            again[one.position].replace_all_uses_with(one.get(start, entries, number))
    for argument in reversed(again):
        back.erase_arg(argument)


def _with_saving(loop: scf.ForOp, saved: Sequence[Saved], steps: Steps) -> Sequence[SSAValue]:
    """Put a loop that saves in the place of a loop; the tensors that it fills."""
    before = LocatedBuilder.before(loop)
    fresh = [one.fresh(before, steps) for one in saved]
    body = loop.body.block
    count = len(loop.iter_args)
    end = cast(scf.YieldOp, body.last_op)
    start = LocatedBuilder(InsertPoint.before(end), loop.location)
    number = steps.number(start, body.args[0])
    filled = [
        one.put(start, body.args[1 + one.position], body.insert_arg(one.type, len(body.args)), number) for one in saved
    ]
    start.insert(scf.YieldOp(*end.arguments, *filled))
    end.detach()
    end.erase()
    region = loop.detach_region(loop.body)
    new = before.insert(scf.ForOp(loop.lb, loop.ub, loop.step, [*loop.iter_args, *fresh], region))
    new.attributes.update(loop.attributes)
    for old, result in zip(loop.results, new.results[:count], strict=True):
        result.name_hint = old.name_hint
        old.replace_all_uses_with(result)
    loop.detach()
    loop.erase()
    return new.results[count:]
