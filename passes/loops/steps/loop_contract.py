"""`loop-contract`: a buffer of which each iteration uses a part of its own keeps that part only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AccessOp, AllocOp, ForOp, Linear, has_computed
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.schedule import Contract
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import Refuse, erase, find, find_buffer, insert, label, need_no_lanes
from weft.passes.loops.ranges import greatest, least
from weft.passes.loops.steps.base import StepPass


@dataclass(frozen=True)
class LoopContract(Contract, StepPass):
    """Make a buffer anew in each iteration of a loop, with what one iteration needs: `contract T at i`.

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
    Where the loop runs over tiles, `T[16*%ib + %i]`, the dimension keeps the size of a tile, and the buffer is at
    `T[%i]`.

    **Needs** a buffer of the kernel alone, made in the body in which the loop stands and touched inside the loop only,
    in some dimension always at a multiple of the counter plus what stays below that multiple in all: what an
    iteration finds in it, it has written itself.

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
        part = _part(loop, accesses(loop, buffer), self.buffer)
        made = _of_part(alloc, part)
        insert([made], InsertPoint.at_start(loop.block), alloc)
        for op in list(dict.fromkeys(touching)):
            _redirect(cast(AccessOp, op), made.result, loop, part)
        erase(alloc)


@dataclass(frozen=True)
class _Part:
    """What an iteration touches of one dimension: `size` places from `first` on, past a multiple of the counter."""

    axis: int
    first: int
    size: int


def _part(loop: ForOp, touching: Sequence[AccessOp], name: str) -> _Part:
    """The first dimension of which each iteration of the loop has a part of its own."""
    if not touching:
        raise Refuse(f"'{name}' is not touched inside '{label(loop)}'")
    for axis in range(len(touching[0].index())):
        forms = [access.index()[axis] for access in touching]
        factor = forms[0].coefficient(loop.counter)
        if not factor or any(form.coefficient(loop.counter) != factor for form in forms):
            continue
        rests = [form.without(loop.counter) for form in forms]
        low, high = _extreme(least, rests, min), _extreme(greatest, rests, max)
        if low is not None and high is not None and high - low < abs(factor):
            return _Part(axis, low, high - low + 1)
    raise Refuse(f"no dimension of '{name}' has a part for each iteration of '{label(loop)}' alone")


def _extreme(
    bound: Callable[[Linear], int | None], forms: Sequence[Linear], pick: Callable[[Iterable[int]], int]
) -> int | None:
    """The least or the greatest that any of the forms can be, None where nothing is proved."""
    if any(has_computed(form) for form in forms):
        return None
    found = [bound(form) for form in forms]
    known = [number for number in found if number is not None]
    return pick(known) if len(known) == len(found) else None


def _of_part(alloc: AllocOp, part: _Part) -> AllocOp:
    """The buffer for one part of a dimension; without that dimension where the part is one place."""
    type_ = memref_of(alloc.result)
    shape = list(type_.get_shape())
    sizes = list(alloc.sizes)
    if shape[part.axis] < 0:
        del sizes[sum(size < 0 for size in shape[: part.axis])]
    shape[part.axis : part.axis + 1] = [part.size] if part.size > 1 else []
    return AllocOp(alloc.space.data, alloc.buffer_name.data, MemRefType(type_.element_type, shape), sizes)


def _redirect(access: AccessOp, buffer: SSAValue, loop: ForOp, part: _Part) -> None:
    """Let an access, or a hint, touch the smaller buffer."""
    forms = list(access.forms())
    place = forms[part.axis].without(loop.counter) - part.first
    forms[part.axis : part.axis + 1] = [place] if part.size > 1 else []
    access.operands[access.FIRST - 1] = buffer
    access.set_forms(forms)
