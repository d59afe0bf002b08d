"""Results that a nest gathers in a register, and then stores, are gathered in the place where they are stored."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.ir import Block, Operation
from xdsl.rewriter import Rewriter

from weft.dialects.loop import AllocOp, ForOp, LoadOp, ReduceOp, StoreOp
from weft.dialects.loop.access import AccessOp
from weft.dialects.loop.buffers import memref_of


def gather_in_place(block: Block) -> None:
    """Let reductions that start by themselves go right into the place that their result is stored to.

    Then the loops around are often one perfect nest, for which there are better schedules. Only for kernels whose
    buffers do not overlap.

    **Before**
    ```mlir
    loop.for "j" %j to 8 {
      %s = loop.alloc reg "carried0" : memref<f32>
      loop.for "k" %k to 8 {
        %x = loop.load %X[%j, %k] : memref<8x8xf32>
        loop.reduce add %x into %s[] over (%k) : memref<f32>
      }
      %0 = loop.load %s[] : memref<f32>
      loop.store %0, %Y[%j] : memref<8xf32>
    }
    ```
    **After**
    ```mlir
    loop.for "j" %j to 8 {
      loop.for "k" %k to 8 {
        %x = loop.load %X[%j, %k] : memref<8x8xf32>
        loop.reduce add %x into %Y[%j] over (%k) : memref<8xf32>
      }
    }
    ```
    """
    for alloc in [op for op in block.walk() if isinstance(op, AllocOp)]:
        _gather(alloc)


def _gather(alloc: AllocOp) -> None:
    uses = [use.operation for use in alloc.result.uses]
    reduces = [op for op in uses if isinstance(op, ReduceOp)]
    loads = [op for op in uses if isinstance(op, LoadOp)]
    if (
        len(uses) != 2
        or len(reduces) != 1
        or len(loads) != 1
        or not reduces[0].over
        or memref_of(alloc.result).get_shape()
    ):
        return
    reduce, load = reduces[0], loads[0]
    store = next((use.operation for use in load.result.uses), None)
    if not isinstance(store, StoreOp) or not load.result.has_one_use() or store.value is not load.result:
        return
    if load.parent is not alloc.parent or store.parent is not alloc.parent:
        return
    nest = _child(alloc, reduce)
    if not isinstance(nest, ForOp) or not _between(nest, load, store):
        return
    reduce.operands[reduce.FIRST - 1] = store.buffer
    reduce.set_forms(store.index(), list(reduce.over))
    for op in (store, load, alloc):
        Rewriter.erase_op(op)


def _child(alloc: AllocOp, op: Operation) -> Operation:
    """The op beside an allocation that holds another."""
    while op.parent is not alloc.parent and (parent := op.parent_op()) is not None:
        op = parent
    return op


def _between(nest: ForOp, load: LoadOp, store: StoreOp) -> bool:
    """Whether the store comes after the load and the load after the nest, and nothing else touches the place."""
    after = list(_following(nest))
    if load not in after or store not in after:
        return False
    touching = [op for op in nest.walk() if isinstance(op, AccessOp)]
    for op in after[: after.index(store)]:
        touching += [inner for inner in op.walk() if isinstance(inner, AccessOp)]
    return not any(op.target is store.buffer for op in touching)


def _following(op: Operation) -> Iterator[Operation]:
    following = op.next_op
    while following is not None:
        yield following
        following = following.next_op
