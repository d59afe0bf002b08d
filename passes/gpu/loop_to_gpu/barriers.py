"""Barriers: between what one thread writes for others and what they read, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects import gpu
from weft.dialects.loop import AccessOp, AllocOp, ForOp, IfOp, PrefetchOp, ReadOp, ReduceOp, StoreOp, WriteOp
from weft.passes.gpu.loop_to_gpu.places import is_shared
from weft.passes.loops.kernels import insert

OWN = ("reg", "stack")
"""The spaces of a thread alone."""


@dataclass
class _Waiting:
    """What was written and read since the last barrier."""

    written: set[SSAValue] = field(default_factory=set[SSAValue])
    read: set[SSAValue] = field(default_factory=set[SSAValue])

    def copy(self) -> _Waiting:
        return _Waiting(set(self.written), set(self.read))

    def add(self, other: _Waiting) -> None:
        self.written |= other.written
        self.read |= other.read

    def clear(self) -> None:
        self.written.clear()
        self.read.clear()

    def meets(self, op: _Waiting) -> bool:
        """Whether what an op does must wait for the others."""
        return bool(self.written & (op.read | op.written) or self.read & op.written)


def put_barriers(body: Block) -> None:
    """Put a `gpu.barrier` wherever a buffer that threads share is read after another thread wrote it, or written
    after another one read or wrote it. Loops are looked at twice: what their end leaves meets their start."""
    _walk(body, _Waiting())


def _walk(block: Block, waiting: _Waiting) -> None:
    for op in list(block.ops):
        if isinstance(op, gpu.BarrierOp):
            waiting.clear()
            continue
        effect = _effect(op)
        if not effect.written and not effect.read:
            continue
        if isinstance(op, ForOp) and _inner(op, effect):
            if waiting.meets(effect):
                _barrier(op, waiting)
            before = waiting.copy()
            _walk(op.block, waiting)
            _walk(op.block, waiting)
            waiting.add(before)
        elif isinstance(op, IfOp) and _inner(op, effect):
            other = waiting.copy()
            _walk(op.then.block, waiting)
            _walk(op.other.block, other)
            waiting.add(other)
        else:
            if waiting.meets(effect):
                _barrier(op, waiting)
            waiting.add(effect)


def _inner(op: Operation, effect: _Waiting) -> bool:
    """Whether there may have to be a barrier inside: shared memory is written and read there, or it has one."""
    both = effect.written & effect.read
    return any(map(is_shared, both)) or any(isinstance(inner, gpu.BarrierOp) for inner in op.walk())


def _barrier(op: Operation, waiting: _Waiting) -> None:
    insert([gpu.BarrierOp()], InsertPoint.before(op), op)
    waiting.clear()


def _effect(op: Operation) -> _Waiting:
    """The buffers that threads share and an op writes and reads."""
    found = _Waiting()
    for inner in op.walk():
        if not isinstance(inner, AccessOp) or isinstance(inner, PrefetchOp):
            continue
        if isinstance(inner, StoreOp) and inner.asynchronous is not None:
            continue  # the waits and barriers of a pipeline are there
        owner = inner.target.owner
        if isinstance(owner, AllocOp) and owner.space.data in OWN:
            continue
        if isinstance(inner, WriteOp):
            found.written.add(inner.target)
        if isinstance(inner, ReadOp | ReduceOp):
            found.read.add(inner.target)
    return found
