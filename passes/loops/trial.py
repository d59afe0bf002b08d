"""Choosing a schedule by trying: steps are done on a copy of the kernel, and kept where they are legal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.func import FuncOp

from weft.diagnostics import WeftError
from weft.dialects.loop import LoadOp, ReduceOp, buffer_name
from weft.dialects.loop.schedule import FuseConsumer, Step
from weft.passes.loops.apply_schedule import pass_of
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import buffers, loops
from weft.passes.loops.nest_shape import Leaf
from weft.passes.loops.registers import check_registers
from weft.passes.making import copied


@dataclass
class Trial:
    """A copy of a kernel that has the chosen steps applied."""

    original: FuncOp
    steps: list[Step] = field(default_factory=list[Step])
    refused: list[str] = field(default_factory=list[str])
    """Why steps were not taken, in the order in which they were tried."""

    def __post_init__(self) -> None:
        self.copy = copied(self.original)

    def attempt(self, steps: Sequence[Step]) -> bool:
        """Take the steps, where all of them are legal. A step that is refused has not changed anything."""
        done = 0
        try:
            for step in steps:
                pass_of(step).run(self.copy)
                done += 1
            check_registers(self.copy)
        except WeftError as error:
            self.refused.append(error.message)
            if done:
                self.back_to(len(self.steps))
            return False
        self.steps += steps
        return True

    def back_to(self, count: int) -> None:
        """Take back all but the first `count` steps."""
        del self.steps[count:]
        self.copy = copied(self.original)
        for step in self.steps:
            pass_of(step).run(self.copy)

    def snapshot(self) -> FuncOp:
        """The kernel as it is now, for steps that are planned while others are taken."""
        return copied(self.copy) if self.steps else self.original

    def has(self, nest: Leaf) -> bool:
        """Whether the nest is still there: it may have been fused into another."""
        return self.has_loop(nest.loops[-1].label.data)

    def has_loop(self, name: str) -> bool:
        """Whether there is a loop of that label."""
        return bool(loops(self.copy, name))

    def fuse_consumer(self, name: str) -> None:
        """Fuse the consumer of a buffer, where it can be."""
        buffer = next((b for b in buffers(self.copy) if buffer_name(b) == name), None)
        touching = [] if buffer is None else accesses(self.copy, buffer)
        reads = sum(isinstance(access, LoadOp) for access in touching)
        if reads == 1 and not any(isinstance(access, ReduceOp) for access in touching):
            self.attempt([FuseConsumer(name)])
