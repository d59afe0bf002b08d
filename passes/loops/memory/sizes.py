"""Sizes of buffers in bytes, computed at run time without overflow.

What a program asks for may be absurd: sizes below 0 count as 0 (a check says so later), and a sum or product that
is too large stays at :data:`LIMIT`, which no allocation grants.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import cast

from xdsl.dialects import arith, memref
from xdsl.ir import SSAValue

from weft.passes.loops.buffers.types import memref_of
from weft.passes.loops.lists import Size
from weft.passes.loops.memory.lifetimes import VECTOR_BYTES, element_bytes, padded
from weft.passes.loops.reify import NotHere, Reifier
from weft.passes.rewriting import LocatedBuilder

LIMIT = 2**60
"""More bytes than any machine has; sums of two still fit 64 bits."""


def at_entry(builder: LocatedBuilder, arguments: Sequence[SSAValue], alloc: memref.AllocOp) -> list[Size] | None:
    """The run-time sizes of a buffer, computed anew from the function's arguments; None where they depend on more."""
    same = dict(zip(arguments, arguments, strict=True))
    sizes = Reifier(builder, caller=(Reifier(builder), same))
    try:
        return [sizes.index(size) for size in alloc.dynamic_sizes]
    except NotHere:
        return None


def bytes_of(builder: LocatedBuilder, alloc: memref.AllocOp, sizes: Sequence[Size]) -> Size:
    """The size of a buffer with padding, from its run-time sizes."""
    type_ = memref_of(alloc.memref)
    known = cast(int, element_bytes(type_.element_type))
    for size in type_.get_shape():
        known *= size if size >= 0 else 1
    count: Size = min(known, LIMIT)
    for size in sizes:
        count = _times(builder, count, _not_negative(builder, size))
    if isinstance(count, int):
        return padded(count)
    numbers = Reifier(builder)
    room = numbers.fold(arith.AddiOp, [count, 2 * VECTOR_BYTES - 1], 0)
    mask = builder.insert(arith.AndIOp(numbers.value(room), numbers.value(-VECTOR_BYTES)))
    return mask.result


def greatest(builder: LocatedBuilder, sizes: Sequence[Size]) -> Size:
    """The greatest of some sizes."""
    numbers = Reifier(builder)
    return reduce(lambda a, b: a if a is b else numbers.binary(arith.MaxSIOp, a, b), sizes)


def total(builder: LocatedBuilder, left: Size, right: Size) -> Size:
    """The sum of two sizes, at most the limit."""
    numbers = Reifier(builder)
    both = numbers.fold(arith.AddiOp, [left, right], 0)
    return min(both, LIMIT) if isinstance(both, int) else numbers.binary(arith.MinSIOp, both, LIMIT)


def _not_negative(builder: LocatedBuilder, size: Size) -> Size:
    return max(size, 0) if isinstance(size, int) else Reifier(builder).binary(arith.MaxSIOp, size, 0)


def _times(builder: LocatedBuilder, left: Size, right: Size) -> Size:
    """The product of two sizes that are not negative, at most the limit."""
    if isinstance(left, int) and isinstance(right, int):
        return min(left * right, LIMIT)
    if isinstance(right, int):
        left, right = right, left
    numbers = Reifier(builder)
    if isinstance(left, int):
        if left == 0:
            return 0
        few = numbers.binary(arith.MinSIOp, right, LIMIT // left)
        return numbers.fold(arith.MuliOp, [few, left], 1)
    # a size above the limit must not hide that the other one is 0
    right = numbers.binary(arith.MinSIOp, right, LIMIT)
    divisor = numbers.value(numbers.binary(arith.MaxSIOp, left, 1))
    most = builder.insert(arith.DivSIOp(numbers.value(LIMIT), divisor)).result
    fits = builder.insert(arith.CmpiOp(numbers.value(right), most, "sle")).result
    product = builder.insert(arith.MuliOp(left, numbers.value(right))).result
    return builder.insert(arith.SelectOp(fits, product, numbers.value(LIMIT))).result
