"""The default plans: steps for a nest, from its shape and the facts about the machine. No op's name matters.

| nest | plan |
| --- | --- |
| sum of products, large and static | panels of both inputs packed for the caches, a tile of sums in registers |
| sum of products | a tile of sums in registers |
| sum of products, one row | the right input streamed once, a strip of sums in registers |
| reduction along the lanes | partial results in vectors, combined at the end |
| reduction along other loops, or of fewer elements than a vector has lanes | a strip of results in registers |
| one thing for each element | vectors along the last dimension |
"""

from __future__ import annotations

from weft.dialects.loop.schedule import Step
from weft.passes.loops.nest_shape import Leaf, contraction
from weft.passes.loops.plans.common import Machine, Names
from weft.passes.loops.plans.contractions import direct, is_large, is_one_row, one_row, packed
from weft.passes.loops.plans.elements import elements
from weft.passes.loops.plans.reductions import is_short, partials, strip


def plans(nest: Leaf, machine: Machine, names: Names) -> list[list[Step]]:
    """The plans for a nest, the best one first; none where it stays as it is."""
    if any(loop.trip() == 0 for loop in nest.loops):
        return []
    found = contraction(nest)
    result: list[list[Step]] = []
    if found is not None:
        if is_large(found):
            result.append(packed(nest, found, machine, names))
        if is_one_row(found):
            result.append(one_row(nest, found, machine, names))
        result.append(direct(nest, found, machine, names))
    if nest.reductions:
        along = [partials(nest, machine, names), strip(nest, machine, names)]
        result += along[::-1] if is_short(nest.loops[-1], nest, machine) else along
    elif nest.stores:
        result.append(elements(nest, machine, names))
    return [plan for plan in result if plan]
