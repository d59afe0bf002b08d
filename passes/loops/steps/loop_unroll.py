"""`loop-unroll`: marks a loop whose body the lowering repeats."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import MarkAttr
from weft.dialects.loop.schedule import Unroll
from weft.passes.loops.kernels import Refuse
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked


@dataclass(frozen=True)
class LoopUnroll(Unroll, StepPass):
    """Mark every loop of that label, ragged copies too: `unroll ir` wholly, `unroll k 4` by four.

    **Before**
    ```mlir
    loop.for "ir" %ir to 12 {
    }
    ```
    **After**
    ```mlir
    loop.for "ir" %ir to 12 unroll {
    }
    ```
    **Needs** a constant among the bounds, to unroll wholly.

    **Leaves alone** everything but the mark.
    """

    name = "loop-unroll"
    KEEPS_ORDER = True

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        if self.factor < 0:
            raise Refuse("a factor is at least 0")
        for loop in marked(kernel, self.loop):
            if not self.factor and loop.greatest_trip() is None:
                raise Refuse(f"no bound of '{loop.label.data}' is constant; tile it first")
            loop.mark = MarkAttr.of("unroll", self.factor)
