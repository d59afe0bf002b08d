"""Differentiating structured control flow on values.

A loop saves what its steps start from, and runs again backwards: each step is done once more from what was saved, then
differentiated. A branch is done again where it is differentiated.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects import scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.graph.gradients.activity import BRANCHES, blocks_of, captured, useful_states, yielded
from weft.passes.graph.gradients.counting import Steps
from weft.passes.graph.gradients.reverse import Reverse, Walk, drop_dead, sum_of
from weft.passes.graph.gradients.saving import save_states
from weft.passes.graph.gradients.terms import filled
from weft.passes.rewriting import LocatedBuilder


def unknown_steps(op: scf.WhileOp, here: Reverse) -> None:
    """Refuse a loop whose number of steps is not known before it runs."""
    message = f"{op.name} has no gradient: how often it runs is not known before"
    raise error_at(op, message, "write the loop with scf.for", code=codes.NO_GRADIENT)


def branch(op: Operation, here: Reverse) -> None:
    """The same choice again: each region does its work once more, then gives the cotangents of what it used."""
    outside = captured(op)
    copies: list[Reverse] = []
    for block in blocks_of(op):
        values: dict[SSAValue, SSAValue] = {}
        inner = here.copy(block, Block(), values)
        ends = zip(op.results, yielded(block), strict=True)
        inner.run([(values.get(end, end), here.cotangents[r]) for r, end in ends if r in here.cotangents])
        copies.append(inner)
    used = [value for value in outside if any(value in inner.cotangents for inner in copies)]
    for inner in copies:
        inner.builder.insert(scf.YieldOp(*(inner.cotangent(value) for value in used)))
        drop_dead(inner.block)
    if not used:
        for inner in copies:
            Region(inner.block).erase()
        return
    new = here.builder.insert(
        type(op).create(
            operands=op.operands,
            result_types=[value.type for value in used],
            properties=op.properties,
            attributes=op.attributes,
            regions=[Region(inner.block) for inner in copies],
        )
    )
    for value, cotangent in zip(used, new.results, strict=True):
        here.add(value, cotangent)


def loop(op: scf.ForOp, here: Reverse) -> None:
    """The steps from the last to the first, carrying the cotangents of what they carried and of what they used."""
    given = [position for position, result in enumerate(op.results) if result in here.cotangents]
    active = useful_states(op, given, here.varied)
    if not active:
        return
    block, outside = op.body.block, captured(op)
    steps = Steps(op)
    states = block.args[1:]
    back = Block(arg_types=[IndexType(), *(states[i].type for i in active)])
    start = LocatedBuilder(InsertPoint.at_end(back), op.location)
    _, counter = steps.from_the_end(start, back.args[0])
    again = [back.insert_arg(state.type, len(back.args)) for state in states]
    values: dict[SSAValue, SSAValue] = {block.args[0]: counter, **dict(zip(states, again, strict=True))}
    inner = here.copy(block, back, values)
    ends = [yielded(block)[i] for i in active]
    carried = back.args[1 : 1 + len(active)]
    inner.run([(values.get(end, end), cotangent) for end, cotangent in zip(ends, carried, strict=True)])
    inner.builder.location = op.location
    following = [
        inner.cotangents.get(again[i]) or filled(inner.builder, cotangent, 0)
        for i, cotangent in zip(active, carried, strict=True)
    ]
    used = [value for value in outside if value in inner.cotangents]
    for value in used:
        total = back.insert_arg(value.type, 1 + len(following))
        following.append(sum_of(inner.builder, total, inner.cotangents[value]))
    inner.builder.insert(scf.YieldOp(*following))
    drop_dead(back)
    first = [here.cotangent(op.results[i]) for i in active] + [filled(here.builder, value, 0) for value in used]
    given_to = [*(op.iter_args[i] for i in active), *used]
    save_states(op, back, again, steps)
    new = here.builder.insert(scf.ForOp(*steps.bounds(here.builder), first, back))
    for value, cotangent in zip(given_to, new.results, strict=True):
        here.add(value, cotangent)


WALKS: Mapping[type[Operation], Walk] = {
    **dict.fromkeys(BRANCHES, branch),
    scf.ForOp: loop,
    scf.WhileOp: unknown_steps,
}
"""The ops of this file."""
