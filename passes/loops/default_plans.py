"""The default plans: steps for a nest, from its shape and the facts about the machine. No op's name matters.

| nest | plan |
| --- | --- |
| sum of products, large and static | panels of both inputs packed for the caches, a tile of sums in registers |
| sum of products | a tile of sums in registers |
| sum of products, one row | the right input streamed once, a strip of sums in registers |
| reduction along the lanes | partial results in vectors, combined at the end |
| reduction along other loops, or of fewer elements than a vector has lanes | a strip of results in registers |
| one thing for each element | vectors along the last dimension |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from weft.dialects.loop import AccessOp, AllocOp, ForOp, ReadOp, ReduceOp, buffer_name
from weft.dialects.loop.schedule import (
    Interchange,
    Parallelize,
    Partition,
    Rfactor,
    Stage,
    Step,
    Tile,
    Unroll,
    Vectorize,
)
from weft.dialects.target import Cpu
from weft.passes.loops.nest_shape import (
    UNKNOWN_TRIP,
    Contraction,
    Leaf,
    contraction,
    labels,
    stride,
    trip_or,
)
from weft.passes.loops.ranges import greatest_trip

PARALLEL_WORK = 1 << 21
"""The least number of scalar ops of a nest that is worth waking threads for."""

VECTORS_IN_A_ROW = 4
"""How many vectors a strip of results or of elements has."""

STREAMED_ROWS = 16
"""How many rows of the right input the one-row plan adds to a strip before it moves on."""

PACKED_COLUMNS = 512
"""Up to so many columns the right input is read as it stands."""

LONG_BODY = 64
"""So many ops are worth vectors even if their lanes are stored one by one."""

DEPTH = 512
"""The depth of a packed panel."""


@dataclass
class Names:
    """Labels and names of buffers that are in use, so that new ones differ."""

    used: set[str] = field(default_factory=set[str])

    def new(self, name: str) -> str:
        """`name`, with `_` behind it as often as it takes."""
        while name in self.used:
            name += "_"
        self.used.add(name)
        return name


@dataclass(frozen=True)
class Machine:
    """The facts that plans are made from."""

    cpu: Cpu
    parallel: bool
    """Whether the nest may start threads."""

    def lanes(self, element_bytes: int) -> int:
        """How many elements a vector has."""
        return max(2, self.cpu.vector_bytes // max(1, element_bytes))

    def wants_threads(self, work: int) -> bool:
        """Whether so many scalar ops are worth threads."""
        return self.parallel and self.cpu.threads > 1 and work >= PARALLEL_WORK


def plans(nest: Leaf, machine: Machine, names: Names) -> list[list[Step]]:
    """The plans for a nest, the best one first; none where it stays as it is."""
    if any(loop.trip() == 0 for loop in nest.loops):
        return []
    found = contraction(nest)
    result: list[list[Step]] = []
    if found is not None:
        if _is_large(found):
            result.append(_packed(nest, found, machine, names))
        if _is_one_row(found):
            result.append(_one_row(nest, found, machine, names))
        result.append(_direct(nest, found, machine, names))
    if nest.reductions:
        along = [_partials(nest, machine, names), _strip(nest, machine, names)]
        result += along[::-1] if _is_short(nest.loops[-1], nest, machine) else along
    elif nest.stores:
        result.append(_elements(nest, machine, names))
    return [plan for plan in result if plan]


def _is_short(loop: ForOp, nest: Leaf, machine: Machine) -> bool:
    """Whether a loop has fewer iterations than a vector has lanes, as one over a small window."""
    trip = greatest_trip(loop)
    return trip is not None and trip < machine.lanes(nest.element_bytes)


def _trip(loop: ForOp | None) -> int:
    return 1 if loop is None else max(1, trip_or(loop, UNKNOWN_TRIP))


def _register_tile(found: Contraction, lanes: int, machine: Machine) -> tuple[int, int]:
    """(rows, columns) of the sums that are kept in registers: three quarters of them, two vectors wide."""
    sums = machine.cpu.vector_registers * 3 // 4
    vectors = min(2, -(-_trip(found.lanes) // lanes))
    rows = max(1, min(_trip(found.rows), sums // vectors))
    if rows < sums // 4:
        vectors = max(vectors, min(VECTORS_IN_A_ROW, sums // rows, -(-_trip(found.lanes) // lanes)))
    return rows, vectors * lanes


def _is_large(found: Contraction) -> bool:
    """Whether packing pays: many rows, and a right input that is wide, or read across."""
    across = stride(found.right, found.lanes.counter) != 1
    wide = _trip(found.lanes) > PACKED_COLUMNS or (across and _trip(found.lanes) >= 16)
    one_depth = len(found.over) == 1 and found.lanes.trip() is not None
    return wide and one_depth and _trip(found.rows) >= 48 and _trip(found.over[-1]) >= 32


def _is_one_row(found: Contraction) -> bool:
    return _trip(found.rows) == 1 and not found.outer and found.over[-1].trip() is not None


def _direct(nest: Leaf, found: Contraction, machine: Machine, names: Names) -> list[Step]:
    """Sums in registers, inputs read where they stand."""
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = _register_tile(found, lanes, machine)
    column = found.lanes.label.data
    vp, vr = names.new(f"{column}p"), names.new(f"{column}r")
    steps: list[Step] = [Tile(column, columns, vp, vr)]
    tiles = {vp: _trip(found.lanes) // columns}
    inner = [vr]
    if found.rows is not None:
        row = found.rows.label.data
        up, ur = names.new(f"{row}p"), names.new(f"{row}r")
        steps.append(Tile(row, rows, up, ur))
        tiles[up] = _trip(found.rows) // rows
        inner = [ur, vr]
    # loops that change what is read of the right input stand outside of its columns, the others inside
    moving = [loop for loop in found.outer if loop.counter in found.right.counters]
    resting = [loop for loop in found.outer if loop not in moving]
    outer = [*labels(moving), vp, *labels(resting), *list(tiles)[1:]]
    threads = machine.wants_threads(nest.work())
    if threads:
        trips = {loop.label.data: _trip(loop) for loop in found.outer} | tiles
        many = [name for name in outer if trips[name] >= machine.cpu.threads]
        first = many[0] if many else max(outer, key=lambda name: trips[name])
        outer = [first, *(name for name in outer if name != first)]
    steps.append(Interchange((*outer, *labels(found.over), *inner)))
    steps += [Parallelize(outer[0])] if threads else []
    steps.append(Vectorize(vr, lanes))
    steps += [Unroll(name) for name in inner[:-1]]
    steps.append(Stage(_name(found.out), outer[-1], names.new(f"{_name(found.out)}_r"), "reg"))
    return [*steps, *(Partition(name) for name in tiles)]


def _one_row(nest: Leaf, found: Contraction, machine: Machine, names: Names) -> list[Step]:
    """A strip of sums in registers for some rows of the right input, which is read once, in order."""
    lanes = machine.lanes(nest.element_bytes)
    column, depth = found.lanes.label.data, found.over[-1].label.data
    vp, vr = names.new(f"{column}p"), names.new(f"{column}r")
    kc, k = names.new(f"{depth}c"), names.new(f"{depth}i")
    outside = [*labels(() if found.rows is None else (found.rows,)), *labels(found.over[:-1]), kc]
    threads = machine.wants_threads(nest.work())
    order = [vp, *outside] if threads else [*outside, vp]
    return [
        Tile(column, VECTORS_IN_A_ROW * lanes, vp, vr),
        Tile(depth, STREAMED_ROWS, kc, k),
        Interchange((*order, k, vr)),
        *([Parallelize(vp)] if threads else []),
        Vectorize(vr, lanes),
        Unroll(k),
        Stage(_name(found.out), vp, names.new(f"{_name(found.out)}_r"), "reg"),
        Partition(kc),
        Partition(vp),
    ]


def _packed(nest: Leaf, found: Contraction, machine: Machine, names: Names) -> list[Step]:
    """Panels of both inputs copied into the order in which the register tiles read them."""
    assert found.rows is not None
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = _register_tile(found, lanes, machine)
    column, row, depth = found.lanes.label.data, found.rows.label.data, found.over[-1].label.data
    size = nest.element_bytes
    whole = isinstance(found.out.buffer.owner, AllocOp) and _trip(found.over[-1]) <= 2 * DEPTH
    kc_size = _trip(found.over[-1]) if whole else min(DEPTH, _trip(found.over[-1]))
    threads = machine.cpu.threads if machine.wants_threads(nest.work()) else 1
    panel = max(1, machine.cpu.l2_bytes // 2 // (kc_size * size) // rows)
    panel = max(1, min(panel, 16, -(-_trip(found.rows) // (rows * threads))))
    slab = max(1, machine.cpu.l3_bytes // 2 // (kc_size * size) // columns)
    slab = min(slab, 128, -(-_trip(found.lanes) // columns))
    ip, ir, ic = names.new(f"{row}p"), names.new(f"{row}r"), names.new(f"{row}c")
    jp, jr, jc = names.new(f"{column}p"), names.new(f"{column}r"), names.new(f"{column}c")
    kc, k = names.new(f"{depth}c"), names.new(f"{depth}i")
    tiles: list[Step] = [
        Tile(row, rows, ip, ir),
        Tile(ip, panel, ic, ip),
        Tile(column, columns, jp, jr),
        Tile(jp, slab, jc, jp),
        Tile(depth, kc_size, kc, k),
        Interchange((*labels(found.outer), jc, kc, ic, jp, ip, k, ir, jr)),
    ]
    if threads > 1:
        tiles.append(Parallelize(found.outer[0].label.data if found.outer else ic))
    out, right, left = _name(found.out), _name(found.right), _name(found.left)
    sums, bp, ap = names.new(f"{out}_r"), names.new(f"{right}_p"), names.new(f"{left}_p")
    return [
        *tiles,
        Vectorize(jr, lanes),
        Unroll(ir),
        Stage(out, ip, sums, "reg"),
        Stage(right, kc, bp, "heap", (jp, k, jr)),
        Stage(left, ic, ap, "heap", (ip, k, ir)),
        Vectorize(f"{bp}.{jr}", lanes),
        Partition(f"{ap}.{ip}"),
        Partition(f"{bp}.{jp}"),
        Partition(jp),
        Partition(ip),
        Unroll(f"{k}~", 1),
    ]


def _partials(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """Partial results in the lanes of a few vectors, along the loop that moves the loads by one element."""
    inner = nest.loops[-1]
    if any(inner.counter not in reduction.over for reduction in nest.reductions):
        return []
    loads = [access for access in nest.accesses if isinstance(access, ReadOp)]
    if loads and not any(stride(load, inner.counter) == 1 for load in loads):
        return []
    lanes = machine.lanes(nest.element_bytes)
    loop = inner.label.data
    outer, strip = names.new(f"{loop}o"), names.new(f"{loop}v")
    steps: list[Step] = [*_threads(nest, machine)]
    steps += [Tile(loop, _strip_size(nest, inner, lanes), outer, strip), Vectorize(strip, lanes)]
    for reduction in nest.reductions:
        around = _reduced_around(nest, reduction, outer)
        steps.append(Rfactor(_name(reduction), names.new(f"{_name(reduction)}_p"), around, strip))
    return [*steps, Partition(outer)]


def _reduced_around(nest: Leaf, reduction: ReduceOp, inner: str) -> str:
    """The label of the outermost of the loops that stand directly around the innermost and are reduced too."""
    label = inner
    for loop in reversed(nest.loops[:-1]):
        if loop.counter not in reduction.over:
            break
        label = loop.label.data
    return label


def _strip_size(nest: Leaf, loop: ForOp, lanes: int) -> int:
    """A few vectors, no more than the loop has; one where the body calls functions for each lane."""
    few = 1 if nest.calls() else VECTORS_IN_A_ROW
    return lanes * max(1, min(few, -(-_trip(loop) // lanes)))


def _strip(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """A strip of results in registers, along the last dimension of the output."""
    first = nest.reductions[0]
    kept = [loop for loop in nest.loops if loop.counter in first.counters]
    along = _along(first, kept)
    if along is None or len(nest.reductions) > 1 or nest.stores:
        return []
    lanes = machine.lanes(nest.element_bytes)
    loop = along.label.data
    outer, strip = names.new(f"{loop}o"), names.new(f"{loop}v")
    over = [other for other in nest.loops if other not in kept]
    order = [*labels([other for other in kept if other is not along]), outer]
    steps: list[Step] = [
        Tile(loop, _strip_size(nest, along, lanes), outer, strip),
        Interchange((*order, *labels(over), strip)),
    ]
    if machine.wants_threads(nest.work()):
        steps.append(Parallelize(order[0]))
    steps.append(Vectorize(strip, lanes))
    if over:
        steps.append(Stage(_name(first), outer, names.new(f"{_name(first)}_r"), "reg"))
    return [*steps, Partition(outer)]


def _elements(nest: Leaf, machine: Machine, names: Names) -> list[Step]:
    """Vectors along the loop that moves the stores by one element, or the innermost one where the body is long."""
    along = _along(nest.stores[-1], nest.loops)
    if along is None and len(nest.body) >= LONG_BODY and stride(nest.stores[-1], nest.loops[-1].counter):
        along = nest.loops[-1]
    if along is None:
        return []
    lanes = machine.lanes(nest.element_bytes)
    loop = along.label.data
    steps: list[Step] = []
    if along is not nest.loops[-1]:
        steps.append(Interchange((*labels([other for other in nest.loops if other is not along]), loop)))
    steps += _threads(nest, machine)
    size = _strip_size(nest, along, lanes)
    trip = greatest_trip(along)
    if trip is not None and trip <= size:
        return [*steps, Vectorize(loop, lanes)]
    outer, strip = names.new(f"{loop}o"), names.new(f"{loop}v")
    return [*steps, Tile(loop, size, outer, strip), Vectorize(strip, lanes), Partition(outer)]


def _along(access: AccessOp, loops: Sequence[ForOp]) -> ForOp | None:
    """The innermost loop that moves an access by one element; one of a single iteration only where need be."""
    found = [loop for loop in reversed(loops) if stride(access, loop.counter) == 1]
    return next((loop for loop in found if _trip(loop) > 1), found[0] if found else None)


def _threads(nest: Leaf, machine: Machine) -> list[Step]:
    """Threads over the outermost loop that has some iterations, where the nest is worth it."""
    if not machine.wants_threads(nest.work()):
        return []
    outer = next((loop for loop in nest.loops if _trip(loop) > 1), None)
    if outer is None or any(outer.counter in reduction.over for reduction in nest.reductions):
        return []
    return [Parallelize(outer.label.data)]


def _name(access: AccessOp) -> str:
    """The name of the accessed buffer."""
    return buffer_name(access.target) or ""
