"""Buffers in registers: what must hold of their indices before they can become values."""

from __future__ import annotations

from xdsl.dialects.func import FuncOp

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp, AllocOp, ForOp, loop_of
from weft.dialects.loop.nest import loops_around
from weft.dialects.walking import inside
from weft.passes.loops.kernels import label


def check_registers(kernel: FuncOp) -> None:
    """Every index of a `reg` buffer is made of constants, unrolled counters, one vector counter, and threads of a GPU.

    Raises :class:`WeftError` at the first access where it is not so.
    """
    for op in inside(kernel):
        if not isinstance(op, AccessOp) or not isinstance(alloc := op.target.owner, AllocOp):
            continue
        if alloc.space.data != "reg":
            continue
        for loop in loops_around(op):
            if loop.kind() == "parallel" and not loop.is_ancestor(alloc):
                raise error_at(
                    op,
                    f"the register buffer '{alloc.buffer_name.data}' is shared by the threads of '{label(loop)}'",
                    code=codes.CANNOT_LOWER,
                )
        for value in op.counters:
            loop = loop_of(value)
            if loop is not None and _is_constant(loop):
                continue
            name = f"'{label(loop)}'" if loop is not None else "a run-time size"
            raise error_at(
                op,
                f"the register buffer '{alloc.buffer_name.data}' is indexed by {name},"
                " which is neither unrolled nor a vector of a known number of iterations",
                hint="unroll or vectorize the loop, or stage the buffer in 'stack'",
                code=codes.CANNOT_LOWER,
            )


def _is_constant(loop: ForOp) -> bool:
    """True for a loop whose counter the lowering knows, or whose iterations have registers of their own."""
    unrolled = loop.kind() == "unroll" and not loop.number()
    vector = loop.kind() == "vector" and loop.greatest_trip() is not None
    return loop.kind() in ("warp", "thread", "tensor") or vector or unrolled or loop.trip() in (0, 1)
