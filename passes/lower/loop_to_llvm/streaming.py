"""Stores past the caches."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i64
from xdsl.ir import Operation

from weft.dialects.loop import StoreOp
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm import memory
from weft.passes.lower.loop_to_llvm.accesses import lower_store, settle
from weft.passes.lower.loop_to_llvm.buffers import address
from weft.passes.lower.loop_to_llvm.control import branch
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.places import Buffer
from weft.passes.lower.types import byte_size


def lower_streaming_store(k: Lowering, op: Operation) -> None:
    """`loop.store`. A nontemporal one writes whole vectors past the caches, where the buffer is aligned to them.

    A store that is not aligned would be slow, so where the alignment is not known the code asks for it, and for the
    size of the buffer where that decides.
    """
    op = cast(StoreOp, op)
    lanes = k.lanes
    if op.nontemporal is None or op.target in k.registers or lanes is None or not lanes.whole:
        lower_store(k, op)
        return
    settle(k, op.target)
    at = address(k, op)
    if at.step != 1:
        lower_store(k, op)
        return
    value = k.value(op.value, lanes.width)
    size = byte_size(at.buffer.element) * lanes.width
    wanted = [] if at.buffer.alignment % size == 0 else [_is_aligned(k, at.buffer.pointer, size)]
    if op.least_bytes is not None:
        wanted.append(_has_bytes(k, at.buffer, op.least_bytes.value.data))
    if not wanted:
        memory.store(k, at, value, nontemporal=True)
        return
    good = wanted[0] if len(wanted) == 1 else k.pure(("both", *wanted), wanted, lambda: k.e.and_(*wanted))
    branch(
        k,
        op,
        good,
        lambda: memory.store(k, at, value, nontemporal=True),
        lambda: memory.store(k, at, value),
    )


def _has_bytes(k: Lowering, buffer: Buffer, least: int) -> Value:
    """Whether a buffer has so many bytes."""
    known = byte_size(buffer.element) * prod(size for size in buffer.sizes if isinstance(size, int))
    total = k.integer(known)
    for size in (size for size in buffer.sizes if isinstance(size, Value)):
        total = k.pure(("bytes", total, size), (total, size), partial(k.e.mul_index, total, size))
    bound = k.integer(least)
    return k.pure(("large", total, least), (total,), lambda: k.e.icmp("sge", total, bound))


def _is_aligned(k: Lowering, pointer: Value, size: int) -> Value:
    """Whether an address is a multiple of a power of two."""
    number = k.pure(("address", pointer), (pointer,), lambda: k.e.value(llvm.PtrToIntOp, (pointer,), i64))
    below = k.integer(size - 1)
    rest = k.pure(("below", number, size), (number,), lambda: k.e.and_(number, below))
    zero = k.integer(0)
    return k.pure(("aligned", rest), (rest,), lambda: k.e.icmp("eq", rest, zero))
