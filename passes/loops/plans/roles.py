"""The roles that the loops and loads of a sum of products can take, and what each choice costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

from weft.dialects.loop import ForOp, LoadOp, ReduceOp
from weft.dialects.loop.dots import PAIR, dot_of
from weft.passes.loops.nest_shape import Leaf, element_bytes, factors, stride
from weft.passes.loops.plans.common import VECTORS_IN_A_ROW, Machine, trip

LATENCY = 4
"""How many sums must be under way for a machine to start a multiply-add in every cycle."""

SCALAR_COST = 1.5
"""Cycles for an element that goes in or out of a vector on its own."""

COPY_COST = 0.15
"""Cycles for an element that is packed as part of a vector."""

TRANSPOSE_COST = 0.6
"""Cycles for an element that is packed across the vectors that it is read in."""

WAYS = 8
"""How many lines that start at the same place the first cache holds."""

WAY_BYTES = 4096
"""The distance of such lines."""

CONFLICT_COST = 1.3
"""How much slower a tile of sums is whose rows push each other out of the first cache."""

FEW_TILES = 6
"""Up to so many tiles beside each other have no rest, if tiles of a few rows less have none."""

ACROSS_COST = 10.0
"""Cycles to add up the lanes of a vector."""


@dataclass(frozen=True)
class Roles:
    """`out[...] += left[...] * right[...]`, with the roles of the loops.

    `lanes` moves the output and `right` but not `left`; `rows` moves the output and `left` but not `right`;
    `over` is reduced; `outer` are the other loops of the output.
    """

    out: ReduceOp
    left: LoadOp
    right: LoadOp
    lanes: ForOp
    rows: ForOp | None
    over: tuple[ForOp, ...]
    outer: tuple[ForOp, ...]

    @property
    def depth(self) -> int:
        """How many products each sum has."""
        return prod(trip(loop) for loop in self.over)

    @property
    def times(self) -> int:
        """The iterations of the outer loops together."""
        return prod(trip(loop) for loop in self.outer)

    @property
    def across(self) -> bool:
        """Whether lanes are apart in the right input."""
        return stride(self.right, self.lanes.counter) != 1

    @property
    def scattered(self) -> bool:
        """Whether lanes are apart in the output, so that its rows must become columns."""
        return stride(self.out, self.lanes.counter) != 1


def roles(nest: Leaf) -> Iterator[Roles]:
    """The ways to see a nest as a sum of products, by the loop that runs along the lanes; none where it is no such
    sum. Loops of one iteration run along the lanes only where there are no others."""
    if len(nest.reductions) != 1 or nest.stores:
        return
    (out,) = nest.reductions
    loads = factors(out)
    if out.kind.data != "add" or loads is None or not out.over:
        return
    over = tuple(loop for loop in nest.loops if loop.counter in out.over)
    outputs = [loop for loop in nest.loops if loop not in over]
    if any(loop.counter not in out.counters for loop in outputs):
        return
    moving = [loop for loop in outputs if trip(loop) > 1] or outputs
    for lanes in reversed(moving):
        moved = [load for load in loads if lanes.counter in load.counters]
        if len(moved) == 1:
            right = moved[0]
            found = _with(out, loads[1] if right is loads[0] else loads[0], right, lanes, over, outputs)
            if not found.scattered or _can_turn(found):
                yield found


def _can_turn(found: Roles) -> bool:
    """Whether stores may run along the rows of a tile of sums."""
    return found.rows is not None and trip(found.rows) > 1 and stride(found.out, found.rows.counter) == 1


def _with(
    out: ReduceOp, left: LoadOp, right: LoadOp, lanes: ForOp, over: tuple[ForOp, ...], outputs: list[ForOp]
) -> Roles:
    rows = [loop for loop in outputs if loop.counter in left.counters and loop.counter not in right.counters]
    row = max(rows, key=lambda loop: (trip(loop) > 1, rows.index(loop)), default=None)
    outer = tuple(loop for loop in outputs if loop not in (lanes, row))
    return Roles(out, left, right, lanes, row, over, outer)


def has_pairs(found: Roles, machine: Machine) -> bool:
    """Whether the machine adds two products of a sum at once, where the right input has its lanes side by side."""
    trip, dot = found.over[-1].trip(), dot_of(found.out)
    return dot is not None and machine.cpu.has(dot.feature) and not found.across and trip is not None and trip >= PAIR


def register_tile(found: Roles, lanes: int, machine: Machine) -> tuple[int, int]:
    """(rows, columns) of the sums that are kept in registers: three quarters of them, two vectors wide."""
    sums = machine.cpu.vector_registers * 3 // 4
    vectors = min(2, -(-trip(found.lanes) // lanes))
    rows = max(1, min(trip(found.rows), sums // vectors))
    if rows < sums // 4:
        vectors = max(vectors, min(VECTORS_IN_A_ROW, sums // rows, -(-trip(found.lanes) // lanes)))
    elif trip(found.rows) % rows:
        # a few rows more, where that leaves none over; or fewer, where a rest would be much of the code and the work
        most = (machine.cpu.vector_registers - vectors - 2) // vectors
        fewer = range(rows - 1, rows * 5 // 8, -1) if trip(found.rows) <= FEW_TILES * rows else ()
        whole = (size for size in (*range(rows + 1, most + 1), *fewer) if trip(found.rows) % size == 0)
        rows = next(whole, rows)
    return rows, vectors * lanes


def dot_tile(found: Roles, machine: Machine) -> tuple[int, int]:
    """(rows, columns) of the vectors of partial sums that are kept in registers."""
    sums = machine.cpu.vector_registers * 3 // 4
    columns = min(trip(found.lanes), 4)
    rows = min(trip(found.rows), max(1, min(8, sums // columns)))
    return rows, min(trip(found.lanes), max(columns, min(8, sums // rows)))


def cost_along_lanes(found: Roles, lanes: int, machine: Machine, *, packed: bool, times: int = 1) -> float:
    """Cycles, about, with sums in the lanes of vectors; a packed right input serves so many nests."""
    rows, columns = register_tile(found, lanes, machine)
    vectors = columns // lanes
    strips = ceil(trip(found.lanes) / lanes)
    products = found.times * trip(found.rows) * strips * found.depth
    loads = (vectors + rows / 2) / (rows * vectors)
    cost = products * max(1.0, loads, LATENCY / (rows * vectors)) / (PAIR if has_pairs(found, machine) else 1)
    if found.scattered and rows > WAYS and found.rows is not None and _meet(found.left, found.rows):
        cost *= CONFLICT_COST
    if found.scattered:
        cost += found.times * trip(found.rows) * trip(found.lanes) * TRANSPOSE_COST
    if packed:
        each = COPY_COST
        if found.across:
            squares = len(found.over) == 1 and not found.scattered
            each = TRANSPOSE_COST if squares else SCALAR_COST
        return cost + _elements(found.right, found) * each / times
    if found.across:
        passes = ceil(trip(found.rows) / rows)
        cost += found.times * passes * strips * lanes * found.depth * SCALAR_COST
    return cost


def _meet(load: LoadOp, rows: ForOp) -> bool:
    """Whether rows of an input start at the same place of the first cache."""
    step = stride(load, rows.counter)
    return bool(step) and step * element_bytes(load) % WAY_BYTES == 0


def cost_of_dots(found: Roles, lanes: int, machine: Machine) -> float:
    """Cycles, about, with partial sums along the innermost loop that is reduced over."""
    rows, columns = dot_tile(found, machine)
    sums = found.times * trip(found.rows) * trip(found.lanes)
    steps = found.depth / trip(found.over[-1]) * ceil(trip(found.over[-1]) / lanes)
    loads = (rows + columns) / (rows * columns)
    turned = [load for load in (found.left, found.right) if stride(load, found.over[-1].counter) != 1]
    turning = sum(_elements(load, found) for load in turned) * SCALAR_COST
    return turning + sums * (steps * max(1.0, loads, LATENCY / (rows * columns)) + ACROSS_COST)


def _elements(load: LoadOp, found: Roles) -> int:
    """How many iterations of loops that move a load there are."""
    loops = (found.lanes, found.rows, *found.over, *found.outer)
    return prod(trip(loop) for loop in loops if loop is not None and loop.counter in load.counters)
