"""`loop-prefetch`: asks early for the places that an iteration will write."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AccessOp, AllocOp, ComputedOp, ForOp, PrefetchOp, WriteOp
from weft.dialects.loop.nest import enclosing
from weft.dialects.loop.schedule import Prefetch
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import Refuse, find, find_buffer, insert, need_no_lanes
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.nests import copy_loops


@dataclass(frozen=True)
class LoopPrefetch(Prefetch, StepPass):
    """At the start of each iteration, ask for what it will write to a buffer: `prefetch C at ip`.

    **Before**
    ```mlir
    loop.for "ip" %ip to 8 {
      loop.for "ir" %ir to 12 {
        loop.reduce add %v into %C[12*%ip + %ir] : memref<96xf32>
      }
    }
    ```
    **After**
    ```mlir
    loop.for "ip" %ip to 8 {
      loop.for "C.pre.ir" %r to 12 {
        loop.prefetch %C[12*%ip + %r] : memref<96xf32>
      }
      loop.for "ir" %ir to 12 {
        loop.reduce add %v into %C[12*%ip + %ir] : memref<96xf32>
      }
    }
    ```
    **Needs** a write in the loop to memory outside of it. Conditions inside are not asked: the hint is without effect.

    **Leaves alone** what the kernel computes.
    """

    name = "loop-prefetch"

    def transform(self, kernel: FuncOp) -> None:
        """Put the hints in."""
        loop = find(kernel, self.loop)
        need_no_lanes(loop)
        buffer = find_buffer(kernel, self.buffer)
        written = [op for op in accesses(loop, buffer) if isinstance(op, WriteOp)]
        if not written:
            raise Refuse(f"'{self.buffer}' is not written inside '{self.loop}'")
        alloc = buffer.owner
        if isinstance(alloc, AllocOp) and (loop.is_ancestor(alloc) or alloc.space.data == "reg"):
            raise Refuse(f"'{self.buffer}' is no memory outside of '{self.loop}'")
        access = written[0]
        if isinstance(access, ComputedOp):
            raise Refuse(f"only the body of '{self.loop}' knows where it writes '{self.buffer}'")
        nest = copy_loops(kernel, _needed(loop, access), f"{self.buffer}.pre", marks=True)
        hint = PrefetchOp(buffer, nest.index(access.index()))
        first = loop.block.first_op
        assert first is not None
        insert(nest.close([hint]), InsertPoint.before(first), access)


def _needed(root: Operation, access: AccessOp) -> list[ForOp]:
    """The loops between `root` and an access that its index needs, outermost first."""
    needed = {v for form in access.index() for v in form.values}
    result: list[ForOp] = []
    for outer in enclosing(access):
        if outer is root:
            break
        if isinstance(outer, ForOp) and outer.counter in needed:
            needed |= set(outer.counters)
            result.insert(0, outer)
    return result
