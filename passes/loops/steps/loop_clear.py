"""`loop-clear`: a buffer of each iteration becomes one for all of them, and holds zeros at first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from xdsl.dialects import arith
from xdsl.dialects.func import FuncOp
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AllocOp, ForOp, MarkAttr, StoreOp, neutral
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.schedule import Clear
from weft.passes.loops.kernels import Refuse, find, find_buffer, insert, need_new_label, need_no_lanes
from weft.passes.loops.steps.base import StepPass

MOST_THREADS = 256


@dataclass(frozen=True)
class LoopClear(Clear, StepPass):
    """Fill a staged buffer with zeros before a loop: `clear As at kb`.

    **Before**
    ```mlir
    loop.for "kb" %kb to 8 {
      %As = loop.alloc shared "As" : memref<16x4xf32>
    }
    ```
    **After**
    ```mlir
    %As = loop.alloc shared "As" : memref<16x4xf32>
    loop.for "As.zero0" %0 to 16 thread { loop.for "As.zero1" %1 to 4 thread {
      loop.store %zero, %As[%0, %1] : memref<16x4xf32>
    } }
    loop.for "kb" %kb to 8 {
    }
    ```
    What a ragged tile does not fill then holds zeros, where a tile that runs whole (`pad`) reads it. In `shared` the
    threads of the block fill it together.

    **Needs** a buffer that is allocated in the body of the loop itself, in `shared`, `stack` or `reg`.

    **Leaves alone** the loop: that an iteration finds what the last one left is no matter, for it counts on nothing.
    """

    name = "loop-clear"

    def transform(self, kernel: FuncOp) -> None:
        """Move the buffer and fill it."""
        loop = find(kernel, self.loop)
        need_no_lanes(loop)
        alloc = find_buffer(kernel, self.buffer).owner
        if not isinstance(alloc, AllocOp) or alloc.parent is not loop.block or alloc.space.data == "heap":
            raise Refuse(f"'{self.buffer}' is not allocated in the body of '{self.loop}', in shared, stack or reg")
        type_ = memref_of(alloc.result)
        shape = type_.get_shape()
        names = [f"{self.buffer}.zero{axis}" for axis in range(len(shape))]
        need_new_label(kernel, *names)
        alloc.detach()
        loops: list[ForOp] = []
        threads = 1
        for name, size in reversed(list(zip(names, shape, strict=True))):
            together = alloc.space.data == "shared" and threads * size <= MOST_THREADS
            threads = threads * size if together else MOST_THREADS + 1
            loops.insert(0, ForOp(name, size, MarkAttr.of("thread") if together else None))
        zero = arith.ConstantOp(neutral("add", type_.element_type))
        store = StoreOp(zero.result, alloc.result, [each.counter for each in loops])
        for outer, inner in pairwise(loops):
            outer.block.add_op(inner)
        if loops:
            loops[-1].block.add_op(store)
        insert([alloc, zero, *(loops[:1] or [store])], InsertPoint.before(loop), loop)
