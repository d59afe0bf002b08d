"""Sizes for `?`: which of them must agree is found by trying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.backends.signature import Signature

SIZES = (3, 1, 0, 17, 2, 37, 5)
"""What `?` stands for: 0, 1, primes, and sizes that no vector or tile divides."""

_TRIED, _OTHER = 3, 5
"""Two sizes for finding out which sizes must agree."""


@dataclass(frozen=True, order=True)
class Size:
    """A size that the type leaves open: a dimension of an argument, or an argument of type `index` (axis -1)."""

    argument: int
    axis: int


Sizes = dict[Size, int]


def open_sizes(signature: Signature) -> list[Size]:
    """The sizes that the types leave open."""
    found = [
        Size(n, axis) for n, spec in enumerate(signature.arguments) for axis, d in enumerate(spec.dims) if d is None
    ]
    index = (n for n, spec in enumerate(signature.arguments) if spec.kind == "scalar" and spec.dtype == "index")
    return found + [Size(n, -1) for n in index]


def choices(signature: Signature, works: Callable[[Sizes], bool]) -> list[Sizes]:
    """Sets of sizes; `works` says whether the program takes a set. One empty set where nothing is open."""
    sizes = open_sizes(signature)
    if not sizes:
        return [{}]
    groups = _groups(sizes, works)
    steps = range(len(SIZES))
    return [
        {size: SIZES[(step + 2 * n) % len(SIZES)] for n, group in enumerate(groups) for size in group} for step in steps
    ]


def _groups(sizes: Sequence[Size], works: Callable[[Sizes], bool]) -> list[list[Size]]:
    """The sizes in groups that must agree: those that only work when changed together."""
    base = dict.fromkeys(sizes, _TRIED)
    if not works(base):
        return [list(sizes)]

    def may_differ(group: Sequence[Size]) -> bool:
        return works({**base, **dict.fromkeys(group, _OTHER)})

    left = list(sizes)
    groups: list[list[Size]] = []
    while left:
        group = _group_of(left, may_differ)
        groups.append(group)
        left = [size for size in left if size not in group]
    return groups


def _group_of(left: Sequence[Size], may_differ: Callable[[Sequence[Size]], bool]) -> list[Size]:
    """The group of the first size: the size alone, with one other, or the least that taking others away leaves."""
    first, *others = left
    for group in ([first], *([first, other] for other in others)):
        if may_differ(group):
            return group
    group = list(left)
    for other in others:
        less = [size for size in group if size != other]
        if may_differ(less):
            group = less
    return group
