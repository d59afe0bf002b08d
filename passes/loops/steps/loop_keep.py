"""`loop-keep`: keeps what the nests of one iteration touch of a buffer where they find it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    PrefetchOp,
    ReduceOp,
    StoreOp,
    WriteOp,
    linear,
    loop_of,
)
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.nest import enclosing, loops_around
from weft.dialects.loop.schedule import Keep
from weft.passes.loops.dependence import accesses, determined, say
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
from weft.passes.loops.steps.marking import TOGETHER
from weft.passes.loops.steps.nests import copy_loops

SPACES = ("reg", "stack", "shared")


@dataclass(frozen=True)
class LoopKeep(Keep, StepPass):
    """Keep the part of a buffer that several nests of one iteration touch: `keep X at i as Xr in reg`.

    **Before**
    ```mlir
    loop.for "i" %i to 64 {
      loop.for "j" %j to 8 {
        %x = loop.load %X[%i, %j] : memref<64x8xf32>
        loop.reduce add %x into %S[%i] over (%j) : memref<64xf32>
      }
      loop.for "k" %k to 8 {
        %s = loop.load %S[%i] : memref<64xf32>
        loop.store %s, %X[%i, %k] : memref<64x8xf32>
      }
    }
    ```
    **After** `keep S at i as Sr in reg`, where `S` is of the kernel alone
    ```mlir
    loop.for "i" %i to 64 {
      %Sr = loop.alloc reg "Sr" : memref<f32>
      loop.for "j" %j to 8 {
        %x = loop.load %X[%i, %j] : memref<64x8xf32>
        loop.reduce add %x into %Sr[] over (%j) : memref<f32>
      }
      loop.for "k" %k to 8 {
        %s = loop.load %Sr[] : memref<f32>
        loop.store %s, %X[%i, %k] : memref<64x8xf32>
      }
    }
    ```
    What is read before it is written is copied in by a nest `Xr.*`, and so is a sum over the loop or over loops outside
    of it, which goes on in each iteration; what is written and seen outside of the loop is copied out by a nest
    `Xr.out.*`.

    **Needs** accesses that go over the same places in the same way, under no condition: equal factors and bounds of
    the loops inside; constant greatest bounds of these. A sum that goes on is of one warp or thread alone.

    **Leaves alone** accesses outside the loop. The nests that copy take the marks of the loops.
    """

    name = "loop-keep"

    def transform(self, kernel: FuncOp) -> None:
        """Keep the part."""
        root = find(kernel, self.loop)
        need_no_lanes(root)
        buffer = find_buffer(kernel, self.buffer)
        need_new_buffer(kernel, self.copy)
        if self.space not in SPACES:
            raise Refuse(f"'{self.space}' is no space to keep something in; known are {', '.join(SPACES)}")
        touching = accesses(root, buffer)
        if not touching:
            raise Refuse(f"'{self.buffer}' is not touched inside '{self.loop}'")
        ways = [_way(self, root, access) for access in touching]
        if any(not ways[0].agrees(way) for way in ways[1:]):
            raise Refuse(f"the accesses of '{self.buffer}' inside '{self.loop}' do not go over it in one way")
        _need_one_unit(root, touching)
        shape = [most_iterations(loop) for loop in ways[0].loops]
        alloc = AllocOp(self.space, self.copy, MemRefType(memref_of(buffer).element_type, shape))
        _Plan(kernel, self, root, touching, ways, alloc).carry_out(seen=_is_seen(kernel, root, buffer))


@dataclass(frozen=True)
class _Way:
    """How an access goes over a buffer: its loops inside the root, and for each dimension the factors of these."""

    outside: tuple[Linear, ...]
    loops: tuple[ForOp, ...]
    factors: tuple[tuple[int, ...], ...]

    def agrees(self, other: _Way) -> bool:
        """Whether both go over the same places, loop for loop."""
        if (self.outside, self.factors, len(self.loops)) != (other.outside, other.factors, len(other.loops)):
            return False
        counters: dict[SSAValue, Linear] = {
            b.counter: linear(a.counter) for a, b in zip(self.loops, other.loops, strict=True)
        }
        return all(
            set(a.forms()) == {form.substitute(counters) for form in b.forms()}
            for a, b in zip(self.loops, other.loops, strict=True)
        )


def _way(step: Keep, root: ForOp, access: AccessOp) -> _Way:
    for outer in enclosing(access):
        if outer is root:
            break
        if isinstance(outer, IfOp):
            raise Refuse(f"'{step.buffer}' is touched under a condition")
    inside = {loop for loop in loops_around(access) if root.is_ancestor(loop) and loop is not root}
    used = [loop for loop in inside if any(form.coefficient(loop.counter) for form in access.index())]
    if not {loop.counter for loop in used} <= determined(access, {loop.counter for loop in inside}):
        raise Refuse(f"'{step.buffer}' is touched in one place by several iterations")
    order = sorted(used, key=lambda loop: _rank(access, loop))
    outside = tuple(
        Linear(tuple((v, c) for v, c in form.terms if loop_of(v) not in inside), form.constant)
        for form in access.index()
    )
    factors = tuple(tuple(form.coefficient(loop.counter) for loop in order) for form in access.index())
    return _Way(outside, tuple(order), factors)


def _rank(access: AccessOp, loop: ForOp) -> tuple[int, int]:
    """Loops of the first dimension first, in a dimension those that move farther."""
    for dim, form in enumerate(access.index()):
        if factor := form.coefficient(loop.counter):
            return dim, -abs(factor)
    return 0, 0


def _goes_on(root: ForOp, access: AccessOp) -> bool:
    """Whether the first access of an iteration may need what the buffer held before it."""
    if isinstance(access, ReduceOp):
        # it starts anew in the first iteration of all loops of `over` only: inside of one iteration, or before it
        return not access.over or any(not _is_inside(root, counter) for counter in access.over)
    if isinstance(access, StoreOp):
        standing = [loop for loop in loops_around(access) if _is_inside(root, loop.counter)]
        standing = [loop for loop in standing if not any(form.coefficient(loop.counter) for form in access.index())]
        return any(not loop.trip() for loop in standing)
    return True


def _is_inside(root: ForOp, counter: SSAValue) -> bool:
    loop = loop_of(counter)
    return loop is not None and loop is not root and root.is_ancestor(loop)


def _need_one_unit(root: ForOp, touching: Sequence[AccessOp]) -> None:
    """Raises :class:`Refuse` where several warps or threads combine into one place what each would copy."""
    for loop in (root, *loops_around(root)):
        for access in touching:
            moved = any(form.coefficient(loop.counter) for form in access.index())
            if loop.kind() in TOGETHER and isinstance(access, ReduceOp) and not moved and _goes_on(root, access):
                raise Refuse(f"iterations of '{label(loop)}' reduce into one place of {say(access.target)} together")


def _is_seen(kernel: FuncOp, root: ForOp, buffer: SSAValue) -> bool:
    """Whether anything outside of the loop sees what is in a buffer."""
    if not isinstance(buffer.owner, AllocOp):
        return True
    return any(not root.is_ancestor(use.operation) for use in buffer.uses if not isinstance(use.operation, PrefetchOp))


@dataclass(frozen=True)
class _Plan:
    """A keeping that is legal."""

    kernel: FuncOp
    step: Keep
    root: ForOp
    touching: Sequence[AccessOp]
    ways: Sequence[_Way]
    alloc: AllocOp

    def carry_out(self, *, seen: bool) -> None:
        """Copy in what is read first, keep what is written, copy out what is seen."""
        source, way = self.touching[0], self.ways[0]
        source_alloc = source.target.owner
        first = _goes_on(self.root, source)
        written = any(isinstance(access, WriteOp) for access in self.touching)
        index = source.index()

        def load(at: list[Linear], place: list[Linear]) -> list[Operation]:
            value = LoadOp(source.target, at)
            return [value, StoreOp(value.result, self.alloc.result, place)]

        def store(at: list[Linear], place: list[Linear]) -> list[Operation]:
            value = LoadOp(self.alloc.result, place)
            return [value, StoreOp(value.result, source.target, at)]

        before = [self.alloc, *(self._nest(self.step.copy, way, index, load) if first else [])]
        after = self._nest(f"{self.step.copy}.out", way, index, store) if written and seen else []
        insert(before, InsertPoint.before(self._child(self.touching[0])), source)
        insert(after, InsertPoint.after(self._child(self.touching[-1])), self.touching[-1])
        for access, its in zip(self.touching, self.ways, strict=True):
            access.operands[access.FIRST - 1] = self.alloc.result
            access.set_forms([linear(loop.counter) for loop in its.loops])
        if isinstance(source_alloc, AllocOp) and not source_alloc.result.uses:
            erase(source_alloc)

    def _nest(
        self,
        prefix: str,
        way: _Way,
        index: Sequence[Linear],
        make: Callable[[list[Linear], list[Linear]], list[Operation]],
    ) -> list[Operation]:
        inside = [loop for loop in reversed(list(loops_around(self.touching[0]))) if loop in way.loops]
        nest = copy_loops(self.kernel, inside, prefix, marks=True)
        place = nest.index([linear(loop.counter) for loop in way.loops])
        return nest.close(make(nest.index(index), place))

    def _child(self, access: Operation) -> Operation:
        """The op of the loop's own body that holds an access."""
        child = access
        while (parent := child.parent_op()) is not None and parent is not self.root:
            child = parent
        return child
