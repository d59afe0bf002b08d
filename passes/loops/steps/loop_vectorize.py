"""`loop-vectorize`: marks a loop whose iterations the lowering runs as lanes of vectors."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import ForOp, IfOp, Linear, MarkAttr, linear
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
    indexes a buffer in `reg`; conditions inside that hold for all lanes of a vector or for none.

    **Leaves alone** everything but the mark, and the counter in such conditions, which goes.
    """

    name = "loop-vectorize"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        found = marked(kernel, self.loop)
        if self.lanes < 2:
            raise Refuse("a vector has at least 2 lanes")
        shared = [(op, form) for loop in found for op, form in _shared_conditions(loop, self.lanes)]
        before = [op.condition() for op, _ in shared]
        for op, form in shared:
            op.set_forms([form])
        for loop in found:
            if (why := against_lanes(loop, self.lanes)) is not None:
                for (op, _), form in zip(shared, before, strict=True):
                    op.set_forms([form])
                raise Refuse(why)
        for loop in found:
            loop.mark = MarkAttr.of("vector", self.lanes)


def _shared_conditions(loop: ForOp, lanes: int) -> list[tuple[IfOp, Linear]]:
    """The conditions in a loop of one vector that all lanes decide alike, without its counter: `c - v >= 0` where `c`
    is always one less than a multiple of the lanes."""
    if loop.trip() != lanes:
        return []
    found: list[tuple[IfOp, Linear]] = []
    for op in loop.body.walk():
        if not isinstance(op, IfOp) or op.condition().coefficient(loop.counter) != -1:
            continue
        rest = op.condition().without(loop.counter)
        if not any(factor % lanes for factor in (rest.constant + 1, *(factor for _, factor in rest.terms))):
            found.append((op, rest - linear(lanes - 1)))
    return found
