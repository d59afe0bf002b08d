"""`loop-map`: marks a loop whose iterations are units of a GPU."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import ForOp, MarkAttr
from weft.dialects.loop.marks import MARKS
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Map
from weft.passes.loops.dependence import carried
from weft.passes.loops.kernels import Refuse, label, need_no_lanes
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import TOGETHER, marked

UNITS = ("grid", "block", "warp", "thread", "host")
GRID_BLOCK = 256
"""How many threads a block of a `grid` has where the step does not say."""


@dataclass(frozen=True)
class LoopMap(Map, StepPass):
    """Mark every loop of that label: `map i to block`, `map j to thread 1`, `map i to grid 256`.

    The number is the axis; of `grid`, whose iterations are threads of all blocks, it is the threads of a block.
    Several loops on one axis share it, the innermost fastest. `map t to host` leaves the iterations in their order:
    each launches the kernels that stand in it.

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
    **Needs** iterations that do not touch a place that another one writes. Warps and threads may reduce into one
    place. Around a loop of the host, loops of the host alone.

    **Leaves alone** everything but the mark.
    """

    name = "loop-map"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        if self.unit not in UNITS:
            raise Refuse(f"'{self.unit}' is no unit; known are {', '.join(UNITS)}")
        number = self.axis or GRID_BLOCK if self.unit == "grid" else self.axis
        least, greatest, _ = MARKS[self.unit]
        if not least <= number <= greatest:
            what = "a block has 1 to 1024 threads" if self.unit == "grid" else "an axis is 0, 1 or 2"
            raise Refuse(what)
        found = marked(kernel, self.loop)
        for loop in found:
            need_no_lanes(loop)
            if (why := against_unit(loop, self.unit)) is not None:
                raise Refuse(why)
        for loop in found:
            loop.mark = MarkAttr.of(self.unit, number)


def against_unit(loop: ForOp, unit: str) -> str | None:
    """Why the iterations of a loop cannot be units of that kind; None where they can."""
    if unit == "host":
        outer = next((o for o in loops_around(loop) if o is not loop and o.kind() != "host"), None)
        return f"'{label(loop)}' stands in the loop '{label(outer)}', which launches nothing" if outer else None
    return carried(loop, lanes=unit in TOGETHER)
