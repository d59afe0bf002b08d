"""`loop-fuse`: loops that follow each other become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import is_side_effect_free

from weft.dialects.loop import AllocOp, ForOp, Linear, linear
from weft.dialects.loop.schedule import Fuse
from weft.passes.loops.dependence import accesses, apart, inner_counters, say, written_buffers
from weft.passes.loops.kernels import Refuse, erase, find, label, replace_counter
from weft.passes.loops.steps.base import StepPass


@dataclass(frozen=True)
class LoopFuse(Fuse, StepPass):
    """Run the bodies of loops that follow each other in one loop, an iteration at a time: `fuse (i, i1)`.

    What one iteration wrote is then still in the caches, or in registers, when the next body reads it.

    **Before**
    ```mlir
    loop.for "i" %i to 64 {
      loop.for "j" %j to 96 {
        %x = loop.load %X[%i, %j] : memref<64x96xf32>
        loop.reduce max %x into %M[%i] over (%j) : memref<64xf32>
      }
    }
    loop.for "i1" %i1 to 64 {
      loop.for "j1" %j1 to 96 {
        %m = loop.load %M[%i1] : memref<64xf32>
      }
    }
    ```
    **After**
    ```mlir
    loop.for "i" %i to 64 {
      loop.for "j" %j to 96 {
        %x = loop.load %X[%i, %j] : memref<64x96xf32>
        loop.reduce max %x into %M[%i] over (%j) : memref<64xf32>
      }
      loop.for "j1" %j1 to 96 {
        %m = loop.load %M[%i] : memref<64xf32>
      }
    }
    ```
    **Needs** loops in one body, in order, with equal bounds and no marks, and nothing but allocations and pure ops
    between them; of a buffer that one of them writes and another touches, each iteration touches a part of its own.

    **Leaves alone** the bodies. The loop keeps the label of the first.
    """

    name = "loop-fuse"

    def transform(self, kernel: FuncOp) -> None:
        """Fuse the loops into the first."""
        if len(self.loops) < 2:
            raise Refuse("it takes two loops or more")
        found = [find(kernel, name) for name in self.loops]
        first, *rest = found
        for before, loop in zip(found, rest, strict=False):
            _check_loop(before, loop)
        between = _between(first, found[-1], rest)
        _check_dependences(found)
        for op in between:
            op.detach()
            _block_of(first).insert_op_before(op, first)
        for loop in rest:
            replace_counter(loop, linear(first.counter))
            for op in list(loop.block.ops):
                op.detach()
                first.block.add_op(op)
            erase(loop)


def _block_of(loop: ForOp) -> Block:
    block = loop.parent_block()
    assert block is not None
    return block


def _check_loop(before: ForOp, loop: ForOp) -> None:
    """One loop may follow the other in one loop."""
    if loop.parent is not before.parent or not before.is_before_in_block(loop):
        raise Refuse(f"'{label(loop)}' does not follow '{label(before)}' in one body")
    if set(loop.forms()) != set(before.forms()):
        raise Refuse(f"the bounds of '{label(before)}' and '{label(loop)}' differ")
    for one in (before, loop):
        if one.mark is not None:
            raise Refuse(f"'{label(one)}' is marked {one.kind()}; fuse first")


def _between(first: ForOp, last: ForOp, fused: Sequence[ForOp]) -> list[Operation]:
    """The ops between the loops, which are to stand before the first: none depends on a loop, or acts."""
    between: list[Operation] = []
    op = first.next_op
    while op is not None and op is not last:
        if op not in fused:
            if not isinstance(op, AllocOp) and not is_side_effect_free(op):
                raise Refuse(f"'{op.name}' stands between '{label(first)}' and '{label(last)}'")
            between.append(op)
        op = op.next_op
    return between


def _check_dependences(loops: Sequence[ForOp]) -> None:
    """No iteration touches what another iteration of another loop writes, or writes what it touches."""
    counter = loops[0].counter
    as_first: dict[SSAValue, Linear] = {loop.counter: linear(counter) for loop in loops}
    free = set[SSAValue]().union(*(inner_counters(loop) for loop in loops))
    touched = [{access.target for access in accesses(loop)} for loop in loops]
    written = dict.fromkeys(buffer for loop in loops for buffer in written_buffers(loop))
    for buffer in written:
        if sum(buffer in some for some in touched) < 2:
            continue
        touching = [access for loop in loops for access in accesses(loop, buffer)]
        places = [[form.substitute(as_first) for form in access.index()] for access in touching]
        if not apart(places, counter, free):
            raise Refuse(f"an iteration may touch what another iteration writes of {say(buffer)}")
