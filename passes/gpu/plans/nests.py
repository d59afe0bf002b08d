"""Which plans a nest may take, the best one first. No op's name matters.

| nest | plan |
| --- | --- |
| sum of products, large | a tile of sums in the registers of a block, panels of the inputs in shared memory |
| rows, with reductions along them | threads share a row: partial results in registers, shuffles, shared memory |
| everything to one place | blocks leave partial results first; both nests are then rows |
| along columns, few of them | parts of the depth leave partial results; both nests are then threads of the grid |
| few long rows | parts of what is reduced leave partial results; both nests are then rows or columns |
| one thing for each element | vectors of 16 bytes, several in flight |
| any other | each independent iteration is a thread |
"""

from __future__ import annotations

from weft.dialects.loop import ForOp
from weft.dialects.loop.schedule import Step
from weft.passes.gpu.plans import total
from weft.passes.gpu.plans.each_thread import each_thread
from weft.passes.gpu.plans.elements import elements
from weft.passes.gpu.plans.plan import Choice, Plan
from weft.passes.gpu.plans.products import is_product, products
from weft.passes.gpu.plans.rows import rows
from weft.passes.loops.nest_shape import leaf


def cut(nest: ForOp, choice: Choice, times: int) -> list[Step]:
    """Steps that make several nests of one, each of which then gets a plan; none for most.

    `times` is how often such steps came before. What they leave of a reduction to one place is small enough.
    """
    alone = leaf(nest)
    if alone is None or is_product(nest, choice):
        return []
    return total.columns(alone, choice, times) or ([] if times else total.parts(alone, choice))


def plans(nest: ForOp, choice: Choice) -> list[Plan]:
    """The plans for a nest; none where it runs in one thread."""
    alone = leaf(nest)
    found = rows(nest, choice)
    if alone is not None:
        found = [*products(alone, choice), *found, *elements(alone, choice)]
    return [*found, *(Plan(steps) for steps in each_thread(nest, choice.names) if steps)]
