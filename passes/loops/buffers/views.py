"""Other shapes of one buffer's memory: casts and contiguous reshapes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from xdsl.builder import Builder
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.ir import SSAValue

from weft.passes.loops.buffers.types import Buffer, memref_of
from weft.passes.loops.lists import Size, dynamic, static_list
from weft.passes.loops.reify import Reifier


def view_as(builder: Builder, buffer: SSAValue, type_: Buffer) -> SSAValue:
    """A contiguous buffer as another type: of compatible sizes, or static with the same number of elements."""
    if memref_of(buffer) == type_:
        return buffer
    if _compatible(memref_of(buffer).get_shape(), type_.get_shape()):
        return builder.insert(memref.CastOp.get(buffer, type_)).dest
    return reshape(builder, buffer, type_, list(type_.get_shape()))


def _compatible(have: Sequence[int], want: Sequence[int]) -> bool:
    """Whether sizes are the same as far as both are static."""
    return len(have) == len(want) and all(a == b or DYNAMIC_INDEX in (a, b) for a, b in zip(have, want, strict=True))


def reshape(builder: Builder, buffer: SSAValue, type_: Buffer, sizes: Sequence[Size]) -> SSAValue:
    """A contiguous buffer with other sizes, as `type_`, in row-major order; nothing is copied."""
    strides = row_major(builder, sizes)
    known = [size if isinstance(size, int) else DYNAMIC_INDEX for size in sizes]
    op = memref.ReinterpretCastOp(
        buffer,
        [],
        dynamic(sizes),
        dynamic(strides),
        static_list([0]),
        static_list(sizes),
        static_list(strides),
        MemRefType(type_.element_type, known),
    )
    return view_as(builder, builder.insert(op).result, type_)


def row_major(builder: Builder, sizes: Sequence[Size]) -> list[Size]:
    """The strides of a contiguous buffer."""
    arithmetic = Reifier(builder)

    def times(stride: Size, size: Size) -> Size:
        return arithmetic.fold(arith.MuliOp, [stride, size], 1)

    return list(accumulate(reversed(sizes[1:]), times, initial=1))[::-1] if sizes else []
