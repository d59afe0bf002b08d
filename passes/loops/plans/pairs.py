"""Sums of products of narrow numbers: two products at a time by one instruction, in plans made for one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from weft.dialects.loop.dots import PAIR
from weft.dialects.loop.schedule import AddPairs, Interchange, Partition, Stage, Step, Tile
from weft.passes.loops.plans.common import Machine, Names
from weft.passes.loops.plans.roles import Roles, has_pairs


def by_pairs(steps: Iterable[Step], depth: str, found: Roles, machine: Machine, names: Names) -> list[Step]:
    """The steps of a plan that has sums in the lanes of vectors, with the loop `depth` over the products by pairs.

    Panels keep their rows; both rows of a pair are put together in registers.
    """
    steps = list(steps)
    if not has_pairs(found, machine):
        return steps
    pair = names.new(f"{depth}q")
    odd = [Partition(depth)] if (found.over[-1].trip() or 0) % PAIR else []
    return [*(made for step in steps for made in _paired(step, depth, pair)), *odd]


def _paired(step: Step, depth: str, pair: str) -> Iterator[Step]:
    """A step, where it speaks of the loop over the products, of that and the loop over a pair."""
    if isinstance(step, Interchange) and depth in step.loops:
        inner = step.loops[step.loops.index(depth) + 1 :]
        yield from (step, Tile(depth, PAIR, depth, pair), Interchange((depth, *inner, pair)), AddPairs(pair))
    elif isinstance(step, Interchange):
        yield replace(step, loops=tuple(_with(step.loops, depth, pair)))
    elif isinstance(step, Stage):
        yield replace(step, layout=tuple(_with(step.layout, depth, pair)))
    else:
        yield step


def _with(labels: Iterable[str], depth: str, pair: str) -> Iterator[str]:
    """Labels, that of the pair behind that of the loop over the products, also in a copy's."""
    for label in labels:
        yield label
        copy, _, plain = label.rpartition(".")
        if plain == depth:
            yield f"{copy}.{pair}" if copy else pair
