"""`loop-parallelize`: marks a loop whose iterations run on several threads."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import MarkAttr
from weft.dialects.loop.schedule import Parallelize
from weft.passes.loops.dependence import carried
from weft.passes.loops.kernels import Refuse, need_no_lanes
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked


@dataclass(frozen=True)
class LoopParallelize(Parallelize, StepPass):
    """Mark every loop of that label, ragged copies too: `parallelize i`.

    **Before**
    ```mlir
    loop.for "i" %i to 64 {
      loop.store %v, %Y[%i] : memref<64xf32>
    }
    ```
    **After**
    ```mlir
    loop.for "i" %i to 64 parallel {
      loop.store %v, %Y[%i] : memref<64xf32>
    }
    ```
    **Needs** iterations that do not touch a place that another one writes; buffers allocated inside are each
    iteration's own.

    **Leaves alone** everything but the mark.
    """

    name = "loop-parallelize"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        found = marked(kernel, self.loop)
        for loop in found:
            need_no_lanes(loop)
            if (why := carried(loop)) is not None:
                raise Refuse(why)
        for loop in found:
            loop.mark = MarkAttr.of("parallel")
