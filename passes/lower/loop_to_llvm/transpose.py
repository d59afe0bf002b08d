"""Reading across vectors that were written as rows: a network of shuffles, each one instruction on x86."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from weft.dialects.upstream.llvm import PoisonOp
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.types import bits

_SHUFFLED_TOGETHER = 128
"""Bits of a vector within which x86 interleaves two vectors."""


def transpose(e: Emitter, rows: Sequence[Value]) -> list[Value]:
    """The columns of as many vectors as each has lanes, a power of two."""
    width = len(rows)
    group = min(width, max(1, _SHUFFLED_TOGETHER // bits(rows[0].type)))

    def shuffle(a: Value, b: Value, mask: Sequence[int]) -> Value:
        if isinstance(a.owner, PoisonOp) and isinstance(b.owner, PoisonOp):
            return a
        return e.shuffle(a, b, mask)

    blocks = [_interleave(rows[at : at + group], width, group, shuffle) for at in range(0, width, group)]
    out: list[Value] = [*rows]
    for r in range(group):
        for place, column in enumerate(_swap([block[r] for block in blocks], width, group, shuffle)):
            out[place * group + r] = column
    return out


_Shuffle = Callable[[Value, Value, Sequence[int]], Value]


def _interleave(rows: Sequence[Value], width: int, group: int, shuffle: _Shuffle) -> list[Value]:
    """Vectors whose group g holds column g * group + r of these rows, in the order of r."""
    if len(rows) == 1:
        return list(rows)
    half = len(rows) // 2
    upper = _interleave(rows[:half], width, group, shuffle)
    lower = _interleave(rows[half:], width, group, shuffle)
    out: list[Value] = []
    for a, b in zip(upper, lower, strict=True):
        out.append(shuffle(a, b, _pairs(width, group, half, 0)))
        out.append(shuffle(a, b, _pairs(width, group, half, group // 2)))
    return out


def _pairs(width: int, group: int, chunk: int, start: int) -> list[int]:
    """In each group: chunks of the first and of the second vector in turn, from `start` in the group on."""
    return [
        source + at + start + chunk * pair + lane
        for at in range(0, width, group)
        for pair in range(group // (2 * chunk))
        for source in (0, width)
        for lane in range(chunk)
    ]


def _swap(vectors: Sequence[Value], width: int, group: int, shuffle: _Shuffle) -> list[Value]:
    """Transpose n vectors of n groups: vector g of the result holds group g of all of them."""
    current = list(vectors)
    for _ in range((len(vectors) - 1).bit_length()):
        pairs = list(zip(current[::2], current[1::2], strict=True))
        current = [shuffle(a, b, _groups(width, group, odd)) for odd in (0, 1) for a, b in pairs]
    return current


def _groups(width: int, group: int, odd: int) -> list[int]:
    """The even (or odd) groups of two vectors."""
    return [at + lane for at in range(odd * group, 2 * width, 2 * group) for lane in range(group)]
