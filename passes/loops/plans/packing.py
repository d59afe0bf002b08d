"""The plan of large sums of products: panels of the inputs copied into the order in which register tiles read them."""

from __future__ import annotations

from math import ceil

from weft.dialects.loop import ForOp, LoadOp
from weft.dialects.loop.schedule import (
    Interchange,
    Parallelize,
    Partition,
    Prefetch,
    Stage,
    Step,
    Tile,
    Unroll,
    Vectorize,
)
from weft.passes.loops.nest_shape import Leaf, labels, stride
from weft.passes.loops.plans.common import Machine, Names, name, trip
from weft.passes.loops.plans.pairs import by_pairs
from weft.passes.loops.plans.roles import Roles, has_pairs, register_tile

STRIPS = 8
"""How many strips of the right input, each as wide as a tile of sums, the second cache has room for."""

BLOCK = 4
"""How many strips are filled side by side, so that what is read for them stands in a row."""

MANY_COLUMNS = 768
"""From so many columns on the left input is packed, too."""

TRANSPOSED = 1 << 14
"""From so many elements on a panel that is read across goes through registers, square by square."""


def packed(nest: Leaf, found: Roles, machine: Machine, names: Names) -> list[Step]:
    """Panels of the right input, with many columns of the left one too, and a tile of sums in registers."""
    assert found.rows is not None
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = register_tile(found, lanes, machine)
    column, row, depth = found.lanes.label.data, found.rows.label.data, found.over[-1].label.data
    threads = machine.cpu.threads if machine.wants_threads(nest.work()) else 1
    size = nest.element_bytes
    kc_size = _part(trip(found.over[-1]), machine.cpu.l2_bytes // (STRIPS * columns * size), lanes)
    tall = ceil(trip(found.rows) / rows)
    panel = _part(tall, min(16, machine.cpu.l2_bytes // 2 // (kc_size * rows * size)), 1, threads)
    slab = min(128, ceil(trip(found.lanes) / columns), max(1, machine.cpu.l3_bytes // 2 // (kc_size * columns * size)))
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
    steps = [*tiles, Vectorize(jr, lanes), Unroll(ir), Stage(out, ip, sums, "reg"), Prefetch(out, ip)]
    steps.append(Stage(right, kc, bp, "heap", (jp, k, jr)))
    copies = copy_of_panel(found.right, found.lanes, found.over[-1], (bp, jp, k, jr), kc_size * columns * slab, lanes)
    if threads > 1 and not found.outer:
        copies.append(Parallelize(f"{bp}.{jp if found.across else f'{column}o'}"))
    if trip(found.lanes) >= MANY_COLUMNS and not has_pairs(found, machine):  # pairs of the left input are neighbours
        steps.append(Stage(left, ic, ap, "heap", (ip, k, ir)))
        copies += copy_of_panel(found.left, found.rows, found.over[-1], (ap, ip, k, ir), kc_size * rows * panel, lanes)
    steps += [*copies, Partition(jp), Partition(ip), Unroll(f"{k}~", 1)]
    return by_pairs(steps, k, found, machine, names)


def _part(whole: int, most: int, multiple: int, times: int = 1) -> int:
    """The size of equal parts of a whole, none larger than `most`, and as many as a multiple of `times`.

    The size is a multiple of `multiple`, if the whole is not one part.
    """
    parts = ceil(whole / max(1, most))
    parts = ceil(parts / times) * times
    return whole if parts == 1 else ceil(ceil(whole / parts) / multiple) * multiple


def copy_of_panel(
    load: LoadOp, along: ForOp, depth: ForOp, labels: tuple[str, str, str, str], elements: int, lanes: int
) -> list[Step]:
    """The steps of the nest that fills a panel: vectors where the input has them, else squares of elements that
    change places in registers. `labels` are the panel's name and the loops over panels, depth, and within a panel."""
    copy, panel, k, inner = labels[0], *(f"{labels[0]}.{label}" for label in labels[1:])
    if stride(load, along.counter) == 1:
        block = f"{copy}.{labels[1][:-1]}o"
        return [
            Tile(panel, BLOCK, block, panel),
            Interchange((block, k, panel, inner)),
            Vectorize(inner, lanes),
            Partition(panel),
        ]
    if stride(load, depth.counter) != 1 or elements < TRANSPOSED or trip(depth) < lanes:
        return [Unroll(inner), Partition(panel)]
    ko, kv, square = f"{copy}.ko", f"{copy}.kv", f"{copy}_t"
    return [
        Partition(panel),
        Tile(k, lanes, ko, kv),
        Interchange((ko, kv, inner)),
        Vectorize(inner, lanes),
        Unroll(kv),
        Stage(name(load), ko, square, "reg", (labels[3], "kv")),
        Unroll(f"{square}.{labels[3]}"),
        Vectorize(f"{square}.kv", lanes),
        Unroll(f"{inner}~"),
        Unroll(f"{k}~", 1),
        Partition(ko),
    ]
