"""Parallel loops: the body becomes a function that the thread pool calls for ranges of iterations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from xdsl.dialects.builtin import i64

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import ForOp, PrivateOp
from weft.dialects.loop.buffers import memref_of
from weft.dialects.walking import inside
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.outline import capture, field_alignment
from weft.passes.lower.types import PTR, VOID

RUNTIME = "weft_parallel_for"
_GRAIN = 1

Run: TypeAlias = "Callable[[Lowering, ForOp, Value, Value], None]"


def parallel(k: Lowering, op: ForOp, count: Value | int, run: Run) -> None:
    """Outline the loop and call the pool; `run` emits the loop over a range of iterations."""
    for buffer in k.analysis.written(op):
        if buffer in k.registers:
            raise error_at(
                op,
                f"the parallel loop '{op.label.data}' writes a register buffer from outside it",
                "stage the buffer inside the parallel loop",
                code=codes.CANNOT_LOWER,
            )
    name = k.outliner.name()
    e = Emitter([PTR, i64, i64, i64], op.location, k.outliner.externals)
    context, begin, end, worker = e.arguments
    place = e.mark()
    inner = _inner(k, e, worker)
    run(inner, op, begin, end)
    e.ret()
    values, struct = capture(e, place, context)
    k.outliner.functions.append(e.finish(name))

    frame = k.e.alloca(1, struct, 64)
    for number, value in enumerate(values):
        k.e.store(value, k.e.field(frame, struct, number), field_alignment(value))
    numbers = (k.as_value(count), k.integer(_GRAIN), k.integer(_threads(k, op)))
    k.outliner.externals.declare(RUNTIME, [PTR, PTR, i64, i64, i64], VOID)
    k.e.call(RUNTIME, (k.e.address_of(name), frame, *numbers))
    k.scope.forget(k.analysis.written(op))


def _inner(k: Lowering, e: Emitter, worker: Value) -> Lowering:
    """The lowering of the body: it sees all that is known outside."""
    inner = Lowering(e, k.rules, k.analysis, k.outliner, k.machine)
    inner.worker = worker
    inner.known_outside(k.known())
    inner.counters.update(k.counters)
    inner.values.update(k.values)
    inner.constants.update(k.constants)
    inner.buffers.update(k.buffers)
    inner.registers.update(k.registers)
    return inner


def _threads(k: Lowering, op: ForOp) -> int:
    """The threads of the target; no more than a buffer of the body has slices."""
    slices = [memref_of(private.source).get_shape()[0] for private in inside(op) if isinstance(private, PrivateOp)]
    return min([k.outliner.threads, *slices])
