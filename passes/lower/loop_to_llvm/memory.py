"""Loads and stores of memory: one element, a vector in a row, or lanes apart from each other."""

from __future__ import annotations

from math import gcd

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute

from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.counters import Lanes
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.masks import lane_runs, last_lane, mask_of, some_lane_runs
from weft.passes.lower.loop_to_llvm.places import Address
from weft.passes.lower.loop_to_llvm.scope import Scope
from weft.passes.lower.scalar_casts import is_narrow
from weft.passes.lower.types import byte_size, element, integer_type, memory_type, register_type, vector_type
from weft.passes.lower.types import lanes as width_of


def load(k: Lowering, at: Address) -> Value:
    """What stands at an address: a scalar, or a vector where the address depends on the lane.

    A load of the same place that no store has made stale serves again; a load that a loop repeats stands
    before the loop.
    """
    lanes = k.lanes if at.step is not None else None
    root = at.buffer.root
    key = _key(at, lanes)
    if (found := k.scope.loaded(root, key)) is not None:
        return found
    operands = [at.base]
    if isinstance(at.step, Value):
        operands.append(at.step)
    if lanes is not None and lanes.mask is not None:
        operands.append(lanes.mask)

    # a place in a buffer of run-time sizes may be there only if the loop runs
    anyway = all(isinstance(size, int) for size in at.buffer.sizes)

    def may_leave(scope: Scope) -> bool:
        return not scope.conditional and (anyway or scope.certain) and root not in scope.written

    scope, inner = k.outermost(operands, may_leave)
    value = k.emit_in(scope, inner, lambda: _load(k, at, lanes))
    scope.loads.setdefault(root, {})[key] = value
    return value


def store(k: Lowering, at: Address, value: Value, *, nontemporal: bool = False) -> None:
    """Write a value to an address; where all lanes go to one place the last lane's value stays there.

    The value has as many lanes as the address.
    """
    lanes = k.lanes
    k.scope.forget(frozenset({at.buffer.root}))
    if lanes is None or at.step is None:
        _store_scalar(k, at, value)
        if lanes is None:
            k.scope.loads.setdefault(at.buffer.root, {})[_key(at, None)] = value
        return
    raw = _to_memory(k, value)
    size = byte_size(at.buffer.element)
    if not isinstance(at.step, int) or abs(at.step) != 1:
        _scatter(k, at, raw, lanes)
        return
    if lanes.mask is None and lanes.active == 1:
        # LLVM's x86 back end stores all bits of the wide lane when a mask of one lane meets a truncation
        k.e.store(k.e.extract(raw, 0), pointer_at(k, at, at.constant), size)
        k.scope.loads.setdefault(at.buffer.root, {})[_key(at, lanes)] = value
        return
    if at.step == -1:
        raw = _reversed(k, raw)
    pointer = pointer_at(k, at, _first(at, lanes))
    if lanes.whole:
        known = size * lanes.width if nontemporal else _vector_alignment(at, lanes)
        k.e.store(raw, pointer, known, nontemporal=nontemporal)
    else:
        _masked_store(k, raw, pointer, _ordered_mask(k, at, lanes), size)
    k.scope.loads.setdefault(at.buffer.root, {})[_key(at, lanes)] = value


def _key(at: Address, lanes: Lanes | None) -> object:
    """What loads of one place share; the base lives as long as the function, so its identity will do."""
    step = id(at.step) if isinstance(at.step, Value) else at.step
    return (id(at.base), at.constant, step, lanes.width if lanes is not None and lanes.whole else lanes)


def pointer_at(k: Lowering, at: Address, constant: int) -> Value:
    """The pointer `constant` elements behind the base; it folds into the load or store at its side."""
    if not constant:
        return at.base
    type_ = memory_type(at.buffer.element)
    return k.e.gep(at.base, constant, type_)


def _load(k: Lowering, at: Address, lanes: Lanes | None) -> Value:
    kind = at.buffer.element
    scalar, size = memory_type(kind), byte_size(kind)
    if lanes is None or at.step is None:
        return _from_memory(k, k.e.load(pointer_at(k, at, at.constant), scalar, size), kind)
    if not isinstance(at.step, int) or abs(at.step) != 1:
        return _from_memory(k, _gather(k, at, lanes), kind)
    pointer = pointer_at(k, at, _first(at, lanes))
    if lanes.whole:
        raw = k.e.load(pointer, vector_type(scalar, lanes.width), _vector_alignment(at, lanes))
    else:
        raw = _masked_load(k, scalar, pointer, _ordered_mask(k, at, lanes), lanes.width, size)
    return _from_memory(k, _reversed(k, raw) if at.step == -1 else raw, kind)


