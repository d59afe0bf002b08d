"""`loop-rfactor`: partial results of a reduction, combined at the end."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AllocOp, ForOp, IfOp, LoadOp, ReduceOp, StoreOp, neutral
from weft.dialects.loop.nest import enclosing, loops_around
from weft.dialects.loop.schedule import Rfactor
from weft.passes.loops.dependence import accesses, inner_counters
from weft.passes.loops.kernels import (
    Refuse,
    erase,
    find,
    find_buffer,
    insert,
    label,
    need_new_buffer,
    need_new_label,
    need_no_lanes,
)
from weft.passes.loops.ranges import greatest_trip
from weft.passes.loops.steps.base import StepPass


@dataclass(frozen=True)
class LoopRfactor(Rfactor, StepPass):
    """Keep a partial result per iteration of an inner loop: `rfactor m as mp over jo parts ji`.

    **Before**
    ```mlir
    loop.for "jo" %jo to 16 { loop.for "ji" %ji to 64 {
      loop.reduce max %x into %m[%i] over (%jo, %ji) : memref<8xf32>
    } }
    ```
    **After**
    ```mlir
    %mp = loop.alloc reg "mp" : memref<64xf32>
    loop.for "mp.0" %0 to 64 { loop.store %lowest, %mp[%0] : memref<64xf32> }
    loop.for "jo" %jo to 16 { loop.for "ji" %ji to 64 {
      loop.reduce max %x into %mp[%ji] : memref<64xf32>
    } }
    loop.for "mp.out" %1 to 64 {
      %p = loop.load %mp[%1] : memref<64xf32>
      loop.reduce max %p into %m[%i] over (%1) : memref<8xf32>
    }
    ```
    **Needs** one access of the buffer in the outer loop, a reduction whose index no loop inside moves, under no
    condition; a constant greatest bound of the inner loop.

    **Leaves alone** everything else. The new loops take the mark of the inner loop.
    """

    name = "loop-rfactor"

    def transform(self, kernel: FuncOp) -> None:
        """Split the reduction."""
        outer, parts = find(kernel, self.loop), find(kernel, self.lanes)
        need_no_lanes(outer)
        need_new_buffer(kernel, self.partial)
        need_new_label(kernel, f"{self.partial}.0", f"{self.partial}.out")
        access = _reduction(self, kernel, outer, parts)
        size = greatest_trip(parts)
        if size is None:
            raise Refuse(f"the bound of '{label(parts)}' is not known to be constant; tile it first")
        element = access.memref.element_type
        kind = access.kind.data
        alloc = AllocOp("reg", self.partial, MemRefType(element, [size]))
        start = arith.ConstantOp(neutral(kind, element))
        fill = ForOp(f"{self.partial}.0", size, parts.mark)
        fill.block.add_op(StoreOp(start.result, alloc.result, [fill.counter]))
        combine = ForOp(f"{self.partial}.out", size, parts.mark)
        load = LoadOp(alloc.result, [combine.counter])
        free = inner_counters(outer)
        over = [v for v in access.over if v not in free]
        over = [*over, combine.counter] if access.over else []
        combine.block.add_ops([load, ReduceOp(kind, load.result, access.buffer, access.index(), over)])
        insert([alloc, start, fill], InsertPoint.before(outer), access)
        insert([combine], InsertPoint.after(outer), access)
        partial = ReduceOp(kind, access.value, alloc.result, [parts.counter])
        insert([partial], InsertPoint.before(access), access)
        erase(access)


def _reduction(step: Rfactor, kernel: FuncOp, outer: ForOp, parts: ForOp) -> ReduceOp:
    """The one access of the buffer in the loop. Raises :class:`Refuse` where the step is not legal on it."""
    found = accesses(outer, find_buffer(kernel, step.buffer))
    if len(found) != 1 or not isinstance(found[0], ReduceOp):
        raise Refuse(f"'{step.buffer}' is not touched by one reduction alone inside '{step.loop}'")
    access = found[0]
    if parts is outer or not outer.is_ancestor(parts) or not parts.is_ancestor(access):
        raise Refuse(f"'{step.lanes}' does not stand between '{step.loop}' and the reduction")
    free = inner_counters(outer)
    for loop in enclosing(access):
        if isinstance(loop, IfOp):
            raise Refuse("the reduction stands under a condition")
        if loop is outer:
            break
    if any(v in free for form in access.index() for v in form.values):
        raise Refuse(f"the place that is reduced into moves inside '{step.loop}'")
    for loop in loops_around(access):
        if access.over and loop.counter in free and loop.counter not in access.over and loop.trip() != 1:
            raise Refuse(f"the reduction starts anew in each iteration of '{label(loop)}'")
    return access
