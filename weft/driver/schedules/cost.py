"""What a kernel has to do at least: operations on floats, and bytes between memory and it; and how long that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat, FixedBitwidthType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue

from weft.dialects.loop import AccessOp, PrefetchOp, ReduceOp, WriteOp
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.nest import loops_around
from weft.dialects.target import Cpu
from weft.passes.loops.ranges import greatest_trip

_FREE = (arith.ConstantOp, arith.SelectOp, arith.BitcastOp, arith.ExtFOp, arith.TruncFOp)
"""Ops that give floats and compute none."""


@dataclass(frozen=True)
class Moved:
    """A buffer of a kernel's arguments: its name, and how many bytes of it are read and written."""

    name: str
    read: int
    written: int


@dataclass(frozen=True)
class Cost:
    """Operations on floats (an addition or a product is one, a function what it is expanded to), and the buffers.

    None where sizes are known only when the program runs.
    """

    flops: int | None
    moved: tuple[Moved, ...] | None

    @property
    def bytes(self) -> int | None:
        """All that is read or written, each place once."""
        return None if self.moved is None else sum(m.read + m.written for m in self.moved)


def cost_of(kernel: FuncOp, names: dict[SSAValue, str]) -> Cost:
    """What naive loops do. `names` has the buffers among the arguments."""
    flops: int | None = 0
    for op in kernel.walk():
        if _counts(op):
            times = _times(op)
            flops = None if flops is None or times is None else flops + times
    moved = [_moved(kernel, value, name) for value, name in names.items()]
    known = [m for m in moved if m is not None]
    return Cost(flops, tuple(known) if len(known) == len(moved) else None)


def _counts(op: Operation) -> bool:
    """Whether an op is one operation on floats."""
    if isinstance(op, ReduceOp):
        return isinstance(op.value.type, AnyFloat)
    if isinstance(op, _FREE) or not op.name.startswith(("arith.", "math.")):
        return False
    return any(isinstance(result.type, AnyFloat) for result in op.results)


def _times(op: Operation) -> int | None:
    """How often an op runs at most."""
    trips = [greatest_trip(loop) for loop in loops_around(op)]
    return None if None in trips else prod(trip for trip in trips if trip is not None)


def _moved(kernel: FuncOp, buffer: SSAValue, name: str) -> Moved | None:
    """The bytes of a buffer that move, at most all of it in each direction; None where its size is not known."""
    type_ = memref_of(buffer)
    shape = type_.get_shape()
    if any(size < 0 for size in shape):
        return None
    element = _bytes(type_.element_type)
    totals = {False: 0, True: 0}
    touching = list(_accesses(kernel, buffer))
    if touching and isinstance(touching[0], WriteOp):
        touching = [access for access in touching if isinstance(access, WriteOp)]  # it reads what it wrote itself
    for access in touching:
        times = _times(access)
        totals[isinstance(access, WriteOp)] += prod(shape) if times is None else times
    return Moved(name, *(element * min(total, prod(shape)) for total in totals.values()))


def _accesses(kernel: FuncOp, buffer: SSAValue) -> Iterator[AccessOp]:
    for op in kernel.walk():
        if isinstance(op, AccessOp) and not isinstance(op, PrefetchOp) and op.target is buffer:
            yield op


def _bytes(type_: Attribute) -> int:
    return max(1, type_.bitwidth // 8) if isinstance(type_, FixedBitwidthType) else 8


@dataclass(frozen=True)
class Floor:
    """The least time that a kernel can take on a machine: by its arithmetic, and by what it moves."""

    arithmetic: float
    memory: float

    @property
    def seconds(self) -> float:
        """The longer of both."""
        return max(self.arithmetic, self.memory)


def floor_of(cost: Cost, cpu: Cpu, threads: int) -> Floor | None:
    """The floor on so many threads; None where the cost is not known.

    What fits into the last cache may be there already: then only arithmetic counts.
    """
    if cost.flops is None or cost.bytes is None:
        return None
    arithmetic = cost.flops / (cpu.gflops * 1e9 * threads)
    return Floor(arithmetic, cost.bytes / (cpu.gbytes * 1e9) if cost.bytes > cpu.l3_bytes else 0.0)
