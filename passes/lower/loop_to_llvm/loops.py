"""`loop.for`: what each mark makes of a loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from xdsl.ir import Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp, ForOp
from weft.dialects.loop.dots import PAIR
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.accesses import finish
from weft.passes.lower.loop_to_llvm.analysis import in_registers
from weft.passes.lower.loop_to_llvm.control import branch, repeat
from weft.passes.lower.loop_to_llvm.counters import Counter, Lanes
from weft.passes.lower.loop_to_llvm.dots import lower_dot
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.masks import mask_below
from weft.passes.lower.loop_to_llvm.parallel import parallel
from weft.passes.lower.loop_to_llvm.recurrences import Carried
from weft.passes.lower.loop_to_llvm.strips import Bound, strips, whole

_VECTORS_IN_A_ROW = 8
"""The most vectors that a vector loop becomes as straight code, where no register depends on their number."""


def lower_for(k: Lowering, op: Operation) -> None:
    """A loop. Raises :class:`WeftError` for a mark that a CPU has no meaning for."""
    op = cast(ForOp, op)
    rule = _MARKS.get(op.kind())
    if rule is None:
        raise error_at(
            op,
            f"the loop '{op.label.data}' is mapped to '{op.kind()}', which a CPU does not have",
            "use 'parallelize', or lower the kernel for a GPU",
            code=codes.CANNOT_LOWER,
        )
    count = _bound(k, op)
    if not isinstance(count, int) or count > 0:
        rule(k, op, count)


def _bound(k: Lowering, op: ForOp) -> Bound:
    """The number of iterations, which may be negative where only the run knows it."""
    numbers = [k.number(k.form(form)) for form in k.analysis.forms(op)]
    known = min((number for number in numbers if isinstance(number, int)), default=None)
    if known is not None and known <= 0:
        return 0
    least: Value | None = None
    for number in numbers:
        if not isinstance(number, int):
            least = number if least is None else k.least(least, number)
    if least is None:
        return known or 0
    return least if known is None else k.least(least, k.integer(known))


def _copies(k: Lowering, op: ForOp, low: int, high: int) -> None:
    """The body, once for each value of the counter."""
    for number in range(low, high):
        k.counters[op.counter] = Counter(None, number)
        k.body(op.block)


def _run(k: Lowering, op: ForOp, low: Bound, high: Bound, factor: int = 1, *, certain: bool = False) -> None:
    """A loop of the machine, with `factor` copies of the body."""

    carried = Carried(k, op)

    def body(counter: Value) -> None:
        for number in range(factor):
            k.counters[op.counter] = Counter(counter, number)
            carried.around(lambda: k.body(op.block))

    carried.start(low, high)
    repeat(k, op, low, high, factor, body, certain=certain, extra=carried.slots())


def _seq(k: Lowering, op: ForOp, count: Bound) -> None:
    if count == 1:
        _copies(k, op, 0, 1)
    else:
        _run(k, op, 0, count, certain=k.analysis.runs(op))


def _parallel(k: Lowering, op: ForOp, count: Bound) -> None:
    if not k.machine.threads or k.worker is not None or k.lanes is not None or count == 1:
        _seq(k, op, count)
    else:
        parallel(k, op, count, _run)


def _unroll(k: Lowering, op: ForOp, count: Bound) -> None:
    factor = op.number()
    if isinstance(count, int) and (not factor or factor >= count):
        _copies(k, op, 0, count)
    elif not factor:
        _guarded(k, op, cast(Value, count))
    elif factor == 1:
        _run(k, op, 0, count)
    else:
        end = whole(k, count, factor)
        _run(k, op, 0, end, factor)
        if not isinstance(count, int) or count % factor:
            _run(k, op, end, count)


def _dot(k: Lowering, op: ForOp, count: Bound) -> None:
    """Products that one instruction adds up; one by one where the machine has none, or they are fewer."""
    if count != PAIR or not lower_dot(k, op):
        _unroll(k, op, count)


def _guarded(k: Lowering, op: ForOp, count: Value) -> None:
    """All copies of a loop whose count only the run knows: each under a test, where registers need them."""
    top = op.greatest_trip()
    if top is None or not _indexes_registers(op):
        _run(k, op, 0, count)
        return
    for number in range(top):
        if number == 0 and k.analysis.runs(op):
            _copies(k, op, 0, 1)
            continue
        branch(k, op, _exceeds(k, count, number), lambda number=number: _copies(k, op, number, number + 1))


def _indexes_registers(op: ForOp) -> bool:
    """Whether the counter of a loop stands in the index of a register buffer."""
    return any(isinstance(use.operation, AccessOp) and in_registers(use.operation.target) for use in op.counter.uses)


def _vector(k: Lowering, op: ForOp, count: Bound) -> None:
    if k.lanes is not None:
        raise error_at(op, f"the vector loop '{op.label.data}' stands in another vector loop", code=codes.CANNOT_LOWER)
    width = op.number()
    top = count if isinstance(count, int) else op.greatest_trip()
    if not k.machine.masks:
        _whole_vectors(k, op, count, width)
    elif top is not None and (top <= _VECTORS_IN_A_ROW * width or _indexes_registers(op)):
        for start in range(0, top, width):
            _lanes(k, op, _lanes_from(k, op, count, start, width), Counter(None, start, lane=True))
        finish(k)
        k.lanes = None
    else:
        strips(k, op, count, width)


def _whole_vectors(k: Lowering, op: ForOp, count: Bound, width: int) -> None:
    """Whole vectors as lanes; what is left over one by one."""
    top = count if isinstance(count, int) else op.greatest_trip()
    if top is None or (top > _VECTORS_IN_A_ROW * width and not _indexes_registers(op)):
        end = whole(k, count, width)
        repeat(k, op, 0, end, width, lambda counter: _whole_vector(k, op, Counter(counter, lane=True), width))
        if not isinstance(count, int) or count != end:
            _run(k, op, end, count)
        return
    for start in range(0, top, width):
        if isinstance(count, int):
            if start + width <= count:
                _lanes(k, op, Lanes(width, width), Counter(None, start, lane=True))
            else:
                finish(k)
                _copies(k, op, start, count)
            continue
        last = min(start + width, top)
        if last == start + width:
            branch(
                k,
                op,
                _exceeds(k, count, start + width - 1),
                lambda start=start: _lanes(k, op, Lanes(width, width), Counter(None, start, lane=True)),
                lambda start=start, last=last, count=count: _guarded_copies(k, op, count, start, last),
            )
        else:
            _guarded_copies(k, op, count, start, last)
    finish(k)
    k.lanes = None


def _whole_vector(k: Lowering, op: ForOp, counter: Counter, width: int) -> None:
    _lanes(k, op, Lanes(width, width), counter)
    finish(k)


def _guarded_copies(k: Lowering, op: ForOp, count: Value, low: int, high: int) -> None:
    """Copies of the body, each under a test that it is one of `count`."""
    for number in range(low, high):
        branch(k, op, _exceeds(k, count, number), lambda number=number: _copies(k, op, number, number + 1))


def _exceeds(k: Lowering, count: Value, number: int) -> Value:
    return k.pure(("runs", count, number), (count,), lambda: k.e.icmp("sgt", count, k.integer(number)))


def _lanes_from(k: Lowering, op: ForOp, count: Bound, start: int, width: int) -> Lanes:
    if isinstance(count, int):
        return Lanes(width, min(width, count - start))
    left = k.minus(count, k.integer(start)) if start else count
    return Lanes(width, width, mask_below(k, left, width), start > 0 or not k.analysis.runs(op))


def _lanes(k: Lowering, op: ForOp, lanes: Lanes, counter: Counter) -> None:
    """The body, once, for a vector of iterations."""
    k.lanes = lanes
    k.counters[op.counter] = counter
    k.body(op.block)
    k.lanes = None


_MARKS: Mapping[str, Callable[[Lowering, ForOp, Bound], None]] = {
    "seq": _seq,
    "parallel": _parallel,
    "unroll": _unroll,
    "dot": _dot,
    "vector": _vector,
}
