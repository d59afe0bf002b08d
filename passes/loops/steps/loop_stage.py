"""`loop-stage`: keeps what one iteration touches of a buffer in a buffer of its own.

One step is packing, register accumulators, GPU shared memory and transposes in registers: they differ in the
loop, the space and the layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import (
    AccessOp,
    AllocOp,
    ForOp,
    IfOp,
    Linear,
    LoadOp,
    ReduceOp,
    StoreOp,
    linear,
    loop_of,
    neutral,
)
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.nest import enclosing, loops_around
from weft.dialects.loop.schedule import Stage
from weft.passes.loops.dependence import accesses, one_map
from weft.passes.loops.kernels import (
    Refuse,
    erase,
    find,
    find_buffer,
    insert,
    label,
    most_iterations,
    need_new_buffer,
    need_no_lanes,
)
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.nests import copy_loops

Make: TypeAlias = Callable[[list[Linear], list[Linear]], list[Operation]]

# memory that mapped units outside the loop see together is filled for all of them
SHARED_BY = {"reg": (), "stack": (), "heap": (), "shared": ("warp", "thread")}


@dataclass(frozen=True)
class LoopStage(Stage, StepPass):
    """Stage a buffer that is read, `stage B at kc as Bp in heap (jp, k, jr)`, or reduced into, `stage C at ip
    as Cr in reg`. The layout names the loops whose counters become its dimensions, slowest first; without it,
    they keep the order in which the loops stand.

    **Before**
    ```mlir
    loop.for "ip" %ip to 8 {
      loop.for "k" %k to 512 { loop.for "ir" %ir to 12 {
        loop.reduce add %p into %C[12*%ip + %ir] over (%k) : memref<96xf32>
      } }
    }
    ```
    **After**
    ```mlir
    loop.for "ip" %ip to 8 {
      %Cr = loop.alloc reg "Cr" : memref<12xf32>
      loop.for "Cr.0.ir" %0 to 12 { loop.store %zero, %Cr[%0] : memref<12xf32> }
      loop.for "k" %k to 512 { loop.for "ir" %ir to 12 {
        loop.reduce add %p into %Cr[%ir] : memref<12xf32>
      } }
      loop.for "Cr.out.ir" %1 to 12 {
        %v = loop.load %Cr[%1] : memref<12xf32>
        loop.store %v, %C[12*%ip + %1] : memref<96xf32>
      }
    }
    ```
    A buffer that is read gets a copy-in nest `Bp.*` instead. Where the reduction also runs over loops outside,
    only their first iteration stores and the others reduce, told apart by `loop.if`.

    **Needs** one index map for all accesses inside the loop, all of them reads or all of them reductions, under
    no condition; constant greatest bounds of the loops inside.

    **Leaves alone** accesses outside the loop. Copies in `reg` take the marks of the loops, and range over threads of a
    GPU that do not move what they read: each fills registers of its own.
    """

    name = "loop-stage"

    def transform(self, kernel: FuncOp) -> None:
        """Stage the buffer."""
        root = find(kernel, self.loop)
        need_no_lanes(root)
        buffer = find_buffer(kernel, self.buffer)
        need_new_buffer(kernel, self.copy)
        if self.space not in SHARED_BY:
            raise Refuse(f"'{self.space}' is no space to stage in; known are {', '.join(SHARED_BY)}")
        touching = accesses(root, buffer)
        _check(self, root, touching)
        staged = _inner(root, touching[0], SHARED_BY[self.space])
        order = _layout(self, staged)
        shape = [most_iterations(loop) for loop in order]
        alloc = AllocOp(self.space, self.copy, MemRefType(memref_of(buffer).element_type, shape))
        plan = _Plan(kernel, self, root, touching, staged, order, alloc)
        if isinstance(touching[0], ReduceOp):
            plan.accumulate()
        else:
            plan.copy_in()


def _check(step: Stage, root: ForOp, touching: Sequence[AccessOp]) -> None:
    """The accesses are of one kind and one map, under no condition. Raises :class:`Refuse`."""
    if not touching:
        raise Refuse(f"'{step.buffer}' is not touched inside '{step.loop}'")
    first = touching[0]
    if not one_map(touching):
        raise Refuse(f"the accesses of '{step.buffer}' inside '{step.loop}' have different indices")
    if not (all(isinstance(a, LoadOp) for a in touching) or all(isinstance(a, ReduceOp) for a in touching)):
        raise Refuse(f"'{step.buffer}' is neither only read nor only reduced into inside '{step.loop}'")
    for access in touching:
        for outer in enclosing(access):
            if outer is root:
                break
            if isinstance(outer, IfOp):
                raise Refuse(f"'{step.buffer}' is touched under a condition; stage before partitioning")
    if isinstance(first, ReduceOp):
        _check_reduction(step, root, touching)


def _check_reduction(step: Stage, root: ForOp, touching: Sequence[AccessOp]) -> None:
    """Every loop inside is one of the index or reduced over, so that nothing starts anew in between."""
    overs: list[tuple[SSAValue, ...]] = []
    for access in touching:
        assert isinstance(access, ReduceOp)
        overs.append(tuple(access.over))
        indexed = {v for form in access.index() for v in form.values} | set(access.over)
        for loop in loops_around(access):
            if loop is root:
                break
            if access.over and loop.counter not in indexed and loop.trip() != 1:
                raise Refuse(f"the reduction starts anew in each iteration of '{label(loop)}'")
    outside = {tuple(v for v in over if not _inside(root, v)) for over in overs}
    if len(outside) > 1 or (len(touching) > 1 and any(overs)):
        raise Refuse(f"'{step.buffer}' is reduced into in several places")


def _inside(root: ForOp, value: SSAValue) -> bool:
    """True for the counter of a loop inside `root`."""
    loop = loop_of(value)
    return loop is not None and loop is not root and root.is_ancestor(loop)


def _inner(root: ForOp, access: AccessOp, units: Sequence[str]) -> list[ForOp]:
    """The loops that the staged part ranges over, outermost first."""
    indexed = {v for form in access.index() for v in form.values}
    found = [
        loop
        for loop in loops_around(access)
        if loop.counter in indexed and (_inside(root, loop.counter) or loop.kind() in units)
    ]
    return found[::-1]


def _layout(step: Stage, staged: Sequence[ForOp]) -> list[ForOp]:
    """The staged loops in the order of the layout; a loop may be named by the last word of its label."""
    if not step.layout:
        return list(staged)
    order: list[ForOp] = []
    for name in step.layout:
        matching = [loop for loop in staged if name in (label(loop), label(loop).split(".")[-1])]
        if len(matching) != 1 or matching[0] in order:
            break
        order.append(matching[0])
    if len(order) != len(staged) or len(step.layout) != len(staged):
        names = ", ".join(label(loop) for loop in staged)
        raise Refuse(f"the layout of '{step.copy}' should be an order of ({names})")
    return order


def _fits(order: Sequence[ForOp]) -> bool:
    """Whether each bound in a nest of that order sees the counters that it needs."""
    return not any(
        deeper.counter in loop.counters for position, loop in enumerate(order) for deeper in order[position + 1 :]
    )


@dataclass(frozen=True)
class _Plan:
    """A staging that is legal: what is staged, over which loops, into what."""

    kernel: FuncOp
    step: Stage
    root: ForOp
    touching: Sequence[AccessOp]
    staged: Sequence[ForOp]
    order: Sequence[ForOp]
    alloc: AllocOp

    def copy_in(self) -> None:
        """Fill the copy before the loop's body, and read it instead."""
        source = self.touching[0]

        def copy(index: list[Linear], place: list[Linear]) -> list[Operation]:
            load = LoadOp(source.target, index)
            return [load, StoreOp(load.result, self.alloc.result, place)]

        nest = self._nest(self.step.copy, copy, self._with_threads(self.order if _fits(self.order) else self.staged))
        self._surround([self.alloc, *nest], [])
        for access in self.touching:
            assert isinstance(access, LoadOp)
            load = LoadOp(self.alloc.result, self._place())
            load.result.name_hint = access.result.name_hint
            insert([load], InsertPoint.before(access), access)
            access.result.replace_all_uses_with(load.result)
            erase(access)

    def accumulate(self) -> None:
        """Fill with the neutral value, reduce into the copy, and store or reduce it into the buffer after."""
        source = self.touching[0]
        assert isinstance(source, ReduceOp)
        kind = source.kind.data
        start = arith.ConstantOp(neutral(kind, source.memref.element_type))

        def fill(index: list[Linear], place: list[Linear]) -> list[Operation]:
            return [StoreOp(start.result, self.alloc.result, place)]

        def store(index: list[Linear], place: list[Linear]) -> list[Operation]:
            load = LoadOp(self.alloc.result, place)
            return [load, StoreOp(load.result, source.target, index)]

        def reduce(index: list[Linear], place: list[Linear]) -> list[Operation]:
            load = LoadOp(self.alloc.result, place)
            return [load, source.again(load.result, source.target, index)]

        before = [self.alloc, start, *self._nest(f"{self.step.copy}.0", fill, self.staged)]
        self._surround(before, self._results(source, store, reduce))
        for access in self.touching:
            assert isinstance(access, ReduceOp)
            into = access.again(access.value, self.alloc.result, self._place())
            insert([into], InsertPoint.before(access), access)
            erase(access)

    def _results(self, source: ReduceOp, store: Make, reduce: Make) -> list[Operation]:
        """What brings the copy to the buffer: a store, a reduction, or by iteration one of both."""
        name = f"{self.step.copy}.out"
        outside = [v for v in source.over if not _inside(self.root, v)]
        outside = [v for v in outside if (loop := loop_of(v)) is None or loop.trip() != 1]
        if not source.over:
            return self._nest(name, reduce, self.staged)
        if not outside:
            return self._nest(name, store, self.staged)
        first = Linear(tuple((v, -1) for v in outside))
        again = self._nest(f"{self.step.copy}.add", reduce, self.staged)
        return [IfOp(first, self._nest(name, store, self.staged), again)]

    def _place(self) -> list[Linear]:
        return [linear(loop.counter) for loop in self.order]

    def _with_threads(self, order: Sequence[ForOp]) -> list[ForOp]:
        """The loops of a copy, and with registers, which each thread has of its own, those over all threads that read
        it: these keep their order, for it says which thread is which."""
        inside = [loop for loop in loops_around(self.touching[0]) if self.root.is_ancestor(loop)][::-1]
        threads = [loop for loop in inside if loop is not self.root and loop.kind() in SHARED_BY["shared"]]
        if self.step.space != "reg" or all(loop in order for loop in threads):
            return list(order)
        first = next((at for at, loop in enumerate(order) if loop in threads), 0)
        return [
            *order[:first],
            *threads,
            *(loop for loop in order[first:] if loop not in threads),
        ]

    def _nest(self, prefix: str, make: Make, order: Sequence[ForOp]) -> list[Operation]:
        """A nest over the staged part, with what `make` makes of an index of the buffer and of the copy."""
        marks = self.step.space == "reg"
        loops = [loop for loop in loops_around(self.touching[0]) if loop in order][::-1]
        nest = copy_loops(self.kernel, loops, prefix, marks=marks, order=order)
        return nest.close(make(nest.index(self.touching[0].index()), nest.index(self._place())))

    def _surround(self, before: Sequence[Operation], after: Sequence[Operation]) -> None:
        """Put ops before and after everything in the loop that touches the buffer."""
        children = [self._child(access) for access in self.touching]
        insert(before, InsertPoint.before(children[0]), self.touching[0])
        insert(after, InsertPoint.after(children[-1]), self.touching[-1])

    def _child(self, access: Operation) -> Operation:
        """The op of the loop's own body that holds an access."""
        child = access
        while (parent := child.parent_op()) is not None and parent is not self.root:
            child = parent
        return child
