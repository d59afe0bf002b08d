"""`loop-inline`: a producer is computed where its value is read."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import AllocOp, ComputedOp, LoadOp, ReadOp, StoreOp, WriteOp
from weft.dialects.loop.schedule import Inline
from weft.passes.loops.dependence import accesses, say
from weft.passes.loops.kernels import Refuse, erase, find_buffer
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.moving import beside, elementwise, local, targets, touched_between


@dataclass(frozen=True)
class LoopInline(Inline, StepPass):
    """Compute an elementwise producer at each read of its buffer: `inline P`.

    **Before**
    ```mlir
    %P = loop.alloc heap "P" : memref<64xf32>
    loop.for "p" %p to 64 {
      %x = loop.load %X[%p] : memref<64xf32>
      %y = arith.maximumf %x, %zero : f32
      loop.store %y, %P[%p] : memref<64xf32>
    }
    loop.for "i" %i to 8 {
      %v = loop.load %P[8*%i] : memref<64xf32>
    }
    ```
    **After**
    ```mlir
    loop.for "i" %i to 8 {
      %x = loop.load %X[8*%i] : memref<64xf32>
      %v = arith.maximumf %x, %zero : f32
    }
    ```
    **Needs** a buffer of the kernel alone, written by one store in a perfect nest over all of it; what the
    producer reads stays as it is up to the last read of the buffer.

    **Leaves alone** everything else. Fuse last: the plain nests that `stage` needs are gone after it.
    """

    name = "loop-inline"

    def transform(self, kernel: FuncOp) -> None:
        """Inline the producer."""
        buffer = find_buffer(kernel, self.buffer)
        alloc = local(buffer, self.buffer)
        touching = accesses(kernel, buffer)
        if any(isinstance(access, ComputedOp) for access in touching):
            raise Refuse(f"'{self.buffer}' is touched at places that only the run knows")
        written = [access for access in touching if isinstance(access, WriteOp)]
        if len(written) != 1 or not isinstance(written[0], StoreOp):
            raise Refuse(f"'{self.buffer}' is not written by one store alone")
        reads = [access for access in touching if isinstance(access, LoadOp)]
        producer = elementwise(alloc, written[0], reads, self.buffer)
        _check_order(alloc, producer.top, reads, targets(producer.body, ReadOp), self.buffer)
        if targets(producer.body, WriteOp) != [buffer]:
            raise Refuse(f"the nest of '{self.buffer}' writes to other buffers too")
        for read in reads:
            values: dict[SSAValue, SSAValue] = {}
            producer.place(read, values)
            stored = written[0].value
            read.result.replace_all_uses_with(values.get(stored, stored))
            erase(read)
        producer.drop()


def _check_order(alloc: AllocOp, top: Operation, reads: list[LoadOp], sources: list[SSAValue], name: str) -> None:
    """Every read comes after the producer, and nothing that the producer reads changes in between."""
    for read in reads:
        reader = beside(alloc, read)
        if not top.is_before_in_block(reader):
            raise Refuse(f"'{name}' is read before it is written")
        changed = touched_between(top, reader.next_op, sources, WriteOp)
        if changed is not None:
            raise Refuse(f"{say(changed)}, which the producer reads, is written before '{name}' is read")
