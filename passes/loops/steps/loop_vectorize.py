"""`loop-vectorize`: marks a loop whose iterations the lowering runs as lanes of vectors."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import MarkAttr
from weft.dialects.loop.schedule import Vectorize
from weft.passes.loops.kernels import Refuse
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import against_lanes, marked


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
    **Needs** iterations that do not depend on each other, reductions of one place by all of them aside (lanes are
    combined); only unrolled loops inside, and no vector loop around; a constant among the bounds where the counter
    indexes a buffer in `reg`.

    **Leaves alone** everything but the mark.
    """

    name = "loop-vectorize"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        found = marked(kernel, self.loop)
        if self.lanes < 2:
            raise Refuse("a vector has at least 2 lanes")
        for loop in found:
            if (why := against_lanes(loop, self.lanes)) is not None:
                raise Refuse(why)
        for loop in found:
            loop.mark = MarkAttr.of("vector", self.lanes)
