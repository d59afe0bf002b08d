"""`loop-partials`: each iteration of an outermost loop leaves its own result in memory, and a nest combines them."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AllocOp, ForOp, IfOp, IndexOp, Linear, LoadOp, ReduceOp, linear, loop_of
from weft.dialects.loop.nest import enclosing, loops_around
from weft.dialects.loop.schedule import Partials
from weft.passes.loops.dependence import accesses, determined, inner_counters
from weft.passes.loops.kernels import (
    Refuse,
    after_definitions,
    erase,
    find,
    find_buffer,
    insert,
    label,
    need_new_buffer,
    need_new_label,
    need_no_lanes,
)
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.nests import copy_loops


@dataclass(frozen=True)
class LoopPartials(Partials, StepPass):
    """Reduce in two stages: `partials s over b as sp`.

    **Before**
    ```mlir
    loop.for "b" %b to 16 { loop.for "r" %r to 64 {
      loop.reduce add %x into %s[] over (%b, %r) : memref<f32>
    } }
    ```
    **After**
    ```mlir
    %sp = loop.alloc heap "sp" : memref<16xf32>
    loop.for "b" %b to 16 { loop.for "r" %r to 64 {
      loop.reduce add %x into %sp[%b] over (%r) : memref<16xf32>
    } }
    loop.for "sp.out" %1 to 16 {
      %p = loop.load %sp[%1] : memref<16xf32>
      loop.reduce add %p into %s[] over (%1) : memref<f32>
    }
    ```
    Loops inside that move the place become dimensions of the partial results and loops of the new nest. The
    iterations of the loop no longer touch one place: they can be threads, or blocks of a GPU.

    **Needs** a loop at the top of the kernel, or under conditions there, with one bound; one access of the buffer in
    it, a reduction over that loop and others under no condition of its own.

    **Leaves alone** everything else.
    """

    name = "loop-partials"

    def transform(self, kernel: FuncOp) -> None:
        """Split the reduction."""
        outer = find(kernel, self.loop)
        need_no_lanes(outer)
        need_new_buffer(kernel, self.partial)
        need_new_label(kernel, f"{self.partial}.out")
        if len(outer.forms()) != 1 or any(loop_of(v) is not None for v in outer.counters):
            raise Refuse(f"'{self.loop}' does not have one bound that is known outside")
        around = list(enclosing(outer))
        if any(not isinstance(op, IfOp) or any(loop_of(v) is not None for v in op.condition().values) for op in around):
            raise Refuse(f"'{self.loop}' does not stand by itself, nor under conditions of symbols")
        access, moved = _reduction(self, kernel, outer)
        (bound,) = outer.forms()
        sizes: list[SSAValue] = []
        shape: list[int] = []
        for form in (bound, *(_extent(loop) for loop in moved)):
            shape.append(max(form.constant, 0) if form.is_constant else DYNAMIC_INDEX)
            sizes += [] if form.is_constant else [_symbol(kernel, form)]
        alloc = AllocOp("heap", self.partial, MemRefType(access.memref.element_type, shape), sizes)
        results = copy_loops(kernel, moved, f"{self.partial}.out", marks=False)
        combine = ForOp(f"{self.partial}.out", bound)
        load = LoadOp(alloc.result, [combine.counter, *(loop.counter for loop in results.loops)])
        place = results.index(access.index())
        combine.block.add_ops([load, access.again(load.result, access.buffer, place, [combine.counter])])
        insert([alloc], InsertPoint.before(around[-1] if around else outer), access)
        insert(results.close([combine]), InsertPoint.after(outer), access)
        rest = [value for value in access.over if value is not outer.counter]
        counters = [outer.counter, *(loop.counter for loop in moved)]
        insert(
            [access.again(access.value, alloc.result, counters, rest)],
            InsertPoint.before(access),
            access,
        )
        erase(access)


def _reduction(step: Partials, kernel: FuncOp, outer: ForOp) -> tuple[ReduceOp, list[ForOp]]:
    """The one access of the buffer in the loop, and the loops that move it. Raises :class:`Refuse` otherwise."""
    found = accesses(outer, find_buffer(kernel, step.buffer))
    if len(found) != 1 or not isinstance(found[0], ReduceOp):
        raise Refuse(f"'{step.buffer}' is not touched by one reduction alone inside '{step.loop}'")
    access = found[0]
    if outer.counter not in access.over or len(access.over) < 2:
        raise Refuse(f"'{step.buffer}' is not reduced over '{step.loop}' and another loop")
    if any(isinstance(op, IfOp) and outer.is_ancestor(op) for op in enclosing(access)):
        raise Refuse("the reduction stands under a condition")
    indexed = {v for form in access.index() for v in form.values}
    moved = [loop for loop in reversed(list(loops_around(access))) if loop.counter in indexed]
    if not {loop.counter for loop in moved} <= determined(access, inner_counters(outer)):
        raise Refuse("the place that is reduced into moves by more than loops of its own")
    return access, moved


def _extent(loop: ForOp) -> Linear:
    """A bound of a loop that no counter moves. Raises :class:`Refuse` where it has others too, or none."""
    forms = loop.forms()
    if len(forms) != 1 or any(loop_of(v) is not None for v in forms[0].values):
        raise Refuse(f"'{label(loop)}' does not have one bound that is known outside")
    return forms[0]


def _symbol(kernel: FuncOp, form: Linear) -> SSAValue:
    """A form of symbols as one symbol."""
    if form == linear(form.values[0]):
        return form.values[0]
    made = IndexOp(form)
    insert([made], after_definitions(kernel.body.block, form.values), kernel)
    return made.result
