"""How the kinds of `loop.reduce` combine two values, and the lanes of one vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute

from weft.dialects.loop import ReduceOp, neutral
from weft.dialects.loop.hints import is_loose
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_casts import is_narrow, narrow, widen
from weft.passes.lower.types import element, is_float, lanes

_Combine: TypeAlias = Callable[[Emitter, Value, Value], Value]


def _intrinsic(name: str) -> _Combine:
    return lambda e, a, b: e.intrinsic(name, (a, b), a.type)


_LOOSE = "loose "
"""Stands before the kind of a reduction that may take liberties."""

_FLOATS: Mapping[str, _Combine] = {
    "add": lambda e, a, b: e.fadd(a, b),
    "mul": lambda e, a, b: e.fmul(a, b),
    "max": _intrinsic("maximum"),
    "min": _intrinsic("minimum"),
    f"{_LOOSE}max": lambda e, a, b: e.select(e.fcmp("ogt", a, b), a, b),
    f"{_LOOSE}min": lambda e, a, b: e.select(e.fcmp("olt", a, b), a, b),
}
_INTEGERS: Mapping[str, _Combine] = {
    "add": lambda e, a, b: e.add(a, b),
    "mul": lambda e, a, b: e.mul(a, b),
    "max": _intrinsic("smax"),
    "min": _intrinsic("smin"),
    "umax": _intrinsic("umax"),
    "umin": _intrinsic("umin"),
    "and": lambda e, a, b: e.and_(a, b),
    "or": lambda e, a, b: e.or_(a, b),
    "xor": lambda e, a, b: e.xor(a, b),
}


def rule_of(op: ReduceOp) -> str:
    """How a reduction combines, for :func:`combine` and :func:`across`: its kind, and whether it may take liberties."""
    loose = is_loose(op) and op.kind.data in ("max", "min")
    return f"{_LOOSE}{op.kind.data}" if loose else op.kind.data


def combine(e: Emitter, kind: str, a: Value, b: Value) -> Value:
    """`kind(a, b)` of scalars or vectors of one type; narrow floats are combined in f32 and rounded.

    `kind` is that of a reduction, or what :func:`rule_of` gives for it.
    """
    if not is_float(a.type):
        return _INTEGERS[kind](e, a, b)
    if is_narrow(a.type):
        wide = _FLOATS[kind](e, widen(e, a), widen(e, b))
        return narrow(e, wide, element(a.type))
    return _FLOATS[kind](e, a, b)


def across(e: Emitter, kind: str, value: Value) -> Value:
    """All lanes of a vector combined into one scalar, halving it while it can be halved.

    Lanes of narrow floats come out as f32.
    """
    value = widen(e, value, f32) if is_narrow(value.type) else value
    width = lanes(value.type) or 1
    while width > 1 and width % 2 == 0:
        width //= 2
        low = e.shuffle(value, value, range(width))
        high = e.shuffle(value, value, range(width, 2 * width))
        value = combine(e, kind, low, high)
    total = e.extract(value, 0)
    for lane in range(1, width):
        total = combine(e, kind, total, e.extract(value, lane))
    return total


def neutral_value(e: Emitter, kind: str, type_: Attribute, source: Attribute) -> Value:
    """The value that changes nothing, as `type_` (scalar or vector), for elements of the source type.

    Of a float sum it is -0.0: plus 0.0 would turn -0.0 into 0.0.
    """
    if kind == "add" and is_float(type_):
        return e.floating(-0.0, type_)
    return e.number(neutral(kind, source).value.data, type_)
