"""`loop-unroll`: marks a loop whose body the lowering repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import ForOp, MarkAttr
from weft.dialects.loop.marks import MARKS
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Unroll
from weft.passes.loops.kernels import Refuse
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked

MOST_COPIES = 4096
"""How many copies of one op the steps let the lowering make: more take it minutes, and no machine runs them well."""


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
    **Needs** a constant among the bounds, to unroll wholly; no more than 4096 copies of anything, all loops around it
    taken together.

    **Leaves alone** everything but the mark.
    """

    name = "loop-unroll"
    KEEPS_ORDER = True

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        least, greatest, _ = MARKS["unroll"]
        if not least <= self.factor <= greatest:
            raise Refuse(f"a factor is from {least} to {greatest}; 0 is all iterations")
        found = marked(kernel, self.loop)
        for loop in found:
            if not self.factor and loop.greatest_trip() is None:
                raise Refuse(f"no bound of '{loop.label.data}' is constant; tile it first")
            around = math.prod(_copies(outer) for outer in loops_around(loop))
            copies = around * _times(loop, self.factor) * _most(loop)
            if copies > MOST_COPIES:
                raise Refuse(f"'{loop.label.data}' would make {copies} copies of a body; {MOST_COPIES} are the most")
        for loop in found:
            loop.mark = MarkAttr.of("unroll", self.factor)


def _copies(loop: ForOp) -> int:
    """How often the lowering repeats the body of a loop."""
    return _times(loop, loop.number()) if loop.kind() == "unroll" else 1


def _times(loop: ForOp, factor: int) -> int:
    """How often the body of a loop stands there, unrolled by a factor."""
    trip = loop.greatest_trip()
    return max(1, min(n for n in (factor or None, trip) if n is not None))


def _most(loop: ForOp) -> int:
    """How often the lowering repeats what it repeats most, in one copy of a loop's body."""
    inner = [op for op in loop.body.walk() if isinstance(op, ForOp)]
    chains = ((one, *(outer for outer in loops_around(one) if outer in inner)) for one in inner)
    return max((math.prod(map(_copies, chain)) for chain in chains), default=1)
