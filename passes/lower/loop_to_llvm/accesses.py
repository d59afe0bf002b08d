"""Loads, stores, reductions and prefetches, of memory and of registers alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import AccessOp, ComputedOp, PrefetchOp, ReadOp, ReduceOp, WriteOp
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm import memory, registers
from weft.passes.lower.loop_to_llvm.buffers import address
from weft.passes.lower.loop_to_llvm.combine import across, combine, neutral_value, rule_of
from weft.passes.lower.loop_to_llvm.computed import computed_address
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.masks import mask_of
from weft.passes.lower.loop_to_llvm.places import Address, Pending, Place, Target
from weft.passes.lower.loop_to_llvm.scalars import lower_scalar
from weft.passes.lower.scalar_casts import is_narrow, narrow, widen
from weft.passes.lower.types import PTR, element, integer_type, lanes, memory_type, register_type, vector_type


def lower_load(k: Lowering, op: Operation) -> None:
    """`loop.load` and `loop.gather`."""
    op = cast(ReadOp, op)
    settle(k, op.buffer)
    k.set_value(op.result, read(k, op, target_of(k, op)))


def lower_store(k: Lowering, op: Operation) -> None:
    """`loop.store`, unless it goes past the caches, and `loop.scatter`."""
    op = cast(WriteOp, op)
    settle(k, op.target)
    target = target_of(k, op)
    value = k.value(op.stored, _width(k, op, target))
    _write(k, op, target, value)


def lower_prefetch(k: Lowering, op: Operation) -> None:
    """`loop.prefetch`: for writing if the kernel writes the buffer. Registers need none."""
    op = cast(PrefetchOp, op)
    if op.buffer in k.registers:
        return
    at = address(k, op)
    pointer = k.e.gep(at.base, at.constant, memory_type(at.buffer.element), inbounds=False)
    i32 = integer_type(32)
    writes = k.analysis.root(op.buffer) in k.analysis.written(k.analysis.kernel)
    locality = 4 - op.first_level()
    operands = (pointer, k.e.integer(int(writes), i32), k.e.integer(locality, i32), k.e.integer(1, i32))
    k.e.intrinsic("prefetch", operands, None, (PTR,))


def lower_reduce(k: Lowering, op: Operation) -> None:
    """`loop.reduce`. Where lanes meet in one element their values wait for the end of the vector loop."""
    op = cast(ReduceOp, op)
    target = target_of(k, op)
    width = _width(k, op, target)
    if k.lanes is not None and width is None:
        _gather_lanes(k, op, target)
        return
    settle(k, op.buffer)
    first = _is_first(k, op)
    if first is True:
        _write(k, op, target, _reduced(k, op, width))
        return
    current = _starting_at(k, op, first, read(k, op, target))
    _write(k, op, target, _added(k, op, width, current))


def add_in_lanes(k: Lowering, op: ReduceOp, added: Callable[[Value], Value]) -> bool:
    """What `added` makes of the lanes that a sum has so far, as its lanes; False where lanes meet in one place."""
    target = target_of(k, op)
    if k.lanes is None or _width(k, op, target) is None:
        return False
    settle(k, op.buffer)
    first = _is_first(k, op)
    if first is True:
        type_ = vector_type(register_type(op.value.type), k.lanes.width)
        current = neutral_value(k.e, op.kind.data, type_, op.memref.element_type)
    else:
        current = _starting_at(k, op, first, read(k, op, target))
    _write(k, op, target, k.here(added(current)))
    return True


def lower_product(k: Lowering, op: Operation) -> None:
    """`arith.mulf`: emitted with the reduction that alone uses it, if that can fuse them."""
    if not k.analysis.fuses(op):
        lower_scalar(k, op)


def settle(k: Lowering, buffer: SSAValue) -> None:
    """Finish the waiting reductions into a buffer, which is about to be accessed."""
    if k.pending:
        root = k.analysis.root(buffer)
        finish(k, [key for key, waiting in k.pending.items() if k.analysis.root(waiting.op.buffer) is root])


def finish(k: Lowering, keys: list[object] | None = None) -> None:
    """Finish waiting reductions, by default all: combine the lanes, and the result into the target."""
    kept, k.lanes = k.lanes, None
    for key in list(k.pending) if keys is None else keys:
        waiting = k.pending.pop(key)
        op, kind = waiting.op, rule_of(waiting.op)
        k.e.location = op.location
        total = across(k.e, kind, waiting.lanes)
        small = element(waiting.lanes.type)
        if waiting.first is not True:
            current = _starting_at(k, op, waiting.first, read(k, op, waiting.target))
            total = combine(k.e, kind, widen(k.e, current) if is_narrow(small) else current, total)
        total = narrow(k.e, total, small) if is_narrow(small) else total
        _write(k, op, waiting.target, k.here(total))
    k.lanes = kept


def start_gathering(k: Lowering, op: ReduceOp, lanes: Value) -> None:
    """Let a reduction into one place wait with what its lanes have gathered."""
    target = target_of(k, op)
    k.pending[op, target] = Pending(op, target, lanes, _is_first(k, op))


def target_of(k: Lowering, op: AccessOp) -> Target:
    """Where an access goes now."""
    if op.target in k.registers:
        return registers.place(k, op)
    return computed_address(k, op) if isinstance(op, ComputedOp) else address(k, op)


def _width(k: Lowering, op: AccessOp, target: Target) -> int | None:
    """How many elements an access touches at once; None for one."""
    if k.lanes is None:
        return None
    if isinstance(target, Address):
        return k.lanes.width if target.step is not None else None
    return k.lanes.width if target.moves or k.registers[op.target].per_lane else None


def read(k: Lowering, op: AccessOp, target: Target) -> Value:
    """What an access finds at its target: what an earlier iteration left there in a register, or in memory."""
    if op in k.kept.counters and (value := k.kept.read.get(_instance(k, op))) is not None:
        return value
    if isinstance(target, Place):
        return registers.read(k, k.registers[op.target], target)
    return memory.load(k, target)


def _instance(k: Lowering, op: AccessOp) -> object:
    """The key of an access in what is kept: the op, and which of its copies this is."""
    return (op, *(k.counter(counter).offset for counter in k.kept.counters[op]))


def _write(k: Lowering, op: AccessOp, target: Target, value: Value) -> None:
    if op in k.kept.counters and (key := _instance(k, op)) in k.kept.written:
        k.kept.written[key] = value
    if isinstance(target, Place):
        registers.write(k, k.registers[op.target], target, value)
    else:
        memory.store(k, target, value)


def _is_first(k: Lowering, op: ReduceOp) -> Value | bool:
    """Whether this is the first value that the element gets: all counters of `over` are 0 (in lane 0)."""
    tests: list[Value] = []
    over = op.trailing()
    for source in over:
        counter = k.counter(source)
        if counter.offset:
            return False
        if (value := counter.value) is not None:
            zero = k.integer(0)
            tests.append(k.pure(("first", value), (value,), lambda value=value, zero=zero: k.e.icmp("eq", value, zero)))
    if not over:
        return False
    result: Value | bool = True
    for test in tests:
        both = result
        result = (
            test
            if isinstance(both, bool)
            else k.pure(("and", both, test), (both, test), lambda both=both, test=test: k.e.and_(both, test))
        )
    return result


def _starting_at(k: Lowering, op: ReduceOp, first: Value | bool, current: Value) -> Value:
    """What the value is combined with: what the element holds, but for the first value nothing."""
    if isinstance(first, bool):
        return current
    nothing = neutral_value(k.e, op.kind.data, current.type, op.memref.element_type)
    return k.here(k.e.select(first, nothing, current))


def _reduced(k: Lowering, op: ReduceOp, width: int | None) -> Value:
    """The value of a reduction by itself."""
    if (product := k.analysis.product(op)) is not None:
        k.e.location = product.location
        lower_scalar(k, product)
        k.e.location = op.location
    return k.value(op.value, width)


def _added(k: Lowering, op: ReduceOp, width: int | None, current: Value) -> Value:
    """The value of a reduction combined with `current`."""
    if (product := k.analysis.product(op)) is not None:
        a, b = (k.value(factor, width) for factor in product.operands)
        return k.here(k.e.muladd(a, b, current))
    return k.here(combine(k.e, rule_of(op), current, k.value(op.value, width)))


def _gather_lanes(k: Lowering, op: ReduceOp, target: Target) -> None:
    """Add the lanes that run to those that wait for the same element."""
    now = k.lanes
    assert now is not None
    waiting = k.pending.get((op, target))
    if waiting is None:
        settle(k, op.buffer)
        value = _reduced(k, op, now.width)
        rest = neutral_value(k.e, op.kind.data, value.type, op.memref.element_type)
    else:
        rest = waiting.lanes
        value = _added(k, op, now.width, rest)
    if not now.whole:
        value = k.here(k.e.select(mask_of(k, now), value, rest))
    if waiting is None:
        k.pending[op, target] = Pending(op, target, value, _is_first(k, op))
    else:
        waiting.lanes = value
    assert lanes(value.type) == now.width
