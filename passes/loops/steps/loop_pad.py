"""`loop-pad`: a ragged tile runs whole where what it does too much touches only its own buffers."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import (
    AccessOp,
    AllocOp,
    ForOp,
    IfOp,
    IndexOp,
    Linear,
    PrefetchOp,
    ReadOp,
    ReduceOp,
    StoreOp,
    WriteOp,
)
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Pad
from weft.passes.loops.dependence import say
from weft.passes.loops.kernels import Refuse, label, need_no_lanes
from weft.passes.loops.ranges import greatest, least
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked
from weft.passes.loops.steps.zeros import adds_zeros


@dataclass(frozen=True)
class LoopPad(Pad, StepPass):
    """Drop the bounds of a loop that are not constant: `pad ir`.

    **Before**
    ```mlir
    loop.for "ib" %ib to 3 {
      %s = loop.alloc reg "s" : memref<8xf32>
      loop.for "ir" %ir to min(8, 20 - 8*%ib) unroll {
        %0 = loop.load %s[%ir] : memref<8xf32>
        %1 = arith.addf %0, %0 : f32
        loop.store %1, %s[%ir] : memref<8xf32>
      }
    }
    ```
    **After**
    ```mlir
    loop.for "ib" %ib to 3 {
      %s = loop.alloc reg "s" : memref<8xf32>
      loop.for "ir" %ir to 8 unroll {
        %0 = loop.load %s[%ir] : memref<8xf32>
        %1 = arith.addf %0, %0 : f32
        loop.store %1, %s[%ir] : memref<8xf32>
      }
    }
    ```
    **Needs** that the iterations which come to it touch only places of their own in buffers of the kernel, inside of
    these, or nothing: an access of anything else stands in a loop that then runs no iteration. Nothing is reduced over
    the loop, but for sums of products whose factors are then both the zeros that `stage_tile` fills a ragged tile with.
    The values that the new iterations compute are not defined, and nobody looks at them.

    **Leaves alone** loops whose bounds are all constant.
    """

    name = "loop-pad"

    def transform(self, kernel: FuncOp) -> None:
        """Drop the bounds."""
        for loop in marked(kernel, self.loop):
            need_no_lanes_outside(loop)
            _pad(loop)


def need_no_lanes_outside(loop: ForOp) -> None:
    """Raises :class:`Refuse` where a loop stands in a vector loop."""
    for outer in loops_around(loop):
        need_no_lanes(outer)


def _pad(loop: ForOp) -> None:
    forms = loop.forms()
    kept = [form for form in forms if form.is_constant]
    dropped = [form for form in forms if not form.is_constant]
    if not dropped:
        return
    if not kept:
        raise Refuse(f"no bound of '{label(loop)}' is constant; tile it first")
    loop.set_forms(kept)
    try:
        for op in loop.body.walk():
            _check(loop, op, dropped)
    except Refuse:
        loop.set_forms(forms)
        raise


def _check(loop: ForOp, op: Operation, dropped: list[Linear]) -> None:
    """Whether an op may run, or does not, where the loop goes beyond its old bounds. Raises :class:`Refuse`."""
    if isinstance(op, IfOp | IndexOp) and loop.counter in op.counters:
        raise Refuse(f"the counter of '{label(loop)}' is used for more than places")
    if isinstance(op, ReduceOp) and loop.counter in op.over:
        raise Refuse(f"{say(op.buffer)} is reduced over '{label(loop)}'")
    if not isinstance(op, AccessOp) or isinstance(op, PrefetchOp):
        return
    if all(_stops(loop, op, bound) for bound in dropped):
        return
    if isinstance(op, ReduceOp) and all(adds_zeros(loop, op, bound) for bound in dropped):
        return
    if loop.counter not in op.counters and isinstance(op, ReadOp):
        return  # a place that the other iterations read too is inside
    owner = op.target.owner
    if not isinstance(owner, AllocOp) or owner.space.data == "heap":
        raise Refuse(f"'{label(loop)}' would reach beyond {say(op.target)}")
    if loop.counter not in op.counters and isinstance(op, StoreOp) and owner.space.data == "shared":
        return  # what all threads fill together holds the same, whoever takes part
    if not loop.is_ancestor(owner) and isinstance(op, WriteOp) and not _own(loop.counter, op):
        raise Refuse(f"'{label(loop)}' would write places of {say(op.target)} that are not its own")
    for form, size in zip(op.index(), op.memref.get_shape(), strict=True):
        low, high = least(form), greatest(form)
        if low is None or high is None or low < 0 or high >= size:
            raise Refuse(f"'{label(loop)}' may reach beyond {say(op.target)}")


def _own(counter: SSAValue, op: AccessOp) -> bool:
    return any(form.coefficient(counter) for form in op.index())


def _stops(loop: ForOp, op: AccessOp, bound: Linear) -> bool:
    """Whether a loop around the access runs no iteration where the counter has reached the bound."""
    for inner in loops_around(op):
        if inner is loop:
            return False
        for form in inner.forms():
            if form.coefficient(loop.counter) < 0:
                top = greatest(form.substitute({loop.counter: bound}))
                if top is not None and top <= 0:
                    return True
    return False
