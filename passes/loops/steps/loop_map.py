"""`loop-map`: marks a loop whose iterations are units of a GPU."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import MarkAttr
from weft.dialects.loop.schedule import Map
from weft.passes.loops.dependence import carried
from weft.passes.loops.kernels import Refuse, need_no_lanes
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked

UNITS = ("block", "warp", "thread")


@dataclass(frozen=True)
class LoopMap(Map, StepPass):
    """Mark every loop of that label: `map i to block`, `map j to thread 1`.

    **Before**
    ```mlir
    loop.for "i" %i to 64 {
      loop.store %v, %Y[%i] : memref<64xf32>
    }
    ```
    **After**
    ```mlir
    loop.for "i" %i to 64 block {
      loop.store %v, %Y[%i] : memref<64xf32>
    }
    ```
    **Needs** iterations that do not touch a place that another one writes.

    **Leaves alone** everything but the mark.
    """

    name = "loop-map"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        if self.unit not in UNITS:
            raise Refuse(f"'{self.unit}' is no unit; known are {', '.join(UNITS)}")
        if not 0 <= self.axis <= 2:
            raise Refuse("an axis is 0, 1 or 2")
        found = marked(kernel, self.loop)
        for loop in found:
            need_no_lanes(loop)
            if (why := carried(loop)) is not None:
                raise Refuse(why)
        for loop in found:
            loop.mark = MarkAttr.of(self.unit, self.axis)
