"""`loop-pipeline`: marks a loop whose copies to shared memory run some iterations ahead."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import MarkAttr
from weft.dialects.loop.marks import MARKS
from weft.dialects.loop.schedule import Pipeline
from weft.passes.loops.kernels import Refuse, find, need_no_lanes
from weft.passes.loops.pipelining import ahead
from weft.passes.loops.steps.base import StepPass


@dataclass(frozen=True)
class LoopPipeline(Pipeline, StepPass):
    """Mark a loop as a pipeline: `pipeline kb 3`. What fills the buffers in `shared` of an iteration is begun two
    iterations ahead, by asynchronous copies, and each buffer is there three times.

    **Before**
    ```mlir
    loop.for "kb" %kb to 64 {
      %As = loop.alloc shared "As" : memref<128x32xf16>
      loop.for "As.0" %0 to 128 { loop.for "As.1" %1 to 32 {
        %v = loop.load %A[%0, 32*%kb + %1] : memref<128x2048xf16>
        loop.store %v, %As[%0, %1] : memref<128x32xf16>
      } }
      loop.for "i" %i to 128 {
        %a = loop.load %As[%i, 0] : memref<128x32xf16>
      }
    }
    ```
    **After**
    ```mlir
    loop.for "kb" %kb to 64 pipeline(3) {
      %As = loop.alloc shared "As" : memref<128x32xf16>
    }
    ```
    **Needs** a body that first fills its buffers in `shared`, with what the loop does not write, and then uses them.
    Asynchronous copies are of 4, 8 or 16 bytes that lie at a multiple of that, on a chip from sm_80; all others are
    ordinary loads and stores, ahead as well.

    **Leaves alone** everything but the mark.
    """

    name = "loop-pipeline"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loop."""
        least, greatest, _ = MARKS["pipeline"]
        if not least <= self.stages <= greatest:
            raise Refuse(f"a pipeline has {least} to {greatest} stages")
        loop = find(kernel, self.loop)
        need_no_lanes(loop)
        ahead(loop)
        loop.mark = MarkAttr.of("pipeline", self.stages)
