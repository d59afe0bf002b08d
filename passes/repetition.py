"""Data that is one element over and over."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, cast
from weakref import ref

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import Attribute

_PIECE = 1 << 16
"""The bytes that are compared at a time: most constants that do not repeat differ at once."""


def repeats(data: bytes, width: int) -> bool:
    """Whether data is its first `width` bytes over and over; not where it is empty."""
    element = data[:width]
    if not element or data[-width:] != element:
        return False
    piece = element * max(1, min(len(data), _PIECE) // width)
    return all(data.startswith(piece[: len(data) - start], start) for start in range(0, len(data), len(piece)))


_KNOWN: dict[int, tuple[ref[DenseIntOrFPElementsAttr[Any]], bool]] = {}


def is_repetition(dense: DenseIntOrFPElementsAttr[Any]) -> bool:
    """Whether dense data is one element over and over, which is looked up once for an attribute.

    What is known is kept by the identity of the attribute: to hash or to compare large data takes longer than to look.
    """
    known = _KNOWN.get(key := id(dense))
    if known is not None and known[0]() is dense:
        return known[1]
    found = repeats(dense.data.data, dense.get_element_type().compile_time_size)
    _KNOWN[key] = (ref(dense, lambda _: _KNOWN.pop(key, None)), found)
    return found


def in_short(attr: Attribute) -> Hashable:
    """What is equal for equal attributes only, and not long where data is one element over and over."""
    if not isinstance(attr, DenseIntOrFPElementsAttr):
        return attr
    dense = cast("DenseIntOrFPElementsAttr[Any]", attr)
    if not is_repetition(dense):
        return dense
    return (dense.type, dense.data.data[: dense.get_element_type().compile_time_size], len(dense.data.data))
