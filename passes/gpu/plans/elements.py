"""The plan for one thing for each element: vectors of 16 bytes, several of them in flight in each thread."""

from __future__ import annotations

from weft.dialects.loop import LoadOp, buffer_name
from weft.dialects.loop.schedule import Interchange, Map, Partition, Stage, Step, Tile, Unroll, Vectorize
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.plan import BLOCK, Choice, Plan, vector_lanes
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import Leaf, labels, stride
from weft.passes.loops.ranges import greatest_trip

IN_FLIGHT = 4
"""The vectors of each input that a thread has asked for before it uses the first."""


def elements(nest: Leaf, choice: Choice) -> list[Plan]:
    """The plans for a nest without reductions whose iterations do not depend on each other."""
    if nest.reductions or not nest.stores or independent(nest.loops) != list(nest.loops):
        return []
    along = next((loop for loop in reversed(nest.loops) if stride(nest.stores[-1], loop.counter) == 1), None)
    if along is None:
        return []
    lanes = vector_lanes(along, nest.accesses)
    trip = greatest_trip(along)
    others = [loop for loop in nest.loops if loop is not along]
    if lanes == 1 or (trip is not None and trip < lanes):
        return []
    jo, jv = choice.tiles(along, "o", "v")
    name = label(along)
    small = Plan(
        [
            *([Interchange((*labels(others), name))] if along is not nest.loops[-1] else []),
            Tile(name, lanes, jo, jv),
            Vectorize(jv, lanes),
            *(Map(each, "grid", BLOCK) for each in (*labels(others), jo)),
        ]
    )
    many = trip is None or trip >= BLOCK * lanes * IN_FLIGHT * (1 if others else choice.blocks)
    return [_large(nest, name, labels(others), lanes, choice), small] if many else [small]


def _large(nest: Leaf, name: str, others: tuple[str, ...], lanes: int, choice: Choice) -> Plan:
    """Blocks of some vectors for each thread, all of whose inputs are loaded first."""
    along = next(loop for loop in nest.loops if label(loop) == name)
    jb, ju, jt, jv = choice.tiles(along, "b", "u", "t", "v")
    jr, js = choice.tiles(along, "r", "s")
    steps: list[Step] = [
        *([Interchange((*others, name))] if along is not nest.loops[-1] else []),
        Tile(name, IN_FLIGHT * BLOCK * lanes, jb, jr),
        Tile(jr, BLOCK * lanes, ju, js),
        Tile(js, lanes, jt, jv),
        *(Map(each, "block") for each in (*others, jb)),
        Unroll(ju),
        Map(jt, "thread"),
        Vectorize(jv, lanes),
    ]
    read = dict.fromkeys(
        buffer_name(access.target) or ""
        for access in nest.accesses
        if isinstance(access, LoadOp) and along.counter in access.counters
    )
    stages = [[Stage(each, jb, choice.names.new(f"{each}_r"), "reg")] for each in read]
    return Plan(steps, [*stages, [Partition(jb)]])
