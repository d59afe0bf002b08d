"""`loop-vectorize`: marks a loop whose iterations the lowering runs as lanes of vectors."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import AllocOp, ForOp, IfOp, MarkAttr
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Vectorize
from weft.passes.loops.dependence import carried
from weft.passes.loops.kernels import Refuse, label
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked


@dataclass(frozen=True)
class LoopVectorize(Vectorize, StepPass):
    """Mark every loop of that label, ragged copies too: `vectorize jr 16`.

    **Before**
    ```mlir
    loop.for "jr" %jr to 32 {
      %b = loop.load %B[%k, %jr] : memref<8x32xf32>
    }
    ```
    **After**
    ```mlir
    loop.for "jr" %jr to 32 vector(16) {
      %b = loop.load %B[%k, %jr] : memref<8x32xf32>
    }
    ```
    **Needs** a constant among the bounds; iterations that do not depend on each other, reductions of one place
    by all of them aside (lanes are combined); only unrolled loops inside, and no vector loop around.

    **Leaves alone** everything but the mark.
    """

    name = "loop-vectorize"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        found = marked(kernel, self.loop)
        if self.lanes < 2:
            raise Refuse("a vector has at least 2 lanes")
        for loop in found:
            if (why := against_lanes(loop)) is not None:
                raise Refuse(why)
        for loop in found:
            loop.mark = MarkAttr.of("vector", self.lanes)


def against_lanes(loop: ForOp) -> str | None:
    """Why the iterations of a loop cannot be lanes; None where they can."""
    if loop.greatest_trip() is None:
        return f"no bound of '{label(loop)}' is constant; tile it first"
    if any(outer.kind() == "vector" for outer in loops_around(loop)):
        return f"'{label(loop)}' stands in a vector loop"
    for op in loop.body.walk():
        if isinstance(op, ForOp) and op.kind() != "unroll":
            return f"'{label(loop)}' holds the loop '{label(op)}', which is not unrolled"
        if isinstance(op, ForOp | IfOp) and loop.counter in op.counters:
            return f"the counter of '{label(loop)}' decides control flow inside it"
        if isinstance(op, AllocOp):
            return f"'{label(loop)}' holds the buffer '{op.buffer_name.data}'"
    return carried(loop, lanes=True)
