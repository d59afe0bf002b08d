"""How many blocks of a kernel a multiprocessor should hold at once: what `nvvm.minctasm` tells ptxas.

With a large tile in the registers of each thread, ptxas takes all registers that there are, to load further ahead. Two
blocks, of which one computes where the other waits at its barrier, are worth more.
"""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import FixedBitwidthType

from weft.dialects import gpu
from weft.dialects.loop import AllocOp
from weft.dialects.loop.buffers import memref_of

REGISTERS = 65536
"""The registers of a multiprocessor."""

OTHERS = 32
"""The registers of a thread that hold no buffer: addresses, and what is read of other memory."""

LEAST = 64
"""With fewer registers in buffers ptxas is left alone."""

BLOCKS = 2


def blocks_together(kernel: gpu.FuncOp) -> int | None:
    """The blocks that a multiprocessor should hold, at least; None where nothing speaks for a number."""
    size = kernel.block_size
    kept = sum(_words(op) for op in kernel.walk() if isinstance(op, AllocOp) and op.space.data == "reg")
    if size is None or kept < LEAST:
        return None
    return BLOCKS if BLOCKS * prod(size) * (kept + OTHERS) <= REGISTERS else None


def _words(alloc: AllocOp) -> int:
    type_ = memref_of(alloc.result)
    element = type_.element_type
    bytes_ = element.size if isinstance(element, FixedBitwidthType) else 8
    return -(-prod(type_.get_shape()) * bytes_ // 4)
