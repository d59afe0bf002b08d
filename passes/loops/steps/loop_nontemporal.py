"""`loop-nontemporal`: stores past the caches."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i64
from xdsl.dialects.func import FuncOp

from weft.dialects.loop import ReadOp, ReduceOp, StoreOp
from weft.dialects.loop.access import moves_by_vectors
from weft.dialects.loop.schedule import Nontemporal
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import Refuse, find_buffer
from weft.passes.loops.steps.base import StepPass


@dataclass(frozen=True)
class LoopNontemporal(Nontemporal, StepPass):
    """Store to a buffer past the caches: `nontemporal Y`.

    **Before**
    ```mlir
    loop.store %v, %Y[%i] : memref<4096xf32>
    ```
    **After**
    ```mlir
    loop.store %v, %Y[%i] nontemporal : memref<4096xf32>
    ```
    `nontemporal Y 33554432` writes `nontemporal(33554432)`: the code finds out whether the buffer has so many bytes.

    **Needs** a buffer that the kernel does not read, stored to by vectors that lie whole vectors apart. Where it is not
    known that the buffer is aligned to a vector (`loop.align`), the code finds out, and stores as ever where it is not.

    **Leaves alone** everything but the flag. It pays above the size of the last cache, and hurts below.
    """

    name = "loop-nontemporal"

    def transform(self, kernel: FuncOp) -> None:
        """Flag the stores."""
        touching = accesses(kernel, find_buffer(kernel, self.buffer))
        if any(isinstance(access, ReadOp | ReduceOp) for access in touching):
            raise Refuse(f"'{self.buffer}' is read again")
        stores = [access for access in touching if isinstance(access, StoreOp)]
        if not stores or not all(moves_by_vectors(store) for store in stores):
            raise Refuse(f"the stores to '{self.buffer}' do not lie whole vectors apart")
        for store in stores:
            store.nontemporal = UnitAttr()
            store.least_bytes = IntegerAttr(self.least, i64) if self.least else None
