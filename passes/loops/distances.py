"""How far apart two iterations of a loop are that touch one place, access by access.

For each pair of accesses of a buffer, one of which writes, the index of each dimension gives an equation for the
distance between the iterations (the SIV tests of Goff, Kennedy and Tseng, "Practical dependence testing", 1991, with
ranges for all that is not the loop's counter). Everything here is sufficient: what is not proved is taken to depend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from xdsl.ir import SSAValue

from weft.dialects.loop import AccessOp, ForOp, Linear, ReduceOp, WriteOp, has_computed, loop_of
from weft.dialects.walking import inside
from weft.passes.loops.ranges import greatest, greatest_trip, least


def inner_counters(loop: ForOp) -> set[SSAValue]:
    """The counters of a loop and of all loops inside it."""
    return {op.counter for op in inside(loop) if isinstance(op, ForOp)}


def independent(loop: ForOp, touching: Sequence[AccessOp], *, lanes: bool, width: int | None) -> bool:
    """Whether no iteration of a loop needs another one to be done, for all that the accesses of one buffer show.

    `lanes` and `width` are those of :func:`weft.passes.loops.dependence.carried`.
    """
    free = inner_counters(loop)
    for a, b in combinations_with_replacement(touching, 2):
        if not isinstance(a, WriteOp) and not isinstance(b, WriteOp):
            continue
        if lanes and a is b and isinstance(a, ReduceOp) and _stands(a, loop.counter):
            continue
        if not _fits(loop, a, b, distance(loop, a.index(), b.index(), free), width):
            return False
    return True


@dataclass(frozen=True)
class Range:
    """Whole numbers from `low` to `high`; None: no limit."""

    low: int | None
    high: int | None

    def both(self, other: Range) -> Range:
        """The numbers in both."""
        low = max((n for n in (self.low, other.low) if n is not None), default=None)
        high = min((n for n in (self.high, other.high) if n is not None), default=None)
        return Range(low, high)

    @property
    def is_empty(self) -> bool:
        """Whether there is no such number."""
        return self.low is not None and self.high is not None and self.low > self.high

    def over(self, factor: int) -> Range:
        """The whole quotients of its numbers by a factor that is not 0."""
        low, high = (self.low, self.high) if factor > 0 else (self.high, self.low)
        # rounded towards the inside of the range
        return Range(None if low is None else -(-low // factor), None if high is None else high // factor)


EMPTY = Range(1, 0)


def _stands(access: AccessOp, counter: SSAValue) -> bool:
    return not any(has_computed(form) or form.coefficient(counter) for form in access.index())


def distance(loop: ForOp, a: Sequence[Linear], b: Sequence[Linear], free: set[SSAValue]) -> Range:
    """By how many iterations an access at `b` may come after one at `a` where both touch one place.

    `free` are the counters of the loop and of those inside it; all others stand still.
    """
    trip = greatest_trip(loop)
    found = Range(None if trip is None else 1 - trip, None if trip is None else trip - 1)
    for one, two in zip(a, b, strict=True):
        if has_computed(one) or has_computed(two):
            continue
        factor = one.coefficient(loop.counter)
        equal = two.coefficient(loop.counter) == factor
        moving = free - {loop.counter} if equal else free
        gap = gap_between(one, two, moving, {loop.counter})
        if factor and equal:
            found = found.both(gap.over(factor))
        elif gap.both(Range(0, 0)).is_empty:
            return EMPTY
    return found


def distances(loops: Sequence[ForOp], a: Sequence[Linear], b: Sequence[Linear]) -> list[Range]:
    """By how many iterations of some loops an access at `b` may come after one at `a` where both touch one place.

    The loops stand in each other, and nothing else moves the two.
    """
    trips = [greatest_trip(loop) for loop in loops]
    found = [Range(None if trip is None else 1 - trip, None if trip is None else trip - 1) for trip in trips]
    counters = [loop.counter for loop in loops]
    for one, two in zip(a, b, strict=True):
        if has_computed(one) or has_computed(two):
            continue
        factors = [one.coefficient(counter) for counter in counters]
        equal = factors == [two.coefficient(counter) for counter in counters]
        moved = [number for number, factor in enumerate(factors) if factor]
        gap = gap_between(one, two, set() if equal else set(counters), set(counters))
        if equal and len(moved) == 1:
            found[moved[0]] = found[moved[0]].both(gap.over(factors[moved[0]]))
        elif not (equal and moved) and gap.both(Range(0, 0)).is_empty:
            return [EMPTY for _ in loops]
    return [EMPTY for _ in loops] if any(range_.is_empty for range_ in found) else found


def gap_between(one: Linear, two: Linear, moving: set[SSAValue], dropped: set[SSAValue]) -> Range:
    """What `one - two` may be where the counters in `moving` are others in the two, and all others the same.

    Counters in `dropped` that do not move are left out.
    """
    apart = moving | dropped
    standing = _part(one, apart) - _part(two, apart)
    low, high = least(standing), greatest(standing)
    terms = [*((v, f) for v, f in one.terms if v in moving), *((v, -f) for v, f in two.terms if v in moving)]
    for value, factor in terms:
        reach = _reach(value, factor)
        if factor > 0:
            high = None if high is None or reach is None else high + reach
        else:
            low = None if low is None or reach is None else low + reach
    return Range(low, high)


def _part(form: Linear, without: set[SSAValue]) -> Linear:
    return Linear(tuple(term for term in form.terms if term[0] not in without), form.constant)


def _reach(counter: SSAValue, factor: int) -> int | None:
    """What a counter times a factor is at most away from 0; None: no limit."""
    loop = loop_of(counter)
    trip = greatest_trip(loop) if loop is not None else None
    return None if trip is None else factor * max(trip - 1, 0)


def _fits(loop: ForOp, a: AccessOp, b: AccessOp, distance: Range, width: int | None) -> bool:
    """Whether the distances at which two accesses touch one place let the iterations run at once."""
    return all(
        width is not None and (nearest >= width or _is_before(loop, first, second))
        for nearest, first, second in _needs(a, b, distance)
    )


def _needs(a: AccessOp, b: AccessOp, distance: Range) -> Iterator[tuple[int, AccessOp, AccessOp]]:
    """How near iterations are that need each other, the access of the earlier one, and that of the later one."""
    later = distance.both(Range(1, None))
    if not later.is_empty:
        yield later.low or 1, a, b
    earlier = distance.both(Range(None, -1))
    if not earlier.is_empty:
        yield -(earlier.high or -1), b, a


def _is_before(loop: ForOp, first: AccessOp, second: AccessOp) -> bool:
    """Whether an access of the loop's own body comes before another one there."""
    return (
        first is not second
        and first.parent is loop.block
        and second.parent is loop.block
        and first.is_before_in_block(second)
    )
