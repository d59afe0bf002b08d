"""`loop-contract`: a buffer of which each iteration uses a part of its own keeps that part only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AccessOp, AllocOp, ForOp, linear
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.schedule import Contract
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import Refuse, erase, find, find_buffer, insert, label, need_no_lanes
from weft.passes.loops.steps.base import StepPass


@dataclass(frozen=True)
class LoopContract(Contract, StepPass):
    """Make a buffer anew in each iteration of a loop, less the dimension along which it runs: `contract T at i`.

    Where nests were fused row by row, a row of the buffer is all that is needed at a time; it stays in the caches.

    **Before**
    ```mlir
    %T = loop.alloc heap "T" : memref<64x96xf32>
    loop.for "i" %i to 64 {
      loop.for "j" %j to 96 {
        loop.store %v, %T[%i, %j] : memref<64x96xf32>
      }
      loop.for "j1" %j1 to 96 {
        %t = loop.load %T[%i, %j1] : memref<64x96xf32>
      }
    }
    ```
    **After**
    ```mlir
    loop.for "i" %i to 64 {
      %T = loop.alloc heap "T" : memref<96xf32>
      loop.for "j" %j to 96 {
        loop.store %v, %T[%j] : memref<96xf32>
      }
      loop.for "j1" %j1 to 96 {
        %t = loop.load %T[%j1] : memref<96xf32>
      }
    }
    ```
    **Needs** a buffer of the kernel alone, made in the body in which the loop stands and touched inside the loop only,
    in some dimension always at the plain counter of the loop: what an iteration finds in it, it has written itself.

    **Leaves alone** everything else.
    """

    name = "loop-contract"

    def transform(self, kernel: FuncOp) -> None:
        """Contract the buffer."""
        loop = find(kernel, self.loop)
        need_no_lanes(loop)
        buffer = find_buffer(kernel, self.buffer)
        alloc = buffer.owner
        if not isinstance(alloc, AllocOp):
            raise Refuse(f"'{self.buffer}' is no buffer of the kernel alone")
        if alloc.parent is not loop.parent:
            raise Refuse(f"'{self.buffer}' is not made beside '{self.loop}': it may live through several runs of it")
        touching = [use.operation for use in buffer.uses]
        if any(not isinstance(op, AccessOp) or not loop.is_ancestor(op) for op in touching):
            raise Refuse(f"'{self.buffer}' is touched outside of '{self.loop}'")
        axis = _axis(loop, accesses(loop, buffer), self.buffer)
        made = _without(alloc, axis)
        insert([made], InsertPoint.at_start(loop.block), alloc)
        for op in list(dict.fromkeys(touching)):
            _redirect(cast(AccessOp, op), made.result, axis)
        erase(alloc)


def _axis(loop: ForOp, touching: Sequence[AccessOp], name: str) -> int:
    """The first dimension in which every access is at the counter of the loop."""
    if not touching:
        raise Refuse(f"'{name}' is not touched inside '{label(loop)}'")
    own = linear(loop.counter)
    for axis in range(len(touching[0].index())):
        if all(access.index()[axis] == own for access in touching):
            return axis
    raise Refuse(f"no dimension of '{name}' is always at the plain counter of '{label(loop)}'")


def _without(alloc: AllocOp, axis: int) -> AllocOp:
    """The buffer without one dimension."""
    type_ = memref_of(alloc.result)
    shape = list(type_.get_shape())
    sizes = list(alloc.sizes)
    if shape[axis] < 0:
        del sizes[sum(size < 0 for size in shape[:axis])]
    del shape[axis]
    return AllocOp(alloc.space.data, alloc.buffer_name.data, MemRefType(type_.element_type, shape), sizes)


def _redirect(access: AccessOp, buffer: SSAValue, axis: int) -> None:
    """Let an access, or a hint, touch the smaller buffer."""
    forms = list(access.forms())
    del forms[axis]
    access.operands[access.FIRST - 1] = buffer
    access.set_forms(forms)
