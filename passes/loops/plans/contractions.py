"""Plans for sums of products."""

from __future__ import annotations

from weft.dialects.loop import AllocOp
from weft.dialects.loop.schedule import Interchange, Parallelize, Partition, Stage, Step, Tile, Unroll, Vectorize
from weft.passes.loops.nest_shape import Contraction, Leaf, labels, stride
from weft.passes.loops.plans.common import VECTORS_IN_A_ROW, Machine, Names, name, trip

STREAMED_ROWS = 16
"""How many rows of the right input the one-row plan adds to a strip before it moves on."""

PACKED_COLUMNS = 512
"""Up to so many columns the right input is read as it stands."""

DEPTH = 512
"""The depth of a packed panel."""


def _register_tile(found: Contraction, lanes: int, machine: Machine) -> tuple[int, int]:
    """(rows, columns) of the sums that are kept in registers: three quarters of them, two vectors wide."""
    sums = machine.cpu.vector_registers * 3 // 4
    vectors = min(2, -(-trip(found.lanes) // lanes))
    rows = max(1, min(trip(found.rows), sums // vectors))
    if rows < sums // 4:
        vectors = max(vectors, min(VECTORS_IN_A_ROW, sums // rows, -(-trip(found.lanes) // lanes)))
    return rows, vectors * lanes


def is_large(found: Contraction) -> bool:
    """Whether packing pays: many rows, and a right input that is wide, or read across."""
    across = stride(found.right, found.lanes.counter) != 1
    wide = trip(found.lanes) > PACKED_COLUMNS or (across and trip(found.lanes) >= 16)
    one_depth = len(found.over) == 1 and found.lanes.trip() is not None
    return wide and one_depth and trip(found.rows) >= 48 and trip(found.over[-1]) >= 32


def is_one_row(found: Contraction) -> bool:
    return trip(found.rows) == 1 and not found.outer and found.over[-1].trip() is not None


def direct(nest: Leaf, found: Contraction, machine: Machine, names: Names) -> list[Step]:
    """Sums in registers, inputs read where they stand."""
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = _register_tile(found, lanes, machine)
    column = found.lanes.label.data
    vp, vr = names.new(f"{column}p"), names.new(f"{column}r")
    steps: list[Step] = [Tile(column, columns, vp, vr)]
    tiles = {vp: trip(found.lanes) // columns}
    inner = [vr]
    if found.rows is not None:
        row = found.rows.label.data
        up, ur = names.new(f"{row}p"), names.new(f"{row}r")
        steps.append(Tile(row, rows, up, ur))
        tiles[up] = trip(found.rows) // rows
        inner = [ur, vr]
    # loops that change what is read of the right input stand outside of its columns, the others inside
    moving = [loop for loop in found.outer if loop.counter in found.right.counters]
    resting = [loop for loop in found.outer if loop not in moving]
    outer = [*labels(moving), vp, *labels(resting), *list(tiles)[1:]]
    threads = machine.wants_threads(nest.work())
    if threads:
        trips = {loop.label.data: trip(loop) for loop in found.outer} | tiles
        many = [name for name in outer if trips[name] >= machine.cpu.threads]
        first = many[0] if many else max(outer, key=lambda name: trips[name])
        outer = [first, *(name for name in outer if name != first)]
    steps.append(Interchange((*outer, *labels(found.over), *inner)))
    steps += [Parallelize(outer[0])] if threads else []
    steps.append(Vectorize(vr, lanes))
    steps += [Unroll(name) for name in inner[:-1]]
    steps.append(Stage(name(found.out), outer[-1], names.new(f"{name(found.out)}_r"), "reg"))
    return [*steps, *(Partition(name) for name in tiles)]


def one_row(nest: Leaf, found: Contraction, machine: Machine, names: Names) -> list[Step]:
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
        Stage(name(found.out), vp, names.new(f"{name(found.out)}_r"), "reg"),
        Partition(kc),
        Partition(vp),
    ]


def packed(nest: Leaf, found: Contraction, machine: Machine, names: Names) -> list[Step]:
    """Panels of both inputs copied into the order in which the register tiles read them."""
    assert found.rows is not None
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = _register_tile(found, lanes, machine)
    column, row, depth = found.lanes.label.data, found.rows.label.data, found.over[-1].label.data
    size = nest.element_bytes
    whole = isinstance(found.out.buffer.owner, AllocOp) and trip(found.over[-1]) <= 2 * DEPTH
    kc_size = trip(found.over[-1]) if whole else min(DEPTH, trip(found.over[-1]))
    threads = machine.cpu.threads if machine.wants_threads(nest.work()) else 1
    panel = max(1, machine.cpu.l2_bytes // 2 // (kc_size * size) // rows)
    panel = max(1, min(panel, 16, -(-trip(found.rows) // (rows * threads))))
    slab = max(1, machine.cpu.l3_bytes // 2 // (kc_size * size) // columns)
    slab = min(slab, 128, -(-trip(found.lanes) // columns))
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
    out, right, left = name(found.out), name(found.right), name(found.left)
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
