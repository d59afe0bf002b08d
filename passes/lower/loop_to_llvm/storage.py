"""`loop.alloc` and `loop.private`: where the buffers of a kernel are."""

from __future__ import annotations

from math import prod
from typing import cast

from xdsl.ir import Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AllocOp, PrivateOp
from weft.dialects.loop.buffers import memref_of
from weft.passes.lower.loop_to_llvm import registers
from weft.passes.lower.loop_to_llvm.buffers import bind, contiguous
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.places import Stride
from weft.passes.lower.types import byte_size, memory_type

_ALIGNMENT = 64
_STACK_LIMIT = 1 << 18
"""The most bytes that one buffer may take from a stack, which is a thread's."""

_HINTS = {
    "heap": "run 'hoist-buffers' first: it makes an argument of each heap buffer",
    "shared": "lower the kernel for a GPU, or stage the buffer in 'stack' or 'heap'",
    "fragment": "lower the kernel for a GPU, or stage the buffer in 'reg'",
}


def lower_alloc(k: Lowering, op: Operation) -> None:
    """`loop.alloc`. Raises :class:`WeftError` for a space that a kernel on a CPU does not have."""
    op = cast(AllocOp, op)
    space, name = op.space.data, op.buffer_name.data
    if space == "reg":
        registers.declare(k, op)
        return
    if space != "stack":
        raise error_at(
            op,
            f"the buffer '{name}' is in '{space}', which is not lowered here",
            _HINTS[space],
            code=codes.CANNOT_LOWER,
        )
    if k.analysis.vector_loop(op) is not None:
        raise error_at(
            op,
            f"the stack buffer '{name}' stands in a vector loop: each lane would need its own",
            "stage it in 'reg', or outside the vector loop",
            code=codes.CANNOT_LOWER,
        )
    type_ = memref_of(op.result)
    count = prod(type_.get_shape())
    size = count * byte_size(type_.element_type)
    if size > _STACK_LIMIT:
        raise error_at(
            op,
            f"the stack buffer '{name}' takes {size} bytes; a stack has room for {_STACK_LIMIT}",
            "stage it in 'heap'",
            code=codes.CANNOT_LOWER,
        )
    pointer = k.e.alloca(max(count, 1), memory_type(type_.element_type), _ALIGNMENT)
    sizes: list[Stride] = list(type_.get_shape())
    bind(k, op.result, pointer, sizes, contiguous(k, sizes))
    k.scope.forget(frozenset({k.analysis.root(op.result)}))


def lower_private(k: Lowering, op: Operation) -> None:
    """`loop.private`: the slice of the worker that runs this, the first one outside parallel loops."""
    op = cast(PrivateOp, op)
    source = k.buffers[op.source]
    worker = k.integer(0) if k.worker is None else k.worker
    offset = k.times(worker, source.strides[0])
    element = memory_type(source.element)
    pointer = k.pure(
        ("gep", source.pointer, offset),
        (source.pointer, offset),
        lambda: k.e.gep(source.pointer, offset, element),
    )
    bind(k, op.result, pointer, list(source.sizes[1:]), list(source.strides[1:]))
