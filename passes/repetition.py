"""Data that is one element over and over."""

from __future__ import annotations

_PIECE = 1 << 16
"""The bytes that are compared at a time: most constants that do not repeat differ at once."""


def repeats(data: bytes, width: int) -> bool:
    """Whether data is its first `width` bytes over and over; not where it is empty."""
    element = data[:width]
    if not element or data[-width:] != element:
        return False
    piece = element * max(1, min(len(data), _PIECE) // width)
    return all(data.startswith(piece[: len(data) - start], start) for start in range(0, len(data), len(piece)))
