"""The plan that fits any nest with iterations that do not depend on each other: each is a thread of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from xdsl.ir import SSAValue

from weft.dialects.loop import ForOp, ReduceOp, buffer_name, loop_of
from weft.dialects.loop.schedule import Interchange, Map, Stage, Step
from weft.passes.loops.dependence import accesses, carried, fixed_counters, inner_counters, written_buffers
from weft.passes.loops.nest_shape import labels, perfect
from weft.passes.loops.plans.common import Names

THREADS = 256
"""The threads of a block."""


def each_thread(nest: ForOp, names: Names) -> list[list[Step]]:
    """Independent loops outside, mapped to the grid; results of reductions in registers, where they can be."""
    chain = perfect(nest)
    free = independent(chain) or leading(chain)
    if not free:
        return []
    steps: list[Step] = []
    if chain[: len(free)] != free:
        steps.append(Interchange(labels([*free, *(loop for loop in chain if loop not in free)])))
    steps += [Map(loop.label.data, "grid", THREADS) for loop in free]
    reduced = dict.fromkeys(op.target for op in chain[-1].block.ops if isinstance(op, ReduceOp))
    names_of = [buffer_name(buffer) or "" for buffer in reduced]
    last = free[-1].label.data
    staged = [Stage(name, last, names.new(f"{name}_r"), "reg") for name in names_of]
    return [[*steps, *staged], steps, steps[-len(free) :]]


def independent(chain: Sequence[ForOp]) -> list[ForOp]:
    """The loops of a perfect nest whose iterations touch places of their own, and whose bounds are known outside."""
    outer = chain[0]
    inside = inner_counters(outer)
    free = {loop.counter for loop in chain}
    for buffer in written_buffers(outer):
        free &= fixed_counters(accesses(outer, buffer), free, inside)
    return [loop for loop in chain if loop.counter in free and _bounded(loop)]


def leading(chain: Sequence[ForOp]) -> list[ForOp]:
    """The outer loops of a perfect nest whose iterations touch no place that another one writes, while those around
    them stand still: what is read may lie elsewhere in the buffer that is written."""
    return list(takewhile(lambda loop: _bounded(loop) and carried(loop) is None, chain))


def _bounded(loop: ForOp) -> bool:
    """Whether a bound of a loop is a constant, or of symbols: the counter of a loop of the host is one."""
    return any(all(_known(value) for value in form.values) for form in loop.forms())


def _known(value: SSAValue) -> bool:
    loop = loop_of(value)
    return loop is None or loop.kind() == "host"
