"""`loop-tile`: a loop becomes a loop over tiles and a loop in a tile."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import ForOp, Linear, linear, loop_of
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Tile
from weft.passes.loops.kernels import (
    Refuse,
    find,
    insert,
    make_symbol,
    need_new_label,
    need_no_lanes,
    replace_counter,
    set_label,
)
from weft.passes.loops.ranges import tidy
from weft.passes.loops.steps.base import StepPass

OUTER_MARKS = ("parallel", "grid", "block", "warp", "thread")


@dataclass(frozen=True)
class LoopTile(Tile, StepPass):
    """Tile a loop: `tile i 12 into (ip, ir)`.

    **Before**
    ```mlir
    loop.for "i" %i to 1000 {
      %a = loop.load %A[%i] : memref<1000xf32>
    }
    ```
    **After**
    ```mlir
    loop.for "ip" %ip to 84 {
      loop.for "ir" %ir to min(12, 1000 - 12*%ip) {
        %a = loop.load %A[12*%ip + %ir] : memref<1000xf32>
      }
    }
    ```
    **Needs** a size that divides the factors of the loop's own bound: tile inside out, the register tile first,
    then the loop over its tiles. A bound by a run-time size makes the symbol `ceildiv(n, 12)`.

    **Leaves alone** the order of iterations. A mark goes to the outer loop (parallel, grid, block, warp, thread) or
    the inner one (unroll, vector).
    """

    name = "loop-tile"
    KEEPS_ORDER = True

    def transform(self, kernel: FuncOp) -> None:
        """Tile the loop."""
        loop = find(kernel, self.loop)
        if self.size < 1:
            raise Refuse("the size of a tile is at least 1")
        need_new_label(kernel, *(name for name in (self.outer, self.inner) if name != self.loop))
        if self.outer == self.inner:
            raise Refuse("the two loops need two labels")
        for outer in loops_around(loop):
            need_no_lanes(outer)
        trip = loop.trip()
        size = self.size if trip is None else max(1, min(self.size, trip))
        bounds = loop.forms()
        for bound in bounds:
            if any(c % size for v, c in bound.terms if loop_of(v) is not None):
                raise Refuse(f"the bound of '{self.loop}' moves by steps that {size} does not divide")
        _tile(kernel, loop, size, self.outer, self.inner)


def _tile(kernel: FuncOp, loop: ForOp, size: int, outer_label: str, inner_label: str) -> None:
    bounds = loop.forms()
    outer = ForOp(outer_label, [_tiles(kernel, bound, size, loop) for bound in bounds])
    if loop.mark is not None and loop.kind() in OUTER_MARKS:
        outer.mark, loop.mark = loop.mark, None
    insert([outer], InsertPoint.before(loop), loop)
    loop.detach()
    outer.block.add_op(loop)
    set_label(loop, inner_label)
    replace_counter(loop, Linear(((outer.counter, size), (loop.counter, 1))))
    loop.set_forms([linear(size), *(bound - linear(outer.counter) * size for bound in bounds)])
    tidy(loop)
    tidy(outer)


def _tiles(kernel: FuncOp, bound: Linear, size: int, origin: ForOp) -> Linear:
    """`ceildiv(bound, size)`: the counters divide, the symbols become one new symbol where they do not."""
    if all(factor % size == 0 for _, factor in bound.terms):
        return Linear(tuple((v, c // size) for v, c in bound.terms), -(-bound.constant // size))
    counters = tuple((v, c // size) for v, c in bound.terms if loop_of(v) is not None)
    symbols = Linear(tuple(t for t in bound.terms if loop_of(t[0]) is None), bound.constant)
    return Linear(counters) + make_symbol(kernel, symbols, size, up=True, origin=origin)
