"""Copies to shared memory that run by themselves: stores marked `async` as `cp.async`, where that can be.

Others are ordinary loads and stores. A copy under a condition, with zeros where it does not hold, copies nothing
instead: `cp.async` fills what is left of its bytes with zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import BlockArgument, Operation

from weft.dialects import nvvm
from weft.dialects.loop import IfOp, Linear, LoadOp, StoreOp, neutral
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.accesses import lower_load, lower_store
from weft.passes.lower.loop_to_llvm.buffers import address
from weft.passes.lower.loop_to_llvm.control import lower_if
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.memory import pointer_at
from weft.passes.lower.loop_to_llvm.places import Address
from weft.passes.lower.types import byte_size

PIECES = (16, 8, 4)
"""The bytes that one copy can have."""


def lower_load_or_wait(k: Lowering, op: Operation) -> None:
    """`loop.load`, but for what only an asynchronous store takes: that is loaded there, if at all."""
    op = cast(LoadOp, op)
    uses = list(op.result.uses)
    user = uses[0].operation if len(uses) == 1 else None
    if isinstance(user, StoreOp) and user.asynchronous is not None and user.parent is op.parent:
        return
    lower_load(k, op)


def lower_store_or_copy(k: Lowering, op: Operation) -> None:
    """`loop.store`; one that is asynchronous is a copy, or brings what was not loaded before."""
    op = cast(StoreOp, op)
    load = op.value.owner
    if op.asynchronous is None or not isinstance(load, LoadOp) or load.parent is not op.parent:
        lower_store(k, op)
    elif (copy := _copy(k, load, op)) is not None:
        copy.emit(k, None)
    else:
        lower_load(k, load)
        lower_store(k, op)


def lower_if_or_copy(k: Lowering, op: Operation) -> None:
    """`loop.if`; a copy under conditions, else zeros, takes the number of its bytes from these."""
    op = cast(IfOp, op)
    masked = _masked(op)
    copy = _copy(k, masked.load, masked.store) if masked is not None else None
    if masked is None or copy is None:
        lower_if(k, op)
        return
    holds: Value | None = None
    for form in masked.conditions:
        number = k.number(k.form(form))
        if isinstance(number, int):
            if number < 0:
                lower_if(k, op)
                return
            continue
        test = _test(k, number)
        holds = test if holds is None else _both(k, holds, test)
    copy.emit(k, holds)


def _test(k: Lowering, number: Value) -> Value:
    zero = k.integer(0)
    return k.pure(("holds", number), (number,), lambda: k.e.icmp("sge", number, zero))


def _both(k: Lowering, a: Value, b: Value) -> Value:
    return k.pure(("and", a, b), (a, b), lambda: k.e.and_(a, b))


@dataclass(frozen=True)
class _Copy:
    """A copy in pieces of so many bytes, as often as it takes."""

    source: Address
    target: Address
    piece: int
    count: int

    def emit(self, k: Lowering, holds: Value | None) -> None:
        """Begin it; with a condition, of all bytes or none."""
        size = None if holds is None else self._size(k, holds)
        step = self.piece // byte_size(self.source.buffer.element)
        k.scope.forget(frozenset({self.target.buffer.root}))
        for number in range(self.count):
            to = pointer_at(k, self.target, self.target.constant + number * step)
            come = pointer_at(k, self.source, self.source.constant + number * step)
            cache = "cg" if self.piece == PIECES[0] else "ca"
            k.e.add_op(nvvm.make("cp.async.shared.global", to, come, size, size=self.piece, modifier=cache))

    def _size(self, k: Lowering, holds: Value) -> Value:
        whole, none = k.e.integer(self.piece, i32), k.e.integer(0, i32)
        k.known_outside((whole, none))
        return k.pure(("copied", holds, self.piece), (holds,), lambda: k.e.select(holds, whole, none))


def _copy(k: Lowering, load: LoadOp, store: StoreOp) -> _Copy | None:
    """The copy that a load and a store are; None where memory or lanes are against it."""
    if not isinstance(load.buffer, BlockArgument) or load.memref.element_type != store.memref.element_type:
        return None
    source, target = address(k, load), address(k, store)
    size = byte_size(source.buffer.element)
    lanes = k.lanes
    if lanes is not None and (not lanes.whole or source.step != 1 or target.step != 1):
        return None
    whole = size * (lanes.width if lanes is not None else 1)
    for piece in PIECES:
        known = all(max(at.alignment, size) % piece == 0 for at in (source, target))
        if piece >= size and whole % piece == 0 and known:
            return _Copy(source, target, piece, whole // piece)
    return None


@dataclass(frozen=True)
class _Masked:
    conditions: tuple[Linear, ...]
    load: LoadOp
    store: StoreOp


def _masked(op: IfOp) -> _Masked | None:
    """The copy that a condition guards, if it does nothing else but store zeros there otherwise."""
    conditions: list[Linear] = []
    zeros: list[StoreOp] = []
    inner: Operation = op
    while isinstance(inner, IfOp):
        other = list(inner.other.block.ops)
        then = list(inner.then.block.ops)
        if len(other) != 1 or not isinstance(zero := other[0], StoreOp) or not _is_zero(zero):
            return None
        conditions.append(inner.condition())
        zeros.append(zero)
        if len(then) == 1:
            inner = then[0]
            continue
        if len(then) != 2 or not isinstance(load := then[0], LoadOp) or not isinstance(store := then[1], StoreOp):
            return None
        same = all(z.buffer is store.buffer and z.index() == store.index() for z in zeros)
        asynchronous = store.asynchronous is not None and store.value is load.result
        return _Masked(tuple(conditions), load, store) if same and asynchronous else None
    return None


def _is_zero(store: StoreOp) -> bool:
    constant = store.value.owner
    return isinstance(constant, arith.ConstantOp) and constant.value == neutral("add", store.memref.element_type)
