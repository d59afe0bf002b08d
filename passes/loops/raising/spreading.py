"""Short sums that an iteration gathers and goes on with are gathered for all iterations first (scalar expansion)."""

from __future__ import annotations

from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from weft.dialects.loop import AllocOp, ForOp, LoadOp, ReduceOp, StoreOp, linear
from weft.dialects.loop.access import AccessOp, WriteOp
from weft.dialects.loop.buffers import memref_of
from weft.dialects.purity import only_computes
from weft.passes.loops.buffers.types import Buffer
from weft.passes.rewriting import LocatedBuilder

SHORT = 16
"""A sum of fewer terms along its innermost loop keeps no vector busy; the loop around it may."""

FEWEST, MOST = 16, 4096
"""How many iterations the loop around has: as many sums lie side by side, and stay in the first cache."""


def spread_sums(block: Block) -> None:
    """Split loops whose iterations gather short sums and go on with them.

    Then vectors fit along the loop that was split, in both halves. Only for kernels whose buffers do not overlap, on a
    CPU: threads of a GPU gather a short sum each.

    **Before**
    ```mlir
    loop.for "j" %j to 64 {
      %s = loop.alloc reg "carried0" : memref<f32>
      loop.for "k" %k to 3 {
        %x = loop.load %X[%j + %k] : memref<66xf32>
        loop.reduce add %x into %s[] over (%k) : memref<f32>
      }
      %0 = loop.load %s[] : memref<f32>
      %1 = arith.maximumf %0, %zero : f32
      loop.store %1, %Y[%j] : memref<64xf32>
    }
    ```
    **After**
    ```mlir
    %s = loop.alloc heap "carried0" : memref<64xf32>
    loop.for "j" %j to 64 {
      loop.for "k" %k to 3 {
        %x = loop.load %X[%j + %k] : memref<66xf32>
        loop.reduce add %x into %s[%j] over (%k) : memref<64xf32>
      }
    }
    loop.for "j.on" %l to 64 {
      %0 = loop.load %s[%l] : memref<64xf32>
      %1 = arith.maximumf %0, %zero : f32
      loop.store %1, %Y[%l] : memref<64xf32>
    }
    ```
    """
    for loop in [op for op in block.walk() if isinstance(op, ForOp)]:
        trip = loop.trip()
        if trip is not None and FEWEST <= trip <= MOST and (nest := _nest(loop)) is not None:
            _split(loop, nest, trip)


def _nest(loop: ForOp) -> ForOp | None:
    """The nest of short sums in a loop that can be split behind it."""
    nests = [op for op in loop.block.ops if op.regions]
    if len(nests) != 1 or not isinstance(nest := nests[0], ForOp):
        return None
    accesses = [op for op in nest.walk() if isinstance(op, AccessOp)]
    sums = [op for op in accesses if isinstance(op, ReduceOp)]
    plain = all(only_computes(op) or isinstance(op, AccessOp | ForOp) for op in nest.walk())
    if not plain or not sums or any(isinstance(op, WriteOp) and op not in sums for op in accesses):
        return None
    if not all(_is_short(op) and _is_own(op.target, loop, nest) for op in sums):
        return None
    rest = [op for op in loop.block.ops if op is not nest and not isinstance(op, AllocOp)]
    if not all(only_computes(op) or isinstance(op, LoadOp | StoreOp) for op in rest):
        return None
    written = {op.target for op in rest if isinstance(op, StoreOp)}
    kept = {op.result for op in loop.block.ops if isinstance(op, AllocOp)} - {op.target for op in sums}
    early = rest[: next((n for n, op in enumerate(rest) if _follows(nest, op)), len(rest))]
    reads = {op.target for op in accesses if isinstance(op, LoadOp)} | {
        op.target for op in early if isinstance(op, LoadOp)
    }
    fits = written and not written & reads and not kept and not any(isinstance(op, StoreOp) for op in early)
    return nest if fits else None


def _is_short(op: ReduceOp) -> bool:
    """Whether a reduction starts by itself, and has few terms along its innermost loop, which holds nothing else."""
    inner = op.parent_op()
    trip = inner.trip() if isinstance(inner, ForOp) else None
    return bool(op.over) and isinstance(inner, ForOp) and inner.counter in op.over and trip is not None and trip < SHORT


def _is_own(buffer: SSAValue, loop: ForOp, nest: ForOp) -> bool:
    """Whether a buffer is one element of the loop's iteration, reduced in the nest and read after it only."""
    alloc = buffer.owner
    if (
        not isinstance(alloc, AllocOp)
        or alloc.parent is not loop.block
        or memref_of(buffer).get_shape()
        or alloc.space.data != "reg"
    ):
        return False
    users = [use.operation for use in buffer.uses]
    return all(
        nest.is_ancestor(user) if isinstance(user, ReduceOp) else isinstance(user, LoadOp) and _follows(nest, user)
        for user in users
    )


def _follows(op: Operation, other: Operation) -> bool:
    """Whether another op of the same block stands behind an op."""
    following = op.next_op
    while following is not None and following is not other:
        following = following.next_op
    return following is other


def _split(loop: ForOp, nest: ForOp, trip: int) -> None:
    """Put what stands behind a nest, and what it needs, in a loop of its own."""
    before = LocatedBuilder.before(loop)
    for alloc in [op for op in loop.block.ops if isinstance(op, AllocOp)]:
        made = AllocOp("heap", alloc.buffer_name.data, Buffer(memref_of(alloc.result).element_type, [trip]))
        before.insert(made)
        for access in [use.operation for use in alloc.result.uses]:
            assert isinstance(access, LoadOp | ReduceOp)
            access.operands[access.FIRST - 1] = made.result
            access.set_forms((linear(loop.counter),), *([list(access.over)] if isinstance(access, ReduceOp) else []))
        Rewriter.erase_op(alloc)
    after = ForOp(f"{loop.label.data}.on", loop.forms())
    LocatedBuilder(InsertPoint.after(loop), loop.location).insert(after)
    values: dict[SSAValue, SSAValue] = {loop.counter: after.counter}
    ops = [op for op in loop.block.ops if op is not nest]
    late = {op for op in ops if _follows(nest, op)}
    for op in ops:
        after.block.add_op(op.clone(values))
    for op in reversed(ops):
        if op in late:
            Rewriter.erase_op(op)
    for op in reversed(list(after.block.ops)):
        if op.results and not any(result.uses for result in op.results):
            Rewriter.erase_op(op)
