"""Which iterations of a loop touch one place: the tests that let steps reorder, vectorize and parallelize.

All of them are sufficient conditions on linear indices; a test that fails says why in one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import (
    AccessOp,
    ForOp,
    Linear,
    PrefetchOp,
    ReduceOp,
    WriteOp,
    buffer_name,
    has_computed,
    loop_of,
)
from weft.dialects.walking import inside
from weft.passes.loops.distances import independent, inner_counters
from weft.passes.loops.ranges import greatest_trip, span


def accesses(root: Operation, buffer: SSAValue | None = None) -> list[AccessOp]:
    """The accesses inside `root`, hints aside: of one buffer, or all."""
    return [
        op
        for op in inside(root)
        if _touches(type(op)) and isinstance(op, AccessOp) and (buffer is None or op.target is buffer)
    ]


@cache
def _touches(kind: type[Operation]) -> bool:
    return issubclass(kind, AccessOp) and not issubclass(kind, PrefetchOp)


def written_buffers(root: Operation) -> list[SSAValue]:
    """The buffers that are written inside `root` and live outside of it, in order."""
    buffers = dict.fromkeys(op.target for op in inside(root) if isinstance(op, WriteOp))
    return [b for b in buffers if not (isinstance(b.owner, Operation) and root.is_ancestor(b.owner))]


def determined(access: AccessOp, free: Iterable[SSAValue]) -> set[SSAValue]:
    """The counters among `free` whose values follow from the place that the access touches.

    In one dimension the counter with the largest factor follows when all smaller terms together move by less
    than that factor; then the next one, and so on. Nothing follows from a dimension whose index the body computes.
    """
    left = set(free)
    found: set[SSAValue] = set()
    changed = True
    while changed:
        changed = False
        for form in access.index():
            if has_computed(form):
                continue
            terms = sorted((t for t in form.terms if t[0] in left), key=lambda t: -abs(t[1]))
            for value, factor in terms:
                rest = span(form, left - {value})
                if rest is None or rest >= abs(factor):
                    break
                left.discard(value)
                found.add(value)
                changed = True
    return found


def one_map(touching: Sequence[AccessOp]) -> bool:
    """True when all accesses have the same index."""
    return all(access.index() == touching[0].index() for access in touching)


def carried(loop: ForOp, *, lanes: bool = False, width: int | None = None) -> str | None:
    """Why iterations of a loop depend on each other; None where they do not.

    With `lanes`, reductions of one place by all iterations are no dependence: they combine across lanes. With `width`
    the iterations run as vectors of so many, op by op: what goes from one op to a later one, or farther than a vector
    reaches, is no dependence either.
    """
    free = inner_counters(loop)
    for buffer in written_buffers(loop):
        touching = accesses(loop, buffer)
        if one_map(touching) and loop.counter in determined(touching[0], free):
            continue
        if lanes and one_map(touching) and all(isinstance(a, ReduceOp) for a in touching):
            if any(loop.counter in form.values for form in touching[0].index()):
                return f"iterations of '{loop.label.data}' reduce into overlapping parts of {say(buffer)}"
            continue
        if apart([access.index() for access in touching], loop.counter, free):
            continue
        if not independent(loop, touching, lanes=lanes, width=width):
            kind = "reduce into" if isinstance(touching[0], ReduceOp) else "may touch"
            return f"iterations of '{loop.label.data}' {kind} the same place of {say(buffer)}"
    return None


def fixed_counters(touching: Sequence[AccessOp], counters: Iterable[SSAValue], free: set[SSAValue]) -> set[SSAValue]:
    """Those of the counters that two iterations which touch one place have in common."""
    if one_map(touching):
        return determined(touching[0], free) & set(counters)
    places = [access.index() for access in touching]
    return {counter for counter in counters if apart(places, counter, free)}


def apart(places: Sequence[Sequence[Linear]], counter: SSAValue, free: set[SSAValue]) -> bool:
    """True when in some dimension two iterations touch ranges that do not meet, whatever the accesses.

    `places` are the indices of accesses of one buffer, `free` the counters that run inside, `counter` among them.
    """
    return any(_apart_in([place[axis] for place in places], counter, free) for axis in range(len(places[0])))


def _apart_in(forms: Sequence[Linear], counter: SSAValue, free: set[SSAValue]) -> bool:
    factor = forms[0].coefficient(counter)
    standing = {Linear(tuple(t for t in form.terms if t[0] not in free)) for form in forms}
    if not factor or len(standing) > 1 or any(form.coefficient(counter) != factor for form in forms):
        return False
    if any(has_computed(form) for form in forms):
        return False
    low: list[int] = []
    high: list[int] = []
    for form in forms:
        box = _box([t for t in form.terms if t[0] in free and t[0] is not counter])
        if box is None:
            return False
        low.append(form.constant + box[0])
        high.append(form.constant + box[1])
    return max(high) - min(low) < abs(factor)


def _box(terms: Sequence[tuple[SSAValue, int]]) -> tuple[int, int] | None:
    """The least and the greatest sum of terms, each counter running over its whole range on its own."""
    low = high = 0
    for value, factor in terms:
        loop = loop_of(value)
        trip = greatest_trip(loop) if loop is not None else None
        if trip is None:
            return None
        low += min(0, factor * (trip - 1))
        high += max(0, factor * (trip - 1))
    return low, high


def say(buffer: SSAValue) -> str:
    """A buffer in a sentence."""
    return f"'{buffer_name(buffer) or '?'}'"
