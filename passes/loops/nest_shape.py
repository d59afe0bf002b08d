"""What a nest looks like to the chooser of schedules: its loops, its roles, how each access moves along a counter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import FixedBitwidthType
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import AccessOp, AllocOp, ForOp, IfOp, LoadOp, PrefetchOp, ReduceOp, ScatterOp, StoreOp
from weft.dialects.loop.buffers import memref_of
from weft.passes.loops.dependence import carried
from weft.passes.loops.ranges import greatest_trip

UNKNOWN_TRIP = 256
"""The number of iterations that is assumed where only the run knows it."""

INSTRUCTIONS = (
    "math.absf",
    "math.absi",
    "math.ceil",
    "math.copysign",
    "math.floor",
    "math.fma",
    "math.rsqrt",
    "math.sqrt",
)
"""The ops of `math` that machines have."""

CONVERSIONS = (arith.ExtFOp, arith.ExtSIOp, arith.ExtUIOp, arith.TruncFOp, arith.SIToFPOp, arith.UIToFPOp)


@dataclass(frozen=True)
class Leaf:
    """A perfect nest, outermost loop first, whose body has no loops and no conditions."""

    loops: tuple[ForOp, ...]

    @property
    def body(self) -> list[Operation]:
        """The ops of the body."""
        return list(self.loops[-1].block.ops)

    @property
    def accesses(self) -> list[AccessOp]:
        """The accesses of the body, hints aside."""
        return [op for op in self.body if isinstance(op, AccessOp) and not isinstance(op, PrefetchOp)]

    @property
    def reductions(self) -> list[ReduceOp]:
        """The reductions of the body."""
        return [op for op in self.body if isinstance(op, ReduceOp)]

    @property
    def stores(self) -> list[StoreOp | ScatterOp]:
        """The stores of the body."""
        return [op for op in self.body if isinstance(op, StoreOp | ScatterOp)]

    @property
    def element_bytes(self) -> int:
        """The size of the largest element that the body touches."""
        return max((element_bytes(access) for access in self.accesses), default=4)

    def calls(self) -> bool:
        """Whether the body has functions that are called for each lane."""
        return any(op.name.startswith("math.") and op.name not in INSTRUCTIONS for op in self.body)

    def work(self) -> int:
        """How many scalar ops the nest runs, run-time sizes assumed; what takes longer counts for more.

        A transcendental function is 16 ops, and an access that no iteration repeats is 6: vectors wait for what comes
        from caches further away. Where iterations wait for each other, each is 4 times the work of one in a vector.
        """
        loops = [loop for loop in self.loops if trip_or(loop, UNKNOWN_TRIP) > 1]
        each = sum(16 if op.name.startswith("math.") else 1 for op in self.body)
        each += 5 * sum(all(loop.counter in access.counters for loop in loops) for access in self.accesses)
        if self.stores and carried(self.loops[-1], lanes=True) is not None:
            each *= 4
        return each * prod(trip_or(loop, UNKNOWN_TRIP) for loop in self.loops)


def leaf(loop: ForOp) -> Leaf | None:
    """The perfect nest that starts at a loop; None where it ends in more than plain ops."""
    loops = perfect(loop)
    if any(isinstance(op, ForOp | IfOp | AllocOp) for op in loops[-1].block.ops):
        return None
    return Leaf(tuple(loops))


def perfect(loop: ForOp) -> list[ForOp]:
    """A loop and those that stand in it with nothing beside them."""
    loops = [loop]
    while isinstance(inner := loop.block.first_op, ForOp) and inner is loop.block.last_op:
        loops.append(inner)
        loop = inner
    return loops


def trip_or(loop: ForOp, unknown: int) -> int:
    """The greatest number of iterations of a loop, or what is assumed of it."""
    trip = greatest_trip(loop)
    return unknown if trip is None else trip


def element_bytes(access: AccessOp) -> int:
    """The size of an element of the accessed buffer."""
    element = access.memref.element_type
    return element.size if isinstance(element, FixedBitwidthType) else 8


def buffer_bytes(buffer: SSAValue) -> int:
    """The size of a buffer; 0 where only the run knows it."""
    type_ = memref_of(buffer)
    size = type_.element_type.size if isinstance(type_.element_type, FixedBitwidthType) else 8
    return size * prod(type_.get_shape()) if type_.has_static_shape() else 0


def stride(access: AccessOp, counter: SSAValue) -> int | None:
    """How many elements an access moves when a counter goes up by one; None where only the run knows."""
    strides = access.memref.get_strides()
    total = 0
    for form, step in zip(access.index(), strides or [None] * len(access.index()), strict=True):
        factor = form.coefficient(counter)
        if factor and step is None:
            return None
        total += factor * (step or 0)
    return total


def factors(out: ReduceOp) -> tuple[LoadOp, LoadOp] | None:
    """The two loads whose product, conversions aside, a reduction adds up."""
    product = _converted(out.value)
    if not isinstance(product, arith.MulfOp | arith.MuliOp):
        return None
    left, right = _converted(product.lhs), _converted(product.rhs)
    if isinstance(left, LoadOp) and isinstance(right, LoadOp) and left is not right:
        return left, right
    return None


def _converted(value: SSAValue) -> Operation | None:
    """The op behind a value and conversions of it."""
    owner = value.owner
    while isinstance(owner, CONVERSIONS):
        owner = owner.operands[0].owner
    return owner if isinstance(owner, Operation) else None


def labels(loops: Sequence[ForOp]) -> tuple[str, ...]:
    """The labels of loops."""
    return tuple(loop.label.data for loop in loops)
