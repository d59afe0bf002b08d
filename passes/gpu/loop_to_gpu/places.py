"""Which part of a thread's id the counter of a mapped loop is."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import Block, Operation, SSAValue

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp, AllocOp, ForOp, ReadOp, WriteOp
from weft.dialects.loop.nest import loops_around
from weft.passes.loops.kernels import label
from weft.passes.loops.ranges import greatest_trip

WARP = 32
MAPPED = ("warp", "thread")
MOST_THREADS = 1024


@dataclass(frozen=True)
class Place:
    """The counter of a loop is `(id mod modulus) / divisor` along an axis, and runs to `extent`.

    Without a modulus the whole id is meant. There are `room` ids for the loop: `extent * divisor` where all are used.
    """

    axis: int
    extent: int
    divisor: int
    modulus: int | None
    room: int

    @property
    def key(self) -> tuple[int, int, int | None]:
        """What two loops have in common whose counters are always equal."""
        return self.axis, self.divisor, self.modulus


class Places:
    """The places of all mapped loops of a body, and how many threads they take."""

    def __init__(self, body: Block) -> None:
        self.of: dict[ForOp, Place] = {}
        self.restarts: set[ForOp] = set()
        mapped = [op for op in body.walk() if isinstance(op, ForOp) and op.kind() in MAPPED]
        for loop in mapped:
            self._find_restart(loop)
        strides = {loop: self._stride(loop, mapped) for loop in reversed(mapped)}
        sizes = [1, 1, 1]
        for loop in mapped:
            if self.parent(loop) is None:
                sizes[axis_of(loop)] = max(sizes[axis_of(loop)], extent_of(loop) * strides[loop])
        if sizes[1:] == [1, 1] and mapped:
            sizes[0] = -(-sizes[0] // WARP) * WARP
        self.threads = (sizes[0], sizes[1], sizes[2])
        if sizes[0] * sizes[1] * sizes[2] > MOST_THREADS:
            raise error_at(
                mapped[0],
                f"a block would have {sizes[0] * sizes[1] * sizes[2]} threads; it has at most {MOST_THREADS}",
                code=codes.CANNOT_LOWER,
            )
        for loop in mapped:
            outer = self.parent(loop)
            axis = axis_of(loop)
            modulus = None if outer is None else strides[outer]
            room = sizes[axis] if modulus is None else modulus
            self.of[loop] = Place(axis, extent_of(loop), strides[loop], modulus, room)

    def parent(self, loop: ForOp) -> ForOp | None:
        """The mapped loop around a loop that shares its axis."""
        if loop in self.restarts:
            return None
        for outer in loops_around(loop):
            if outer.kind() in MAPPED and axis_of(outer) == axis_of(loop):
                return outer
            if any(outer.is_ancestor(start) and start.is_ancestor(loop) for start in self.restarts):
                return None
        return None

    def _stride(self, loop: ForOp, mapped: list[ForOp]) -> int:
        inner = [other for other in mapped if other is not loop and self.parent(other) is loop]
        least = WARP if loop.kind() == "warp" else 1
        return max([least, *(rounded(extent_of(other) * self._stride(other, mapped)) for other in inner)])

    def _find_restart(self, loop: ForOp) -> None:
        """A nest inside mapped loops that fills shared memory is done by all threads."""
        outer = [o for o in loops_around(loop) if o.kind() in MAPPED]
        if not outer or any(start.is_ancestor(loop) for start in self.restarts):
            return
        inside = {o.counter for o in outer}
        for op in (loop, *loops_around(loop)):
            if op in outer:
                break
            if fills_shared(op) and not inside & used_values(op):
                self.restarts.add(loop)
                break


def rounded(threads: int) -> int:
    """So many threads and a few idle ones, such that shuffles reach all: a power of two in a warp, or whole warps."""
    return 1 << (threads - 1).bit_length() if threads <= WARP else -(-threads // WARP) * WARP


def axis_of(loop: ForOp) -> int:
    """The axis of a mapped loop; warps lie along x."""
    return 0 if loop.kind() == "warp" else loop.number()


def extent_of(loop: ForOp) -> int:
    """The most iterations of a mapped loop. Raises :class:`WeftError` where only the run knows."""
    trip = greatest_trip(loop)
    if trip is None:
        raise error_at(
            loop,
            f"the loop '{label(loop)}' is mapped to '{loop.kind()}' and only the run knows how often it runs",
            "tile it, and map the loop in a tile",
            code=codes.CANNOT_LOWER,
        )
    return max(trip, 1)


def is_shared(buffer: SSAValue) -> bool:
    """Whether a buffer lies in shared memory."""
    return isinstance(alloc := buffer.owner, AllocOp) and alloc.space.data == "shared"


def fills_shared(op: Operation) -> bool:
    """Whether all that an op writes is shared memory."""
    writes = [inner.target for inner in op.walk() if isinstance(inner, WriteOp)]
    return bool(writes) and all(map(is_shared, writes))


def used_values(op: Operation) -> set[SSAValue]:
    """All values that linear forms inside an op use."""
    return {value for inner in op.walk() for value in inner.operands}


def written_and_read(op: Operation) -> set[SSAValue]:
    """The buffers that are both written and read inside an op."""
    accesses = [inner for inner in op.walk() if isinstance(inner, AccessOp)]
    written = {access.target for access in accesses if isinstance(access, WriteOp)}
    return {access.target for access in accesses if isinstance(access, ReadOp) and access.target in written}
