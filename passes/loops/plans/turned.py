"""The plan of sums of products whose lanes are apart in the output: rows of sums become columns in registers."""

from __future__ import annotations

from weft.dialects.loop.schedule import Interchange, Parallelize, Partition, Stage, Step, Tile, Unroll, Vectorize
from weft.passes.loops.nest_shape import Leaf, labels
from weft.passes.loops.plans.common import Machine, Names, name, trip
from weft.passes.loops.plans.roles import Roles, register_tile


def turned(nest: Leaf, found: Roles, machine: Machine, names: Names) -> list[Step]:
    """Lanes of the sums run along one loop, those of the stores along another; the right input is packed for the
    first. A convolution whose channels come first in memory is one such nest."""
    assert found.rows is not None
    lanes = machine.lanes(nest.element_bytes)
    rows, columns = register_tile(found, lanes, machine)
    column, row = found.lanes.label.data, found.rows.label.data
    vp, vr = names.new(f"{column}p"), names.new(f"{column}r")
    up, ur = names.new(f"{row}p"), names.new(f"{row}r")
    out, right = name(found.out), name(found.right)
    sums, panel = names.new(f"{out}_r"), names.new(f"{right}_p")
    moving = [loop for loop in found.outer if loop.counter in found.right.counters]
    resting = [loop for loop in found.outer if loop not in moving]
    over = labels(found.over)
    steps: list[Step] = [
        Tile(column, columns, vp, vr),
        Tile(row, rows, up, ur),
        Interchange((*labels(moving), vp, *labels(resting), up, *over, ur, vr)),
    ]
    if machine.wants_threads(nest.work()):
        many = [loop.label.data for loop in (*moving, *resting) if trip(loop) >= machine.cpu.threads]
        steps.append(Parallelize(many[0] if many else vp))
    steps.append(Stage(out, up, sums, "reg"))
    if found.across:
        steps += [Stage(right, vp, panel, "heap", (*over, vr)), Unroll(f"{panel}.{vr}")]
    return [
        *steps,
        Vectorize(vr, lanes),
        Unroll(ur),
        Vectorize(f"{sums}.0.{vr}", lanes),
        Unroll(f"{sums}.0.{ur}"),
        Interchange((f"{sums}.out.{vr}", f"{sums}.out.{ur}")),
        Unroll(f"{sums}.out.{vr}"),
        Vectorize(f"{sums}.out.{ur}", lanes),
        Partition(vp),
        Partition(up),
    ]
