"""Vector loops of many vectors: a loop over strips of a few whole vectors, then single ones, then what is left.

What such a loop reduces into one place it gathers in registers, a vector for each vector of a strip, so that the
additions of a strip do not wait for each other; lanes and vectors are added up behind the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects import llvm

from weft.dialects.loop import AccessOp, ForOp, ReduceOp
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.accesses import finish, start_gathering, target_of
from weft.passes.lower.loop_to_llvm.combine import combine, neutral_value, rule_of
from weft.passes.lower.loop_to_llvm.control import Slot, branch, repeat
from weft.passes.lower.loop_to_llvm.counters import Counter, Lanes
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.masks import mask_below
from weft.passes.lower.loop_to_llvm.places import Pending, RegisterBuffer
from weft.passes.lower.types import register_type, vector_type

Bound: TypeAlias = "int | Value"

_STRIP = 4
"""How many vectors a strip has where the loop reduces: as many additions are under way at once."""

_LONG_BODY = 24
"""A body of so many ops keeps the machine busy by itself: its strips are single vectors."""


@dataclass(frozen=True)
class Gathered:
    """A reduction of all iterations of a vector loop into one place, and what each vector of a strip has so far."""

    op: ReduceOp
    parts: RegisterBuffer

    def slots(self) -> list[Slot]:
        """The registers of the parts."""
        return [(self.parts, key) for key in self.parts.blocks()]


def strips(k: Lowering, op: ForOp, count: Bound, width: int) -> None:
    """A vector loop of `count` iterations in vectors of `width`; a ragged last vector has a mask."""
    found = _gathered(k, op)
    ways = _STRIP if found and len(list(op.block.ops)) <= _LONG_BODY else 1
    gathered = [_start(k, reduce, width, ways) for reduce in found]
    slots = [slot for one in gathered for slot in one.slots()]
    done: Bound = 0
    for many in dict.fromkeys((ways, 1)):
        end = whole(k, count, many * width)

        def strip(counter: Value, many: int = many) -> None:
            for way in range(many):
                _lanes(k, op, Lanes(width, width), Counter(counter, way * width, lane=True), gathered, way)

        repeat(k, op, done, end, many * width, strip, extra=slots)
        done = end
    _rest(k, op, count, done, width, gathered)
    _finish(k, op, count, gathered)


def whole(k: Lowering, count: Bound, step: int) -> Bound:
    """The greatest multiple of `step` up to a count; 0 for a negative count."""
    if isinstance(count, int):
        return count - count % step
    count = k.greatest(count, k.integer(0))
    divisor = k.integer(step)

    def rest() -> Value:
        if step & (step - 1):
            return k.e.binary(llvm.URemOp, count, divisor)
        return k.e.and_(count, k.integer(step - 1))

    return k.minus(count, k.pure(("rest", count, step), (count,), rest))


def _gathered(k: Lowering, op: ForOp) -> list[ReduceOp]:
    """The reductions of a body whose place is one for all iterations, and that nothing else there touches."""
    if not k.machine.masks:
        return []
    found = [
        inner
        for inner in op.block.ops
        if isinstance(inner, ReduceOp) and not any(form.coefficient(op.counter) for form in k.analysis.forms(inner))
    ]
    others = {
        k.analysis.root(inner.target) for inner in op.walk() if isinstance(inner, AccessOp) and inner not in found
    }
    return [inner for inner in found if k.analysis.root(inner.target) not in others]


def _start(k: Lowering, op: ReduceOp, width: int, ways: int) -> Gathered:
    """A reduction that has gathered nothing yet."""
    element = register_type(op.memref.element_type)
    parts = RegisterBuffer((ways * width,), element, 0, width)
    nothing = neutral_value(k.e, op.kind.data, vector_type(element, width), op.memref.element_type)
    for key in parts.blocks():
        parts.values[key] = nothing
    return Gathered(op, parts)


def _lanes(k: Lowering, op: ForOp, lanes: Lanes, counter: Counter, gathered: Sequence[Gathered], way: int) -> None:
    """The body, once, for a vector of iterations, the `way`-th of its strip."""
    k.lanes, k.counters[op.counter] = lanes, counter
    keys: list[object] = []
    for one in gathered:
        target = target_of(k, one.op)
        k.pending[one.op, target] = Pending(one.op, target, one.parts.values[way,], False)
        keys.append((one.op, target))
    k.body(op.block)
    for one, key in zip(gathered, keys, strict=True):
        one.parts.values[way,] = k.pending.pop(key).lanes
    k.lanes = None
    finish(k)


def _rest(k: Lowering, op: ForOp, count: Bound, done: Bound, width: int, gathered: Sequence[Gathered]) -> None:
    """The lanes that are left over when all whole vectors are done."""
    if isinstance(done, int) and isinstance(count, int):
        if count > done:
            _lanes(k, op, Lanes(width, count - done), Counter(None, done, lane=True), gathered, 0)
        return
    left = k.minus(k.as_value(count), k.as_value(done))

    def rest() -> None:
        lanes = Lanes(width, width, mask_below(k, left, width))
        _lanes(k, op, lanes, Counter(k.as_value(done), lane=True), gathered, 0)

    some = k.pure(("runs", left, 0), (left,), lambda: k.e.icmp("sgt", left, k.integer(0)))
    branch(k, op, some, rest, extra=[slot for one in gathered for slot in one.slots()])


def _finish(k: Lowering, op: ForOp, count: Bound, gathered: Sequence[Gathered]) -> None:
    """Add up what was gathered, and put it where it goes, if the loop runs at all."""
    if not gathered:
        return
    k.counters[op.counter] = Counter(None, 0)

    def results() -> None:
        for one in gathered:
            first, *others = (one.parts.values[key] for key in one.parts.blocks())
            for other in others:
                first = k.here(combine(k.e, rule_of(one.op), first, other))
            start_gathering(k, one.op, first)
        finish(k)

    if isinstance(count, int) or k.analysis.runs(op):
        results()
    else:
        branch(k, op, k.pure(("runs", count, 0), (count,), lambda: k.e.icmp("sgt", count, k.integer(0))), results)
