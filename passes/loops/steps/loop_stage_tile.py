"""`loop-stage-tile`: keeps the tile that one iteration reads of a buffer, in the shape that it has there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xdsl.dialects import arith
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import (
    AccessOp,
    AllocOp,
    ForOp,
    IfOp,
    Linear,
    LoadOp,
    StoreOp,
    has_computed,
    linear,
    loop_of,
    neutral,
)
from weft.dialects.loop.buffers import against_swizzle, memref_of
from weft.dialects.loop.nest import enclosing, loops_around
from weft.dialects.loop.schedule import StageTile
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
    need_new_label,
    need_no_lanes,
)
from weft.passes.loops.ranges import least
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.loop_stage import SHARED_BY


@dataclass(frozen=True)
class LoopStageTile(StageTile, StepPass):
    """Stage the tile of a buffer that is read: `stage_tile A at kb as As in shared`, with its pieces of 16 bytes in
    another order against bank conflicts: `stage_tile A at kb as As in shared swizzle 4`.

    The copy has the dimensions of the buffer along which loops inside move, and a loop `As.0`, `As.1`, ... for each.
    What of a ragged tile lies beyond the last iteration is filled with zeros.

    **Before**
    ```mlir
    loop.for "kb" %kb to 3 {
      loop.for "i" %i to 64 { loop.for "ks" %ks to min(2, 5 - 2*%kb) { loop.for "kk" %kk to 8 {
        %0 = loop.load %A[%i, 16*%kb + 8*%ks + %kk] : memref<64x40xf16>
        loop.reduce add %0 into %y[%i] over (%kb, %ks, %kk) : memref<64xf16>
      } } }
    }
    ```
    **After**
    ```mlir
    loop.for "kb" %kb to 3 {
      %As = loop.alloc shared "As" : memref<64x16xf16>
      loop.for "As.0" %0 to 64 { loop.for "As.1" %1 to 16 {
        loop.if 39 - 16*%kb - %1 >= 0 {
          %v = loop.load %A[%0, 16*%kb + %1] : memref<64x40xf16>
          loop.store %v, %As[%0, %1] : memref<64x16xf16>
        } else {
          loop.store %zero, %As[%0, %1] : memref<64x16xf16>
        }
      } }
      loop.for "i" %i to 64 { loop.for "ks" %ks to min(2, 5 - 2*%kb) { loop.for "kk" %kk to 8 {
        %0 = loop.load %As[%i, 8*%ks + %kk] : memref<64x16xf16>
        loop.reduce add %0 into %y[%i] over (%kb, %ks, %kk) : memref<64xf16>
      } } }
    }
    ```
    **Needs** one index map for all accesses inside the loop, all of them reads, under no condition; loops inside that
    together count through each dimension of the tile, of constant greatest bounds. A swizzle needs `shared` and rows
    of so many pieces, or twice, four times as many.

    **Leaves alone** accesses outside the loop, and the loops inside. In `shared`, warps and threads outside of the loop
    see one tile.
    """

    name = "loop-stage-tile"

    def transform(self, kernel: FuncOp) -> None:
        """Stage the tile."""
        root = find(kernel, self.loop)
        need_no_lanes(root)
        buffer = find_buffer(kernel, self.buffer)
        need_new_buffer(kernel, self.copy)
        if self.space not in SHARED_BY:
            raise Refuse(f"'{self.space}' is no space to stage in; known are {', '.join(SHARED_BY)}")
        touching = accesses(root, buffer)
        reads = _reads(self, root, touching)
        moving = _moving(root, reads[0], SHARED_BY[self.space])
        sides = [side for form in reads[0].index() if (side := _side(form, moving)) is not None]
        if not sides:
            raise Refuse(f"no loop inside '{self.loop}' moves '{self.buffer}'")
        type_ = MemRefType(memref_of(buffer).element_type, [side.size for side in sides])
        if self.swizzle:
            if self.space != "shared":
                raise Refuse(f"a swizzle is for 'shared', not for '{self.space}'")
            if (why := against_swizzle(type_, self.swizzle)) is not None:
                raise Refuse(why)
        names = [f"{self.copy}.{number}" for number in range(len(sides))]
        need_new_label(kernel, *names)
        alloc = AllocOp(self.space, self.copy, type_, swizzle=self.swizzle)
        _copy_in(root, reads, moving, sides, names, alloc)


@dataclass(frozen=True)
class _Side:
    """One dimension of the tile: the part of the index that stands still, the part that moves, how far that goes, and
    what the whole index stays below where a tile is ragged."""

    outer: Linear
    inner: Linear
    size: int
    limits: tuple[Linear, ...]


def _reads(step: StageTile, root: ForOp, touching: Sequence[AccessOp]) -> list[LoadOp]:
    """The accesses, all loads of one map under no condition. Raises :class:`Refuse`."""
    if not touching:
        raise Refuse(f"'{step.buffer}' is not touched inside '{step.loop}'")
    if not one_map(touching):
        raise Refuse(f"the accesses of '{step.buffer}' inside '{step.loop}' have different indices")
    reads = [access for access in touching if isinstance(access, LoadOp)]
    if len(reads) < len(touching) or any(map(has_computed, reads[0].index())):
        raise Refuse(f"'{step.buffer}' is not only read inside '{step.loop}', at places that loops count")
    for access in touching:
        for outer in enclosing(access):
            if outer is root:
                break
            if isinstance(outer, IfOp):
                raise Refuse(f"'{step.buffer}' is touched under a condition; stage before partitioning")
    return reads


def _moving(root: ForOp, access: AccessOp, units: Sequence[str]) -> set[SSAValue]:
    """The counters that the tile ranges over."""
    return {
        loop.counter
        for loop in loops_around(access)
        if (root is not loop and root.is_ancestor(loop)) or (loop.kind() in units)
    }


def _side(form: Linear, moving: set[SSAValue]) -> _Side | None:
    """A dimension of the tile; None for one that stands still. Raises :class:`Refuse` where places are left out."""
    inner = Linear(tuple(term for term in form.terms if term[0] in moving))
    if not inner.terms:
        return None
    size = 1
    limits: list[Linear] = []
    finer = Linear()
    for factor, trip, loop in sorted((_step(term) for term in inner.terms), key=lambda step: step[:2]):
        if factor != size:
            raise Refuse(f"'{label(loop)}' moves by {factor}, where the loops inside count through {size} places")
        finer += Linear(((loop.counter, factor),))
        # value < bound, so that factor*value + finer < factor*bound
        ends = [bound * factor + (form - finer) for bound in loop.forms() if not bound.is_constant]
        limits += [end for end in ends if not moving & set(end.values)]
        if any(moving & set(end.values) for end in ends):
            raise Refuse(f"the bound of '{label(loop)}' is no bound of the place")
        size = factor * trip
    outer = form - inner
    slack = {limit: least(limit - outer - size) for limit in limits}
    kept = [limit for limit, left in slack.items() if left is None or left < 0]
    return _Side(outer, inner, size, tuple(_strictest(kept)))


def _strictest(limits: Sequence[Linear]) -> list[Linear]:
    """The limits that none of the others implies."""
    kept: list[Linear] = []
    for limit in limits:
        if any(_implies(other, limit) for other in kept):
            continue
        kept = [*(other for other in kept if not _implies(limit, other)), limit]
    return kept


def _implies(limit: Linear, other: Linear) -> bool:
    """Whether what is below a limit is below another, too."""
    more = least(other - limit)
    return more is not None and more >= 0


def _step(term: tuple[SSAValue, int]) -> tuple[int, int, ForOp]:
    """How far a loop moves the place, and how often: of several that move it alike the single one is first."""
    loop = loop_of(term[0])
    assert loop is not None
    return term[1], most_iterations(loop), loop


def _copy_in(
    root: ForOp,
    reads: Sequence[LoadOp],
    moving: set[SSAValue],
    sides: Sequence[_Side],
    names: list[str],
    alloc: AllocOp,
) -> None:
    """Fill the copy before what reads it in the loop's body, and read it instead."""
    first = reads[0]
    loops = [ForOp(name, side.size) for name, side in zip(names, sides, strict=True)]
    places = [linear(loop.counter) for loop in loops]
    waiting = iter(zip(sides, places, strict=True))
    index: list[Linear] = []
    for form in first.index():
        if moving & set(form.values):
            side, place = next(waiting)
            index.append(side.outer + place)
        else:
            index.append(form)
    load = LoadOp(first.target, index)
    body: list[Operation] = [load, StoreOp(load.result, alloc.result, places)]
    zero = arith.ConstantOp(neutral("add", _element(alloc)))
    guards = [
        limit - side.outer - place - 1 for side, place in zip(sides, places, strict=True) for limit in side.limits
    ]
    for guard in reversed(guards):
        body = [IfOp(guard, body, [StoreOp(zero.result, alloc.result, places)])]
    for outer, inner in pairwise(loops):
        outer.block.add_op(inner)
    loops[-1].block.add_ops(body)
    made: list[Operation] = [alloc, *([zero] if guards else []), loops[0]]
    insert(made, InsertPoint.before(_child(root, first)), first)
    for access in reads:
        read = LoadOp(alloc.result, [side.inner for side in sides])
        read.result.name_hint = access.result.name_hint
        insert([read], InsertPoint.before(access), access)
        access.result.replace_all_uses_with(read.result)
        erase(access)


def _element(alloc: AllocOp) -> Attribute:
    return memref_of(alloc.result).element_type


def _child(root: ForOp, access: Operation) -> Operation:
    """The op of the loop's own body that holds an access."""
    child = access
    while (parent := child.parent_op()) is not None and parent is not root:
        child = parent
    return child
