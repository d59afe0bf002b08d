"""How long the buffers of a function live."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import FixedBitwidthType, IndexType, NoneAttr
from xdsl.ir import Attribute, Operation

from weft.dialects.walking import inside
from weft.passes.loops.buffers.types import Buffer, memref_of

VECTOR_BYTES = 64
"""Buffers start at multiples of this, and have as much room after them: a vector may read past the end."""


@dataclass(frozen=True, eq=False)
class Lifetime:
    """A buffer from its allocation to its deallocation, as positions in the function, ends included.

    `bytes` is its size in memory with padding, None where only the run knows.
    """

    alloc: memref.AllocOp
    dealloc: memref.DeallocOp
    first: int
    last: int
    bytes: int | None

    @property
    def type(self) -> Buffer:
        """The type of the buffer."""
        return memref_of(self.alloc.memref)


def overlap(a: Lifetime, b: Lifetime) -> bool:
    """Whether two buffers ever live at once, so that they must not share memory."""
    return a.first <= b.last and b.first <= a.last


def lifetimes(function: func.FuncOp) -> list[Lifetime]:
    """The buffers of a function that a plan may place, in program order.

    These are allocated and freed in one block, by one `memref.alloc` and one `memref.dealloc`: what happens between
    the two, in loops and branches too, is the lifetime. Buffers in a `scf.parallel` are one for each iteration.
    """
    order = {op: number for number, op in enumerate(inside(function))}
    found: list[Lifetime] = []
    for op in order:
        if isinstance(op, memref.AllocOp) and (end := _freed(op)) is not None and order[op] < order[end]:
            found.append(Lifetime(op, end, order[op], order[end], static_bytes(op)))
    return found


def _freed(alloc: memref.AllocOp) -> memref.DeallocOp | None:
    """The op that frees a buffer, if the buffer can be placed."""
    ends = [use.operation for use in alloc.memref.uses if isinstance(use.operation, memref.DeallocOp)]
    if len(ends) != 1 or ends[0].parent is not alloc.parent:
        return None
    type_ = memref_of(alloc.memref)
    plain = isinstance(type_.layout, NoneAttr) and isinstance(type_.memory_space, NoneAttr)
    aligned = alloc.alignment is None or VECTOR_BYTES % alloc.alignment.value.data == 0
    if not plain or not aligned or alloc.symbol_operands or element_bytes(type_.element_type) is None:
        return None
    return None if _in_parallel(alloc) else ends[0]


def _in_parallel(op: Operation) -> bool:
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, func.FuncOp):
        if isinstance(parent, scf.ParallelOp):
            return True
        parent = parent.parent_op()
    return False


def element_bytes(element: Attribute) -> int | None:
    """The bytes of one element in memory (one for `i1`), None for a type without a known size."""
    if isinstance(element, IndexType):
        return 8
    return (element.bitwidth + 7) // 8 if isinstance(element, FixedBitwidthType) else None


def static_bytes(alloc: memref.AllocOp) -> int | None:
    """The size of a buffer with padding, None where only the run knows."""
    type_ = memref_of(alloc.memref)
    if not type_.has_static_shape():
        return None
    return padded(prod(type_.get_shape()) * cast(int, element_bytes(type_.element_type)))


def padded(size: int) -> int:
    """A size with a vector of room after it, as a multiple of a vector."""
    return -(-size // VECTOR_BYTES) * VECTOR_BYTES + VECTOR_BYTES
