"""`loop-rfactor`: partial results of a reduction, combined at the end."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AllocOp, ForOp, IfOp, LoadOp, ReduceOp, StoreOp, loop_of, neutral
from weft.dialects.loop.nest import enclosing, loops_around
from weft.dialects.loop.schedule import Rfactor
from weft.passes.loops.dependence import accesses, determined, inner_counters
from weft.passes.loops.kernels import (
    Refuse,
    erase,
    find,
    find_buffer,
    insert,
    label,
    most_iterations,
    need_new_buffer,
    need_new_label,
    need_no_lanes,
)
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.nests import Nest, copy_loops


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
    Loops between the two that move the place, as `ir` in `over (jo) { ir { ji` that reduces into `m[%ir]`, become
    dimensions of the partial results, and loops of the new nests: `mp.0.ir`, `mp.out.ir`.

    **Needs** one access of the buffer in the outer loop, a reduction under no condition; its place follows from
    the loops inside that move it, and neither of the two loops is one of them; constant greatest bounds.

    **Leaves alone** everything else. The new loops take the marks of those that they copy.
    """

    name = "loop-rfactor"

    def transform(self, kernel: FuncOp) -> None:
        """Split the reduction."""
        outer, parts = find(kernel, self.loop), find(kernel, self.lanes)
        need_no_lanes(outer)
        need_new_buffer(kernel, self.partial)
        need_new_label(kernel, f"{self.partial}.0", f"{self.partial}.out")
        access, moved = _reduction(self, kernel, outer, parts)
        element, kind = access.memref.element_type, access.kind.data
        shape = [most_iterations(loop) for loop in (*moved, parts)]
        fills = copy_loops(kernel, moved, f"{self.partial}.0", marks=True)
        results = copy_loops(kernel, moved, f"{self.partial}.out", marks=True)
        alloc = AllocOp("reg", self.partial, MemRefType(element, shape))
        start = arith.ConstantOp(neutral(kind, element))
        fill = ForOp(f"{self.partial}.0", shape[-1], parts.mark)
        fill.block.add_op(StoreOp(start.result, alloc.result, [*_counters(fills), fill.counter]))
        combine = ForOp(f"{self.partial}.out", shape[-1], parts.mark)
        load = LoadOp(alloc.result, [*_counters(results), combine.counter])
        free = inner_counters(outer)
        over = [v for v in access.over if v not in free]
        over = [*over, combine.counter] if access.over else []
        place = results.index(access.index())
        combine.block.add_ops([load, access.again(load.result, access.buffer, place, over)])
        insert([alloc, start, *fills.close([fill])], InsertPoint.before(outer), access)
        insert(results.close([combine]), InsertPoint.after(outer), access)
        counters = [*(loop.counter for loop in moved), parts.counter]
        partial = access.again(access.value, alloc.result, counters)
        insert([partial], InsertPoint.before(access), access)
        erase(access)


def _counters(nest: Nest) -> list[SSAValue]:
    return [loop.counter for loop in nest.loops]


def _reduction(step: Rfactor, kernel: FuncOp, outer: ForOp, parts: ForOp) -> tuple[ReduceOp, list[ForOp]]:
    """The one access of the buffer in the loop, and the loops that move it, outermost first.

    Raises :class:`Refuse` where the step is not legal on it.
    """
    found = accesses(outer, find_buffer(kernel, step.buffer))
    if len(found) != 1 or not isinstance(found[0], ReduceOp):
        raise Refuse(f"'{step.buffer}' is not touched by one reduction alone inside '{step.loop}'")
    access = found[0]
    if parts is outer or not outer.is_ancestor(parts) or not parts.is_ancestor(access):
        raise Refuse(f"'{step.lanes}' does not stand between '{step.loop}' and the reduction")
    for loop in enclosing(access):
        if isinstance(loop, IfOp):
            raise Refuse("the reduction stands under a condition")
        if loop is outer:
            break
    inside = [loop for loop in loops_around(access) if loop is outer or outer.is_ancestor(loop)]
    indexed = {v for form in access.index() for v in form.values}
    moved = [loop for loop in reversed(inside) if loop.counter in indexed]
    known = determined(access, inner_counters(outer))
    if any(loop in (outer, parts) or loop.counter not in known for loop in moved):
        raise Refuse(f"the place that is reduced into moves inside '{step.loop}' by more than loops of its own")
    for loop in moved:
        _check_bound(loop, outer, moved)
    for loop in inside:
        if access.over and loop not in moved and loop.counter not in access.over and loop.trip() != 1:
            raise Refuse(f"the reduction starts anew in each iteration of '{label(loop)}'")
    return access, moved


def _check_bound(loop: ForOp, outer: ForOp, moved: list[ForOp]) -> None:
    """The bound of a loop is known outside of `outer`. Raises :class:`Refuse` where it is not."""
    for value in loop.counters:
        other = loop_of(value)
        if other is not None and other not in moved and (other is outer or outer.is_ancestor(other)):
            raise Refuse(f"the bound of '{label(loop)}' needs '{label(other)}' outside of it")
