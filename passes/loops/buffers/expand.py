"""Buffers of the iterations of mapped loops: one larger buffer outside, with a dimension for each such loop."""

from __future__ import annotations

from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from weft.dialects.loop import AccessOp, AllocOp, ForOp, IndexOp, Linear, linear, loop_of
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.nest import loops_around
from weft.dialects.walking import inside
from weft.passes.loops.kernels import after_definitions, erase, insert
from weft.passes.loops.ranges import greatest_trip

UNITS = ("grid", "block", "warp", "thread")


def expand_buffers(kernel: FuncOp) -> None:
    """Give each iteration of mapped loops its own part of the heap buffers that stand in them.

    **Before**
    ```mlir
    loop.for "i" %i to 8 grid(256) {
      %u = loop.alloc heap "u" : memref<64xf32>
      loop.store %v, %u[0] : memref<64xf32>
    }
    ```
    **After**
    ```mlir
    %u = loop.alloc heap "u" : memref<8x64xf32>
    loop.for "i" %i to 8 grid(256) {
      loop.store %v, %u[%i, 0] : memref<8x64xf32>
    }
    ```
    """
    for op in inside(kernel):
        if isinstance(op, AllocOp) and op.space.data == "heap":
            around = [loop for loop in loops_around(op) if loop.kind() in UNITS][::-1]
            if around:
                _expand(kernel, op, around)


def _expand(kernel: FuncOp, alloc: AllocOp, around: list[ForOp]) -> None:
    type_ = memref_of(alloc.result)
    trips = [_trip(kernel, loop) for loop in around]
    shape = [trip if isinstance(trip, int) else DYNAMIC_INDEX for trip in trips]
    sizes = [trip for trip in trips if not isinstance(trip, int)]
    outer = AllocOp(
        "heap",
        alloc.buffer_name.data,
        MemRefType(type_.element_type, [*shape, *type_.get_shape()]),
        [*sizes, *alloc.sizes],
    )
    insert([outer], after_definitions(kernel.body.block, outer.sizes), alloc)
    units = [linear(loop.counter) for loop in around]
    for access in [use.operation for use in alloc.result.uses]:
        assert isinstance(access, AccessOp)
        forms = [*units, *access.forms()]
        access.operands[access.FIRST - 1] = outer.result
        access.set_forms(forms)
    erase(alloc)


def _trip(kernel: FuncOp, loop: ForOp) -> int | SSAValue:
    """How many iterations a loop has at most: a number, or a symbol."""
    trip = greatest_trip(loop)
    if trip is not None:
        return trip
    form = next(form for form in loop.forms() if all(loop_of(v) is None for v in form.values))
    if form == linear(form.values[0]):
        return form.values[0]
    return _symbol(kernel, form, loop)


def _symbol(kernel: FuncOp, form: Linear, loop: ForOp) -> SSAValue:
    made = IndexOp(form)
    insert([made], after_definitions(kernel.body.block, form.values), loop)
    return made.result
