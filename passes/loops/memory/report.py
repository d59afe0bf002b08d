"""A memory plan for people to read."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import func

from weft.dialects.locations import where
from weft.passes.loops.memory.lifetimes import Lifetime, lifetimes
from weft.passes.loops.memory.packing import Layout, pack, peak


@dataclass(frozen=True)
class MemoryPlan:
    """The memory of one function: `bytes` of workspace with known size, and what they would be without reuse."""

    function: str
    buffers: tuple[Lifetime, ...]
    layout: Layout
    peak: int

    @property
    def bytes(self) -> int:
        """The part of the workspace whose size is known."""
        return self.layout.static_bytes

    @property
    def bytes_without_reuse(self) -> int:
        """The same, were every buffer to have memory of its own."""
        return sum(buffer.bytes or 0 for buffer in self.buffers)

    def __str__(self) -> str:
        lines = [
            f"@{self.function}: workspace of {self.bytes} bytes for {len(self.buffers)} buffers"
            f" ({self.bytes_without_reuse} without reuse, {self.peak} live at once)"
        ]
        if self.layout.slots:
            lines[0] += f", and {len(self.layout.slots)} slots of run-time size"
        lines += [f"  {self._line(buffer)}" for buffer in self.buffers]
        return "\n".join(lines)

    def _line(self, buffer: Lifetime) -> str:
        name = buffer.alloc.memref.name_hint or "buffer"
        if buffer.bytes is None:
            place = f"slot {self.layout.slot_of(buffer)}"
        else:
            offset = self.layout.offsets[buffer]
            place = f"bytes {offset} to {offset + buffer.bytes}"
        return f"{name}: {buffer.type}, {place}, made at {where(buffer.alloc)}"


def plan(function: func.FuncOp, buffers: list[Lifetime] | None = None, reuse: bool = True) -> MemoryPlan:
    """The memory plan of a host function; `buffers` are those to place, by default all that can be."""
    placed = tuple(lifetimes(function) if buffers is None else buffers)
    return MemoryPlan(function.sym_name.data, placed, pack(placed, reuse), peak(placed))
