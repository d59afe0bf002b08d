"""Nests that go over rows of an input more than once: while the last ones compute, memory can bring the next row."""

from __future__ import annotations

from math import ceil

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Operation

from weft.dialects.loop import AccessOp, ForOp, ReadOp, buffer_name
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Prefetch
from weft.dialects.target import Cpu
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import find
from weft.passes.loops.nest_shape import buffer_bytes, element_bytes, stride
from weft.passes.loops.plans.common import SECOND_CACHE
from weft.passes.loops.trial import Trial

ROWS_IN_CACHE = 8
"""How many rows the second cache should hold: this one and the next, and what is made of them."""

LEAST_BYTES = 8192
"""Shorter rows are read ahead by the machine itself."""


def ask_for_rows(trial: Trial, rows: str, cpu: Cpu) -> None:
    """In a loop over rows, let a nest that reads a row again ask for the next one, a strip at a time.

    The first nest over a row waits for memory, and memory for those that follow. The one of these that computes
    the most asks. What the second cache holds as a whole needs none of it.
    """
    for number, argument in enumerate(trial.original.body.block.args):
        if not isinstance(argument.type, MemRefType) or buffer_bytes(argument) <= cpu.l2_bytes:
            continue
        buffer, loop = trial.copy.body.block.args[number], find(trial.copy, rows)
        touching = accesses(loop, buffer)
        again = [access for access in touching if _nest(access, loop) is not _nest(touching[0], loop)]
        if not again or not all(isinstance(access, ReadOp) for access in touching):
            continue
        asks = _ask(max(again, key=_ops), loop, cpu)
        if asks is not None:
            trial.attempt([asks])


def _ask(access: AccessOp, rows: ForOp, cpu: Cpu) -> Prefetch | None:
    """The step that makes strips of a row ask for those of the next; None where rows are too short or too long."""
    strip = next((loop for loop in loops_around(access) if loop.kind() != "vector"), None)
    if strip is None or strip is rows:
        return None
    moved, row = stride(access, strip.counter), stride(access, rows.counter)
    if not row or not moved or moved < 0:
        return None
    if not LEAST_BYTES <= row * element_bytes(access) <= cpu.l2_bytes // ROWS_IN_CACHE:
        return None
    return Prefetch(buffer_name(access.target) or "", strip.label.data, ceil(row / moved), SECOND_CACHE)


def _nest(op: Operation, loop: ForOp) -> Operation:
    """The op of a loop's body in which an op stands."""
    while (parent := op.parent_op()) is not loop and parent is not None:
        op = parent
    return op


def _ops(access: AccessOp) -> int:
    """How many ops are computed beside an access."""
    block = access.parent_block()
    return 0 if block is None else len(list(block.ops))
