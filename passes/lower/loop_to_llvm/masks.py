"""Which lanes of a vector of iterations run: as a mask, lane by lane, and any at all."""

from __future__ import annotations

from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerType, VectorType, i1, i64

from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.counters import Lanes
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.types import integer_type, vector_type

_I32 = integer_type(32)


def lane_numbers(k: Lowering, width: int, step: int, type_: IntegerType = i64) -> Value:
    """The vector 0, step, 2 * step, ..."""
    vector = cast("VectorType[IntegerType]", vector_type(type_, width))
    return k.e.dense([step * lane for lane in range(width)], vector)


def mask_below(k: Lowering, count: Value, width: int) -> Value:
    """The mask of the lanes below a run-time count, which may be anything."""

    def make() -> Value:
        inside = k.least(k.greatest(count, k.integer(0)), k.integer(width))
        edge = k.e.splat(k.e.cast(llvm.TruncOp, inside, _I32), width)
        return k.e.icmp("slt", lane_numbers(k, width, 1, _I32), edge)

    return k.pure(("mask", count, width), (count,), make, speculate=False)


def mask_of(k: Lowering, lanes: Lanes) -> Value:
    """The mask of the lanes that run."""
    if lanes.mask is not None:
        return lanes.mask
    bits = [int(lane < lanes.active) for lane in range(lanes.width)]
    return k.e.dense(bits, cast("VectorType[IntegerType]", vector_type(i1, lanes.width)))


def lane_runs(k: Lowering, lanes: Lanes, lane: int) -> Value | bool:
    """Whether one lane runs."""
    mask = lanes.mask
    if mask is None:
        return lane < lanes.active
    return k.local(("lane", mask, lane), lambda: k.e.extract(mask, lane))


def some_lane_runs(k: Lowering, mask: Value, width: int) -> Value:
    """Whether any lane of a run-time mask runs."""

    def make() -> Value:
        word = _word(k, mask, width)
        return k.e.icmp("ne", word, k.e.integer(0, word.type))

    return k.pure(("any", mask), (mask,), make, speculate=False)


def last_lane(k: Lowering, mask: Value, width: int) -> Value:
    """The number of the last lane of a run-time mask that runs, 0 where none does."""

    def make() -> Value:
        word = _word(k, mask, width)
        count = k.e.cast(llvm.ZExtOp, k.e.intrinsic("ctpop", (word,), word.type), i64)
        return k.e.intrinsic("usub.sat", (count, k.integer(1)), i64)

    return k.pure(("last", mask), (mask,), make, speculate=False)


def _word(k: Lowering, mask: Value, width: int) -> Value:
    """A mask as an integer, a bit for a lane."""
    return k.e.value(llvm.BitcastOp, (mask,), integer_type(width))
