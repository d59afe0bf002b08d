"""`loop-prefetch`: asks early for the places that an iteration will write."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AccessOp, AllocOp, ComputedOp, ForOp, Linear, PrefetchOp, WriteOp, linear
from weft.dialects.loop.nest import enclosing
from weft.dialects.loop.schedule import Prefetch
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import Refuse, find, find_buffer, insert, need_no_lanes
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.nests import copy_loops


@dataclass(frozen=True)
class LoopPrefetch(Prefetch, StepPass):
    """At the start of each iteration, ask for what it will write to a buffer, or read of one that it only reads:
    `prefetch C at ip`. With a number, for what the iteration so many later touches: `prefetch B at k 32`. With another
    one, into the second or third cache only: `prefetch x at j 64 2`.

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
    **Needs** an access in the loop of memory outside of it. Conditions inside are not asked, and neither is the end of
    the buffer: the hint is without effect.

    **Leaves alone** what the kernel computes.
    """

    name = "loop-prefetch"

    def transform(self, kernel: FuncOp) -> None:
        """Put the hints in."""
        loop = find(kernel, self.loop)
        need_no_lanes(loop)
        if self.ahead < 0:
            raise Refuse("a hint is for this iteration or a later one")
        if self.level not in ((1, 2, 3) if self.ahead else (1,)):
            raise Refuse("a hint is for cache 1, 2 or 3, that for this iteration is for the first one")
        buffer = find_buffer(kernel, self.buffer)
        touching = accesses(loop, buffer)
        access = next((op for op in touching if isinstance(op, WriteOp)), touching[0] if touching else None)
        if access is None:
            raise Refuse(f"'{self.buffer}' is not touched inside '{self.loop}'")
        alloc = buffer.owner
        if isinstance(alloc, AllocOp) and (loop.is_ancestor(alloc) or alloc.space.data == "reg"):
            raise Refuse(f"'{self.buffer}' is no memory outside of '{self.loop}'")
        if isinstance(access, ComputedOp):
            does = "writes" if isinstance(access, WriteOp) else "reads"
            raise Refuse(f"only the body of '{self.loop}' knows where it {does} '{self.buffer}'")
        nest = copy_loops(kernel, _needed(loop, access), f"{self.buffer}.pre", marks=True)
        later: dict[SSAValue, Linear] = {loop.counter: linear(loop.counter) + self.ahead}
        hint = PrefetchOp(buffer, [form.substitute(later) for form in nest.index(access.index())], self.level)
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