def _vector_alignment(at: Address, lanes: Lanes) -> int:
    """What is known of the alignment of a whole vector: no more than its own size."""
    size = byte_size(at.buffer.element)
    return max(size, gcd(at.alignment, size * lanes.width)) if at.step == 1 else size


def _first(at: Address, lanes: Lanes) -> int:
    """The constant of the lowest address of a vector in a row: of its last lane where it runs backwards."""
    return at.constant - (lanes.width - 1 if at.step == -1 else 0)


def _reversed(k: Lowering, value: Value) -> Value:
    return k.e.shuffle(value, value, range((width_of(value.type) or 1) - 1, -1, -1))


def _ordered_mask(k: Lowering, at: Address, lanes: Lanes) -> Value:
    mask = mask_of(k, lanes)
    return _reversed(k, mask) if at.step == -1 else mask


def _carrier(scalar: Attribute) -> Attribute:
    """The type in which a masked access moves an element: narrow floats go as integers."""
    return integer_type(16) if is_narrow(scalar) else scalar


def _masked_load(k: Lowering, scalar: Attribute, pointer: Value, mask: Value, width: int, size: int) -> Value:
    carrier = _carrier(scalar)
    zero = k.e.number(0, vector_type(carrier, width))
    raw = k.e.masked_load(pointer, mask, zero, size)
    return raw if carrier == scalar else k.e.cast(llvm.BitcastOp, raw, scalar)


def _masked_store(k: Lowering, value: Value, pointer: Value, mask: Value, size: int) -> None:
    if is_narrow(value.type):
        value = k.e.cast(llvm.BitcastOp, value, integer_type(16))
    k.e.masked_store(value, pointer, mask, size)


def _from_memory(k: Lowering, raw: Value, kind: Attribute) -> Value:
    """An element in a register: the byte of an i1 becomes a truth value."""
    if register_type(kind) != i1:
        return raw
    return k.e.icmp("ne", raw, k.e.integer(0, raw.type))


def _to_memory(k: Lowering, value: Value) -> Value:
    return k.e.cast(llvm.ZExtOp, value, memory_type(i1)) if element(value.type) == i1 else value


def _store_scalar(k: Lowering, at: Address, value: Value) -> None:
    lanes = k.lanes
    pointer = pointer_at(k, at, at.constant)
    if lanes is not None and width_of(value.type) is not None:
        last = last_lane(k, lanes.mask, lanes.width) if lanes.mask is not None else lanes.active - 1
        value = k.e.extract(value, last)
    raw = _to_memory(k, value)
    if lanes is not None and lanes.mask is not None and lanes.empty:
        pointer = k.e.select(some_lane_runs(k, lanes.mask, lanes.width), pointer, _scratch(k, raw.type))
    k.e.store(raw, pointer, byte_size(at.buffer.element))


def _scratch(k: Lowering, type_: Attribute) -> Value:
    """A place that lanes which do not run may read and write."""

    def make() -> Value:
        place = k.e.alloca(1, type_, 8)
        k.e.store(k.e.number(0, type_), place, 8)
        return place

    return k.pure(("scratch", type_), (), make)


def _lane_pointer(k: Lowering, at: Address, lanes: Lanes, lane: int) -> Value | None:
    """Where a lane goes: a scratch place if it does not run, None if that is known."""
    runs = lane_runs(k, lanes, lane)
    if runs is False:
        return None
    assert at.step is not None
    if isinstance(at.step, int):
        pointer = pointer_at(k, at, at.constant + lane * at.step)
    elif width_of(at.step.type) is not None:
        pointer = k.e.gep(pointer_at(k, at, at.constant), k.e.extract(at.step, lane), memory_type(at.buffer.element))
    else:
        offset = k.plus(k.times(at.step, lane), k.integer(at.constant)) if lane else k.integer(at.constant)
        pointer = k.e.gep(at.base, offset, memory_type(at.buffer.element))
    if runs is True:
        return pointer
    return k.e.select(runs, pointer, _scratch(k, memory_type(at.buffer.element)))


def _gather(k: Lowering, at: Address, lanes: Lanes) -> Value:
    scalar, size = memory_type(at.buffer.element), byte_size(at.buffer.element)
    out = k.e.number(0, vector_type(scalar, lanes.width))
    for lane in range(lanes.width):
        if (pointer := _lane_pointer(k, at, lanes, lane)) is not None:
            out = k.e.insert(out, k.e.load(pointer, scalar, size), lane)
    return out


def _scatter(k: Lowering, at: Address, raw: Value, lanes: Lanes) -> None:
    for lane in range(lanes.width):
        if (pointer := _lane_pointer(k, at, lanes, lane)) is not None:
            k.e.store(k.e.extract(raw, lane), pointer, byte_size(at.buffer.element))
