"""The plan of sums of products inside a loop over blocks of rows: the right input is packed once for all blocks."""

from __future__ import annotations

from dataclasses import dataclass

from weft.dialects.loop import ForOp
from weft.dialects.loop.nest import loops_around
from weft.dialects.loop.schedule import Interchange, Partition, Stage, Step, Tile, Unroll, Vectorize
from weft.passes.loops.nest_shape import Leaf, labels
from weft.passes.loops.plans.common import Machine, Names, name, trip
from weft.passes.loops.plans.packing import copy_of_panel
from weft.passes.loops.plans.pairs import by_pairs
from weft.passes.loops.plans.roles import Roles, register_tile


@dataclass(frozen=True)
class Panels:
    """Where the right input is packed: in the loop of that label, for so many runs of the nest."""

    at: str
    times: int


def panels_around(nest: Leaf, found: Roles, machine: Machine) -> Panels | None:
    """The outermost loop in which one right input serves all blocks; None where it cannot be packed outside of them.

    Threads pack for themselves, not one for all.
    """
    if not machine.blocked or len(found.over) != 1 or found.rows is None or found.lanes.trip() is None:
        return None
    times, serving = 1, list[ForOp]()
    for loop in loops_around(nest.loops[0]):
        if serving:
            times *= trip(serving[-1])
        serving.append(loop)
        if loop.counter in found.right.counters or loop.label.data == machine.shared:
            break
    return Panels(serving[-1].label.data, times) if len(serving) > 1 else None


def paneled(nest: Leaf, found: Roles, at: str, machine: Machine, names: Names) -> list[Step]:
    """Panels of the right input, packed outside of the blocks, and a tile of sums in registers."""
    assert found.rows is not None
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = register_tile(found, lanes, machine)
    column, row, depth = found.lanes.label.data, found.rows.label.data, found.over[0].label.data
    jp, jr = names.new(f"{column}p"), names.new(f"{column}r")
    ip, ir = names.new(f"{row}p"), names.new(f"{row}r")
    out, right = name(found.out), name(found.right)
    panel = names.new(f"{right}_p")
    moving = [loop for loop in found.outer if loop.counter in found.right.counters]
    resting = [loop for loop in found.outer if loop not in moving]
    elements = found.depth * trip(found.lanes)
    steps: list[Step] = [
        Tile(column, columns, jp, jr),
        Tile(row, rows, ip, ir),
        Interchange((*labels(moving), jp, *labels(resting), ip, depth, ir, jr)),
        Vectorize(jr, lanes),
        Unroll(ir),
        Stage(out, ip, names.new(f"{out}_r"), "reg"),
        Stage(right, at, panel, "heap", (*labels(moving), jp, depth, jr)),
        *copy_of_panel(found.right, found.lanes, found.over[0], (panel, jp, depth, jr), elements, lanes),
        Partition(jp),
        Partition(ip),
    ]
    return by_pairs(steps, depth, found, machine, names)
