"""Where a buffer that was filled under conditions holds zeros, and which sums do not see what lies there."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import ForOp, IfOp, Linear, LoadOp, ReduceOp, StoreOp, loop_of, neutral
from weft.passes.loops.nest_shape import factors
from weft.passes.loops.ranges import greatest


def adds_zeros(loop: ForOp, op: ReduceOp, bound: Linear) -> bool:
    """Whether a sum of products adds zeros only where the counter of a loop has reached a bound."""
    found = factors(op) if op.kind.data == "add" else None
    return found is not None and all(_is_zero(load, loop.counter, bound) for load in found)


def _is_zero(load: LoadOp, counter: SSAValue, bound: Linear) -> bool:
    """Whether a load finds a zero where a counter has reached a bound."""
    for guard in _guards(load.buffer):
        there = guard.substitute(_places(load))
        if there.coefficient(counter) <= 0:
            top = greatest(there.substitute({counter: bound}))
            if top is not None and top < 0:
                return True
    return False


def _places(load: LoadOp) -> dict[SSAValue, Linear]:
    """The index of a load for the counters of the loops that fill the buffer, a dimension each."""
    stores = [use.operation for use in load.buffer.uses if isinstance(use.operation, StoreOp)]
    counters = [form.values[0] for form in stores[0].index()]
    return dict(zip(counters, load.index(), strict=True))


def _guards(buffer: SSAValue) -> Iterator[Linear]:
    """The conditions under which a buffer is filled with anything but zeros, in the counters of one nest whose loops
    are the buffer's dimensions; none where it is filled in another way."""
    stores = [use.operation for use in buffer.uses if isinstance(use.operation, StoreOp | ReduceOp)]
    if not stores or any(isinstance(store, ReduceOp) for store in stores):
        return
    index = stores[0].index()
    plain = all(form.terms and form == Linear(((form.values[0], 1),)) and loop_of(form.values[0]) for form in index)
    if not plain or any(store.index() != index for store in stores):
        return
    full = [store for store in stores if not _is_constant_zero(store)]
    if len(full) != 1:
        return
    inner: Operation = full[0]
    while isinstance(outer := inner.parent_op(), IfOp):
        if inner.parent is outer.then.block and any(store.parent is outer.other.block for store in stores):
            yield outer.condition()
        inner = outer


def _is_constant_zero(store: StoreOp | ReduceOp) -> bool:
    value = store.value.owner
    return isinstance(value, arith.ConstantOp) and value.value == neutral("add", store.memref.element_type)
