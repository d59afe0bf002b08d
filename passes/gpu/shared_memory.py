"""Where the shared buffers of a kernel lie: small ones are globals, large ones parts of the block's dynamic memory."""

from __future__ import annotations

from math import prod

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Operation

from weft.dialects import gpu
from weft.dialects.loop import AllocOp
from weft.dialects.loop.buffers import memref_of
from weft.passes.lower.types import byte_size, memory_type

STATIC_BYTES = 49152
"""The most shared memory that a kernel has without asking for it at the launch."""

ALIGNMENT = 128
SPACE = 3


class SharedMemory:
    """The shared buffers of one kernel, in the order in which they stand."""

    def __init__(self, kernel: gpu.FuncOp) -> None:
        self.name = kernel.sym_name.data
        self.location = kernel.location
        self.offsets: dict[AllocOp, int] = {}
        self.bytes = 0
        for op in kernel.walk():
            if isinstance(op, AllocOp) and op.space.data == "shared":
                self.offsets[op] = self.bytes
                type_ = memref_of(op.result)
                size = max(1, prod(type_.get_shape())) * byte_size(type_.element_type)
                self.bytes += -(-size // ALIGNMENT) * ALIGNMENT

    @property
    def dynamic_bytes(self) -> int:
        """What the launch asks for; 0 where all fits without."""
        return self.bytes if self.bytes > STATIC_BYTES else 0

    def place(self, op: AllocOp) -> tuple[str, int]:
        """The global that a buffer lies in, and the byte where it starts there."""
        if self.dynamic_bytes:
            return f"{self.name}_shared", self.offsets[op]
        return f"{self.name}_shared_{list(self.offsets).index(op)}", 0

    def globals(self) -> list[Operation]:
        """The globals: one for each buffer, or an external one of size 0 that the launch gives its size."""
        made: list[Operation] = []
        if self.dynamic_bytes:
            bytes_ = llvm.LLVMArrayType(0, IntegerType(8))
            made = [llvm.GlobalOp(bytes_, f"{self.name}_shared", "external", SPACE, alignment=ALIGNMENT)]
        else:
            for op in self.offsets:
                type_ = memref_of(op.result)
                count = max(1, prod(type_.get_shape()))
                array = llvm.LLVMArrayType(count, memory_type(type_.element_type))
                made.append(llvm.GlobalOp(array, self.place(op)[0], "internal", SPACE, alignment=ALIGNMENT))
        for op in made:
            op.location = self.location
        return made
