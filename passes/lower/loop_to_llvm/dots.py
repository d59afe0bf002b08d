"""Loops marked `dot`: two products of narrow numbers a lane, added to a sum by one instruction."""

from __future__ import annotations

from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import BFloat16Type, VectorType, i16, i32
from xdsl.ir import Attribute

from weft.dialects.loop import ForOp
from weft.dialects.loop.dots import PAIR, Dot, Factor, dot_in
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.accesses import add_in_lanes, lower_load
from weft.passes.lower.loop_to_llvm.counters import Counter
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.scalar_vectors import cpu_around
from weft.passes.lower.types import element, lanes, vector_type

WIDTHS = (4, 8, 16)
"""The lanes of a register of sums."""


def lower_dot(k: Lowering, op: ForOp) -> bool:
    """Both iterations of a loop at once; False, and nothing emitted, where there is no instruction for that."""
    dot = dot_in(op)
    if dot is None or k.lanes is None or not k.lanes.whole or k.lanes.width not in WIDTHS:
        return False
    if not cpu_around(op).has(dot.feature):
        return False
    width = k.lanes.width
    left, right = (_pairs(k, op, factor, width) for factor in (dot.left, dot.right))
    k.counters[op.counter] = Counter(None, 0)
    k.e.location = dot.out.location
    return add_in_lanes(k, dot.out, lambda sums: _instruction(k.e, dot, sums, left, right))


def _pairs(k: Lowering, op: ForOp, factor: Factor, width: int) -> Value:
    """Both numbers of a side, beside each other in each lane of 32 bits."""
    k.e.location = factor.load.location
    both: list[Value] = []
    for number in range(PAIR):
        k.counters[op.counter] = Counter(None, number)
        lower_load(k, factor.load)
        both.append(k.value(factor.load.result, None))
    first, second = both
    return k.local(("pairs", first, second, factor.signed, width), lambda: _paired(k.e, first, second, factor, width))


def _paired(e: Emitter, first: Value, second: Value, factor: Factor, width: int) -> Value:
    narrow = element(first.type)
    if lanes(first.type) is None:
        room = e.poison(vector_type(narrow, PAIR))
        pair = _wide(e, e.insert(e.insert(room, first, 0), second, 1), factor)
        return _as_sums(e, e.shuffle(pair, pair, [0, 1] * width))
    pairs = [lane + side * width for lane in range(width) for side in range(PAIR)]
    return _as_sums(e, e.shuffle(_wide(e, first, factor), _wide(e, second, factor), pairs))


def _wide(e: Emitter, value: Value, factor: Factor) -> Value:
    """Integers of 16 bits; bf16 as it is."""
    if isinstance(element(value.type), BFloat16Type):
        return value
    return e.cast(llvm.SExtOp if factor.signed else llvm.ZExtOp, value, i16)


def _as_sums(e: Emitter, value: Value) -> Value:
    """Pairs of integers as the instruction takes them: lanes of i32."""
    type_ = cast("VectorType[Attribute]", value.type)
    if isinstance(type_.element_type, BFloat16Type):
        return value
    return e.value(llvm.BitcastOp, (value,), vector_type(i32, type_.get_shape()[0] // PAIR))


def _instruction(e: Emitter, dot: Dot, sums: Value, left: Value, right: Value) -> Value:
    name = "avx512bf16.dpbf16ps" if dot.is_float else "avx512.vpdpwssd"
    return e.intrinsic(f"x86.{name}.{32 * (lanes(sums.type) or 1)}", (sums, left, right), sums.type, ())
