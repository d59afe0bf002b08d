"""`loop-pad`: a ragged tile runs whole where what it does too much touches only its own buffers."""

from __future__ import annotations

from collections.abc import Sequence
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
    has_computed,
    linear,
)
from weft.dialects.loop.nest import enclosing, loops_around
from weft.dialects.loop.schedule import Pad
from weft.passes.loops.dependence import determined, say
from weft.passes.loops.distances import inner_counters
from weft.passes.loops.kernels import Refuse, label, need_no_lanes
from weft.passes.loops.ranges import greatest, least
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import TOGETHER, marked
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
    **Needs** that the iterations which come to it touch only places in buffers of the kernel, inside of these, that are
    their own among the iterations of the loop and of the loops outside; or nothing: an access of anything else stands
    in a loop that then runs no iteration, or reads what all iterations read, of which there is one for sure. Nothing is
    reduced over the loop, but for sums of products whose factors are then both the zeros that `stage_tile` fills a
    ragged tile with. The values that the new iterations compute are not defined, and nobody looks at them.

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
    runs = all((low := least(bound)) is not None and low >= 1 for bound in dropped)
    bounds = [inner for inner in loops_around(op) if loop.is_ancestor(inner)]  # the loop itself among them
    moved = any(loop.counter in inner.counters for inner in (op, *bounds))
    if runs and not moved and isinstance(op, ReadOp):
        return  # a place that the other iterations, of which there is one, read too is inside
    owner = op.target.owner
    if not isinstance(owner, AllocOp) or owner.space.data == "heap":
        raise Refuse(f"'{label(loop)}' would reach beyond {say(op.target)}")
    if loop.counter not in op.counters and isinstance(op, StoreOp) and owner.space.data == "shared":
        return  # what all threads fill together holds the same, whoever takes part
    if not loop.is_ancestor(owner) and isinstance(op, WriteOp):
        if not _own(loop, op, owner, dropped):
            raise Refuse(f"'{label(loop)}' would write places of {say(op.target)} that are not its own")
        if _left(loop, op, owner, dropped):
            raise Refuse(f"'{label(loop)}' would write over what another nest leaves in {say(op.target)}")
    for form, size in zip(op.index(), op.memref.get_shape(), strict=True):
        low, high = least(form), greatest(form)
        if low is None or high is None or low < 0 or high >= size:
            raise Refuse(f"'{label(loop)}' may reach beyond {say(op.target)}")


def _own(loop: ForOp, op: AccessOp, owner: AllocOp, dropped: Sequence[Linear]) -> bool:
    """Whether the places that a write comes to are of no other iteration of the loop, and of none of the loops outside
    that the buffer outlives, where these move the place or the bounds. What threads hold in registers is their own."""
    outside = [outer for outer in loops_around(loop) if not outer.is_ancestor(owner)]
    if owner.space.data == "reg":
        outside = [outer for outer in outside if outer.kind() not in TOGETHER]
    outside = [outer for outer in outside if not _starts_anew(outer, loop, owner, dropped)]
    forms = (*op.index(), *dropped)
    moving = {outer.counter for outer in outside if any(form.coefficient(outer.counter) for form in forms)}
    return {loop.counter, *moving} <= determined(op, moving | inner_counters(loop))


def _starts_anew(outer: ForOp, loop: ForOp, owner: AllocOp, dropped: Sequence[Linear]) -> bool:
    """Whether all that reads a buffer finds what the same iteration of a loop stored before, by a nest of its own."""
    touching = _touching(owner)
    stores = [each for each in touching if isinstance(each, StoreOp) and outer.is_ancestor(each)]
    reads = [each for each in touching if not isinstance(each, StoreOp)]
    return all(
        outer.is_ancestor(read) and any(_covers(outer, store, read, loop, dropped) for store in stores)
        for read in reads
    )


def _covers(outer: ForOp, store: AccessOp, read: AccessOp, loop: ForOp, dropped: Sequence[Linear]) -> bool:
    """Whether a nest in a body stores, before a read in that body, wherever this reads; `loop` had more bounds."""
    same = _counterparts(read, store)
    nest = [each for each in enclosing(store) if outer.is_ancestor(each) and each is not outer]
    body = list(outer.block.ops)
    before, after = ([op for op, at in enumerate(body) if at.is_ancestor(each)] for each in (store, read))
    if same is None or before >= after:
        return False
    bounds: dict[SSAValue, set[Linear]] = {
        each.counter: {*each.forms(), *(dropped if each is loop else ())} for each in loops_around(read)
    }
    return all(
        isinstance(each, ForOp)
        and each.counter in same
        and {form.substitute(same) for form in each.forms()} <= bounds.get(same[each.counter].values[0], set())
        for each in nest
    )


def _left(loop: ForOp, op: AccessOp, owner: AllocOp, dropped: Sequence[Linear]) -> bool:
    """Whether an access may find in the places that a write comes to what another one left there."""
    others = [each for each in _touching(owner) if not loop.is_ancestor(each) or each.index() != op.index()]
    if not any(isinstance(other, WriteOp) for other in others):
        return False
    reads = [other for other in others if not isinstance(other, StoreOp)]
    return not all(_keeps_off(loop, op, other, bound) for other in reads for bound in dropped)


def _keeps_off(loop: ForOp, op: AccessOp, other: AccessOp, bound: Linear) -> bool:
    """Whether another access has the bound that the loop had, for the counter that stands for the loop's in its
    index: then it is never where the loop comes to."""
    same = _counterparts(op, other)
    if same is None:
        return False
    standing = [outer for outer in loops_around(other) if same.get(outer.counter) == linear(loop.counter)]
    return any(bound in [form.substitute(same) for form in outer.forms()] for outer in standing)


def _counterparts(one: AccessOp, other: AccessOp) -> dict[SSAValue, Linear] | None:
    """The counters in the index of an access, each with the one in the index of another that has its value where
    both touch one place; None where that is not plain."""
    same: dict[SSAValue, Linear] = {}
    for ours, theirs in zip(one.index(), other.index(), strict=True):
        mine = [term for term in ours.terms if term not in theirs.terms]
        its = [term for term in theirs.terms if term not in ours.terms]
        plain = not has_computed(theirs) and ours.constant == theirs.constant and len(mine) <= 1
        if not plain or [factor for _, factor in mine] != [factor for _, factor in its]:
            return None
        same |= {their: linear(our) for (our, _), (their, _) in zip(mine, its, strict=True)}
    return same


def _touching(owner: AllocOp) -> list[AccessOp]:
    users = (use.operation for use in owner.result.uses)
    return [user for user in users if isinstance(user, AccessOp) and not isinstance(user, PrefetchOp)]


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
