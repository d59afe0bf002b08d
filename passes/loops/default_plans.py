"""The default plans: steps for a nest, from its shape and the facts about the machine. No op's name matters.

| nest | plan |
| --- | --- |
| sum of products, large and static | panels of the inputs packed for the caches, a tile of sums in registers |
| sum of products | a tile of sums in registers; for short sums in the order of the output |
| sum of products inside blocks of rows | the right input packed once for all blocks, a tile of sums in registers |
| sum of products, few rows, large right input | the right input streamed once, tiles of sums in registers |
| sum of products, both inputs along what is summed | vectors of partial sums for a tile of results |
| sum of products, lanes apart in the output | the right input packed; tiles of sums turned for the stores |
| reduction along the lanes | partial results in vectors, combined at the end |
| reduction along other loops, or of fewer elements than a vector has lanes | a strip of results in registers |
| one thing for each element | vectors along the last dimension |
| each iteration waits for the one before | four rows side by side, the values in registers (`plans/chains.py`) |
| a short body that stays scalar, or rows of it side by side | written out four times (`plans/chains.py`) |

A sum of products can run along the lanes of any of its loops. Each way has a cost in cycles (`plans/roles.py`): vectors
of products, loads for them, elements that go in or out of a vector on their own, panels to pack, lanes to add up.
The cheapest plan that is legal is taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.dialects.loop.schedule import Step
from weft.passes.loops.nest_shape import Leaf
from weft.passes.loops.plans.common import Machine, Names
from weft.passes.loops.plans.contractions import contractions
from weft.passes.loops.plans.elements import elements
from weft.passes.loops.plans.reductions import in_order, is_short, partials, strip


def plans(nest: Leaf, machine: Machine, names: Names) -> Iterator[list[Step]]:
    """The plans for a nest, the best one first; none where it stays as it is."""
    if any(loop.trip() == 0 for loop in nest.loops):
        return
    yield from contractions(nest, machine, names)
    if nest.reductions:
        along = [partials(nest, machine, names), strip(nest, machine, names)]
        yield from along[::-1] if is_short(in_order(nest)[-1], nest, machine) else along
    if nest.stores:
        yield elements(nest, machine, names)
