"""The `loop` dialect. Marks change no result, so loops run in sequence, but in the way that the marks allow:

- a `parallel` loop, or one mapped to a GPU, runs backwards;
- a `vector` loop runs its body once, op by op, with arrays of all lanes for the values that differ by lane.

A schedule that marks loops whose iterations depend on each other therefore gives another result here too. Fresh
buffers hold NaN, or the least integer, so that what was never written shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from xdsl.ir import Operation

from weft import codes
from weft.backends.reference.machine import Machine, Rules
from weft.backends.reference.values import Buffer, contiguous_strides, fresh, shape_at
from weft.dialects.locations import error_at
from weft.dialects.loop import (
    AccessOp,
    AllocOp,
    ForOp,
    GatherOp,
    IfOp,
    IndexOp,
    LoadOp,
    LookupOp,
    PrefetchOp,
    PrivateOp,
    ReadOp,
    ReduceOp,
    ScaleOp,
    ScatterOp,
    StoreOp,
)
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.types import INDEX, Value, need_dtype

BACKWARDS = ("parallel", "grid", "block", "warp", "thread")
"""Marks of loops whose order is free: they run from their end."""

COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "umax": lambda a, b: _unsigned(np.maximum, a, b),
    "umin": lambda a, b: _unsigned(np.minimum, a, b),
}


def _unsigned(combine: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Combine two integers of one dtype by their unsigned values."""
    dtype = np.asarray(a).dtype
    bits = np.dtype(f"uint{8 * dtype.itemsize}")
    return combine(np.asarray(a).view(bits), np.asarray(b).view(bits)).view(dtype)[()]


def _values(rows: Sequence[tuple[int, ...]], counters: Sequence[Value]) -> list[Value]:
    """The values of linear forms."""
    return [row[-1] + sum(c * v for c, v in zip(row, counters, strict=False) if c) for row in rows]


def _for(machine: Machine, op: ForOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    trip = max(0, int(min(_values(op.lin.data, args))))
    kind = op.kind()
    if kind == "vector":
        if trip:
            machine.run_ssacfg_region(op.body, (np.arange(trip, dtype=INDEX),))
        return ()
    order = range(trip)
    for counter in reversed(order) if kind in BACKWARDS and not _reduces_over(op) else order:
        machine.run_ssacfg_region(op.body, (np.int64(counter),))
    return ()


def _reduces_over(op: ForOp) -> bool:
    """Whether a reduction combines the iterations of a loop: threads do so together, and the first value starts it."""
    uses = (use.operation for use in op.counter.uses)
    return any(isinstance(user, ReduceOp) and op.counter in user.over for user in uses)


def _if(machine: Machine, op: IfOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (value,) = _values(op.lin.data, args)
    machine.run_ssacfg_region(op.then if value >= 0 else op.other, ())
    return ()


def _index(machine: Machine, op: IndexOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (value,) = _values(op.lin.data, args)
    return (np.asarray(value, INDEX)[()],)


def _place(op: AccessOp, buffer: Buffer, counters: Sequence[Value]) -> Value:
    """Where in the storage an access is. Raises :class:`WeftError` for one outside the buffer."""
    place: Value = buffer.offset
    for value, size, stride in zip(_values(op.lin.data, counters), buffer.sizes, buffer.strides, strict=True):
        if not np.all((value >= 0) & (value < size)):
            raise error_at(
                op, f"'{op.name}' reaches index {value} of a dimension of size {size}", code=codes.OUT_OF_BOUNDS
            )
        place = place + value * stride
    return place


def _load(machine: Machine, op: ReadOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, *counters = args
    return (buffer.storage[_place(op, buffer, counters)],)


def _store(machine: Machine, op: StoreOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, buffer, *counters = args
    buffer.storage[_place(op, buffer, counters)] = value
    return ()


def _scatter(machine: Machine, op: ScatterOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    """As a store; where lanes meet in one place the last one stays."""
    value, buffer, *counters = args
    places, values = np.broadcast_arrays(_place(op, buffer, counters), value)
    for place, new in zip(places.flat, values.flat, strict=True):
        buffer.storage[place] = new
    return ()


def _reduce(machine: Machine, op: ReduceOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, buffer, *rest = args
    counters, over = rest[: len(op.counters)], rest[len(op.counters) :]
    combine = COMBINE[op.kind.data]
    places, values, *zeros = np.broadcast_arrays(_place(op, buffer, counters), value, *over)
    first = np.logical_and.reduce([np.equal(z, 0) for z in zeros]) if zeros else np.zeros(places.shape, bool)
    storage: Array = buffer.storage
    for place, new, start in zip(places.flat, values.flat, np.asarray(first).flat, strict=True):
        storage[place] = new if start else combine(storage[place], new)
    return ()


def _prefetch(machine: Machine, op: PrefetchOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ()


def _alloc(machine: Machine, op: AllocOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    sizes = shape_at(op, op.result.type, args)
    dtype = need_dtype(op, op.result.type)
    if machine.fill is not None:
        return (fresh(sizes, dtype, machine.fill),)
    storage = np.empty(prod(sizes), dtype)
    if dtype.kind in "iu":
        storage.fill(np.iinfo(dtype).min)
    elif dtype.kind != "b":
        storage.fill(np.nan)
    return (Buffer(storage, 0, sizes, contiguous_strides(sizes)),)


def _private(machine: Machine, op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (buffer,) = args
    return (Buffer(buffer.storage, buffer.offset, buffer.sizes[1:], buffer.strides[1:]),)


def _scale(machine: Machine, op: ScaleOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    x, n = np.broadcast_arrays(*args)
    with np.errstate(all="ignore"):
        whole = np.clip(np.nan_to_num(np.floor(n)), -5000, 5000).astype(np.int32)
        return (np.where(np.isnan(n), n, np.ldexp(x, whole))[()],)


def _lookup(machine: Machine, op: LookupOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    table = np.array(op.numbers(), need_dtype(op, op.result.type))
    return (table[np.asarray(args[0]) & (len(table) - 1)],)


RULES: Rules = {
    ForOp: _for,
    IfOp: _if,
    IndexOp: _index,
    LoadOp: _load,
    GatherOp: _load,
    StoreOp: _store,
    ScatterOp: _scatter,
    ReduceOp: _reduce,
    PrefetchOp: _prefetch,
    AllocOp: _alloc,
    PrivateOp: _private,
    ScaleOp: _scale,
    LookupOp: _lookup,
}
