"""Loops that read what an earlier iteration wrote: the value stays in a register, and goes to memory besides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from weft.dialects.loop import ForOp
from weft.passes.loops.recurrences import Instance, Recurrence, recurrences
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.accesses import read, target_of
from weft.passes.lower.loop_to_llvm.control import Slot, branch
from weft.passes.lower.loop_to_llvm.counters import Counter
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.places import Kept, RegisterBuffer
from weft.passes.lower.types import register_type

Bound: TypeAlias = "int | Value"


class Carried:
    """The values that a loop carries for its recurrences: for each access that writes them, those of its last
    iterations, the last one first."""

    def __init__(self, k: Lowering, op: ForOp) -> None:
        """Finds the recurrences of a loop of scalars."""
        self.k, self.op = k, op
        whole = not k.analysis.may_alias and k.lanes is None and op.kind() in ("seq", "unroll")
        self.found: list[Recurrence] = recurrences(op) if whole else []
        self.values: dict[Instance, RegisterBuffer] = {}
        for one in self.found:
            far = max(other.distance for other in self.found if other.source == one.source)
            self.values[one.source] = RegisterBuffer((far,), register_type(one.read.op.memref.element_type))

    def slots(self) -> list[Slot]:
        """The registers."""
        return [(buffer, key) for buffer in self.values.values() for key in buffer.blocks()]

    def start(self, low: Bound, high: Bound) -> None:
        """Read what the first iterations find in memory, as far as there are so many."""
        for source, buffer in self.values.items():
            reads = {one.distance: one.read for one in self.found if one.source == source}
            far = max(reads)
            for before in range(far):
                # what the source would have written so many iterations before the first one
                distance = next(d for d in sorted(reads) if d > before)
                self._first(low, high, distance - 1 - before, reads[distance], (buffer, (before,)))

    def _first(self, low: Bound, high: Bound, iteration: int, first: Instance, slot: Slot) -> None:
        k = self.k
        buffer, key = slot

        def load() -> None:
            at = Counter(None, low + iteration) if isinstance(low, int) else Counter(low, iteration)
            k.counters[self.op.counter] = at
            k.counters |= {c: Counter(None, v) for c, v in zip(first.counters, first.values, strict=True)}
            buffer.values[key] = read(k, first.op, target_of(k, first.op))

        if isinstance(low, int) and isinstance(high, int):
            if low + iteration < high:
                load()
            return
        last = k.plus(k.as_value(low), k.integer(iteration))
        runs = k.pure(("below", last, high), (last, k.as_value(high)), lambda: k.e.icmp("slt", last, k.as_value(high)))
        branch(k, self.op, runs, load, extra=[slot])

    def around(self, body: Callable[[], None]) -> None:
        """One iteration: its reads come from the registers, and what it writes goes there for those that follow."""
        if not self.found:
            body()
            return
        kept = self.k.kept
        self.k.kept = Kept(
            {instance.op: instance.counters for one in self.found for instance in (one.read, one.source)},
            {(one.read.op, *one.read.values): self._value(one) for one in self.found},
            dict.fromkeys((source.op, *source.values) for source in self.values),
        )
        body()
        written, self.k.kept = self.k.kept.written, kept
        for source, buffer in self.values.items():
            value = written[source.op, *source.values]
            assert value is not None
            keys = buffer.blocks()
            for key, before in reversed(list(zip(keys[1:], keys, strict=False))):
                buffer.values[key] = buffer.values[before]
            buffer.values[keys[0]] = value

    def _value(self, one: Recurrence) -> Value:
        return self.values[one.source].values[one.distance - 1,]
