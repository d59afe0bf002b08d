"""`loop-fuse-consumer`: a consumer runs where its input is stored."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import AccessOp, AllocOp, ComputedOp, LoadOp, ReadOp, ReduceOp, StoreOp, WriteOp
from weft.dialects.loop.schedule import FuseConsumer
from weft.passes.loops.dependence import accesses, say
from weft.passes.loops.kernels import Refuse, erase, find_buffer
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.moving import beside, elementwise, hoist, local, targets, touched_between


@dataclass(frozen=True)
class LoopFuseConsumer(FuseConsumer, StepPass):
    """Run the elementwise consumer of a buffer at each store of it: `fuse_consumer T`.

    **Before**
    ```mlir
    %T = loop.alloc heap "T" : memref<64xf32>
    loop.for "i" %i to 64 {
      loop.store %v, %T[%i] : memref<64xf32>
    }
    loop.for "e" %e to 64 {
      %t = loop.load %T[%e] : memref<64xf32>
      %y = arith.maximumf %t, %zero : f32
      loop.store %y, %Y[%e] : memref<64xf32>
    }
    ```
    **After**
    ```mlir
    loop.for "i" %i to 64 {
      %y = arith.maximumf %v, %zero : f32
      loop.store %y, %Y[%i] : memref<64xf32>
    }
    ```
    **Needs** a buffer of the kernel alone whose last store to each place has the final value: no reduction
    into it is left (stage it so that its reduction stays in one piece); one reader, in a perfect nest over all
    of it, that stores and does not reduce; nothing that the reader touches is written, and nothing that it
    writes is touched, from the first store to it.

    **Leaves alone** everything else. Fuse last: the plain nests that `stage` needs are gone after it.
    """

    name = "loop-fuse-consumer"

    def transform(self, kernel: FuncOp) -> None:
        """Fuse the consumer."""
        buffer = find_buffer(kernel, self.buffer)
        alloc = local(buffer, self.buffer)
        touching = accesses(kernel, buffer)
        if any(isinstance(access, ReduceOp) for access in touching):
            raise Refuse("a store is a partial sum; keep its reduction in one piece")
        if any(isinstance(access, ComputedOp) for access in touching):
            raise Refuse(f"'{self.buffer}' is touched at places that only the run knows")
        reads = [access for access in touching if isinstance(access, LoadOp)]
        stores = [access for access in touching if isinstance(access, StoreOp)]
        if len(reads) != 1:
            raise Refuse(f"'{self.buffer}' has {len(reads)} readers")
        consumer = elementwise(alloc, reads[0], stores, self.buffer)
        _check_body(consumer.body)
        _check_order(alloc, consumer.top, stores, consumer.body)
        hoist([op for op in consumer.body if op is not reads[0]], beside(alloc, stores[0]))
        for store in stores:
            values: dict[SSAValue, SSAValue] = {reads[0].result: store.value}
            consumer.place(store, values)
            erase(store)
        consumer.drop()


def _check_body(body: tuple[Operation, ...]) -> None:
    """The consumer stores, does not reduce, and does not read what it writes."""
    if any(isinstance(op, ReduceOp) for op in body):
        raise Refuse("the consumer reduces")
    both = set(targets(body, ReadOp)) & set(targets(body, WriteOp))
    if both:
        raise Refuse(f"the consumer reads and writes {say(both.pop())}")


def _check_order(alloc: AllocOp, top: Operation, stores: list[StoreOp], body: tuple[Operation, ...]) -> None:
    """Running the consumer at the stores, before where it stands, changes nothing else."""
    if not stores:
        raise Refuse("it is never stored")
    first = beside(alloc, stores[0])
    for store in stores:
        if not beside(alloc, store).is_before_in_block(top):
            raise Refuse("it is stored after its reader")
    others = [b for b in targets(body, ReadOp) if b is not stores[0].buffer]
    changed = touched_between(first, top, others, WriteOp)
    if changed is not None:
        raise Refuse(f"{say(changed)}, which the consumer reads, is written in between")
    used = touched_between(first, top, targets(body, WriteOp), AccessOp)
    if used is not None:
        raise Refuse(f"{say(used)}, which the consumer writes, is touched in between")
