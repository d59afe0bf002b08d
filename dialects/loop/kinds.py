"""The kinds of `loop.reduce`: how two values combine, on which types, and the value that changes nothing."""

from __future__ import annotations

from xdsl.dialects.builtin import FloatAttr, IndexType, IntegerAttr
from xdsl.ir import Attribute

from weft.dialects.loop.base import FLOATS, integer_width

ANY = ("add", "mul", "max", "min")
INTEGER = ("umax", "umin", "and", "or", "xor")
BOOLEAN = ("and", "or", "xor")
KINDS = (*ANY, *INTEGER)


def kinds_of(type_: Attribute) -> tuple[str, ...]:
    """The kinds that a reduction of such elements may have.

    `max` and `min` are signed on integers and propagate NaN on floats; `umax` and `umin` are unsigned.
    """
    if isinstance(type_, FLOATS):
        return ANY
    return BOOLEAN if integer_width(type_) == 1 else KINDS


def neutral(kind: str, type_: Attribute) -> FloatAttr | IntegerAttr:
    """The value `n` with `kind(n, x) == x` for all x, as the attribute of a constant; of `add`, 0."""
    if isinstance(type_, FLOATS):
        floats = {"add": 0.0, "mul": 1.0, "max": float("-inf"), "min": float("inf")}
        return FloatAttr(floats[kind], type_)
    width = integer_width(type_) or 64
    half = 1 << (width - 1)
    value = {"mul": 1, "max": -half, "min": half - 1, "umin": -1, "and": -1}.get(kind, 0)
    return IntegerAttr(value, width) if integer_width(type_) else IntegerAttr(value, IndexType())
