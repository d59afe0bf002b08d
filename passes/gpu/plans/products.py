"""The plan for sums of products: a block computes a tile of sums, from panels of both inputs in shared memory."""

from __future__ import annotations

from weft.dialects.loop import ForOp
from weft.dialects.loop.schedule import Clear, Interchange, Map, Pad, Partition, Stage, Step, Tile, Unroll, Vectorize
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.plan import Choice, Plan
from weft.passes.gpu.plans.tensors import tensors
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import Leaf, labels, leaf, stride
from weft.passes.loops.plans.common import name, trip
from weft.passes.loops.plans.roles import Roles, roles

ROWS = 8
"""The rows of sums of a thread."""

COLUMNS = 4
"""The columns of a thread that lie side by side; it has two such groups."""

SIDE = 16
"""The threads of a block along rows, and along columns."""

DEPTH = 16
"""How deep the panels are."""

LEAST = 64
"""The least rows, columns and depth that are worth a tile."""


def is_product(nest: ForOp) -> bool:
    """Whether a nest is worth a tile."""
    alone = leaf(nest)
    return alone is not None and _found(alone) is not None


def products(nest: Leaf, choice: Choice) -> list[Plan]:
    """The plan for a nest that sums products of two inputs, if it has many rows and columns; none for others."""
    found = _found(nest)
    return [] if found is None else [*tensors(found, choice), _tile(found, choice)]


def _found(nest: Leaf) -> Roles | None:
    found = next((one for one in roles(nest) if not one.scattered), None)
    if found is None or found.rows is None or len(found.over) != 1:
        return None
    if min(trip(found.rows), trip(found.lanes), trip(found.over[0])) < LEAST:
        return None
    free = independent(nest.loops)
    return found if all(loop in free for loop in (found.rows, found.lanes, *found.outer)) else None


def _tile(found: Roles, choice: Choice) -> Plan:
    assert found.rows is not None
    row, column, depth = label(found.rows), label(found.lanes), label(found.over[0])
    ib, ip, it, ir = choice.tiles(found.rows, "b", "p", "t", "r")
    jb, jq, jt, jp, jg, jv = choice.tiles(found.lanes, "b", "q", "t", "p", "g", "v")
    kb, kk, kq, kv = choice.tiles(found.over[0], "b", "k", "q", "v")
    out, left, right = name(found.out), name(found.left), name(found.right)
    sums, a, b = (choice.names.new(f"{each}{word}") for each, word in ((out, "_r"), (left, "_s"), (right, "_s")))
    ar = choice.names.new(f"{left}_r")
    steps: list[Step] = [
        Tile(row, ROWS, ip, ir),
        Tile(ip, SIDE, ib, it),
        Tile(column, COLUMNS, jp, jv),
        Tile(jp, 2, jq, jg),
        Tile(jq, SIDE, jb, jt),
        Tile(depth, DEPTH, kb, kk),
        Tile(kk, 4, kq, kv),
        Interchange((*labels(found.outer), ib, jb, it, jt, kb, kq, kv, ir, jg, jv)),
        *(Map(each, "block") for each in (*labels(found.outer), ib, jb)),
        Map(it, "thread"),
        Map(jt, "thread"),
        Vectorize(jv, COLUMNS),
        *(Unroll(each) for each in (ir, jg, kv, kq)),
        Stage(out, jt, sums, "reg"),
        Stage(left, kb, a, "shared", (it, ir, kq, kv)),
        Stage(right, kb, b, "shared", (kq, kv, jg, jt, jv)),
        Stage(a, kq, ar, "reg"),
        *_fill_left(found, a, (it, ir, kq, kv), choice),
        *_fill_right(found, b, (kq, kv, jt, jg, jv), choice),
    ]
    ragged = (*(f"{sums}.0.{each}" for each in (ir, jg, jv)), f"{ar}.{ir}", jv, jg, ir, jt, it)
    for loop, size, panel in ((found.rows, ROWS * SIDE, a), (found.lanes, 2 * COLUMNS * SIDE, b)):
        if loop.trip() is None or (loop.trip() or 0) % size:
            steps.append(Clear(panel, kb))
    return Plan(steps, [*([Pad(each)] for each in ragged), [Vectorize(f"{ar}.{kv}", 4)], [Partition(kb)]])


def _fill_left(found: Roles, panel: str, loops: tuple[str, ...], choice: Choice) -> list[Step]:
    """All threads fill the left panel: 16 rows of threads, 4 of the rows of a thread at once, along the depth."""
    it, ir, kq, kv = (f"{panel}.{each}" for each in loops)
    iu, is_ = (choice.names.new(f"{ir}{word}") for word in ("u", "s"))
    steps: list[Step] = [Tile(ir, 4, iu, is_), Map(it, "thread"), Map(is_, "thread"), Map(kq, "thread"), Unroll(iu)]
    whole = stride(found.left, found.over[0].counter) == 1
    return [*steps, Vectorize(kv, 4) if whole else Unroll(kv)]


def _fill_right(found: Roles, panel: str, loops: tuple[str, ...], choice: Choice) -> list[Step]:
    """All threads fill the right panel: all of its columns in vectors, 8 of its 16 rows at once."""
    kq, kv, jt, jg, jv = (f"{panel}.{each}" for each in loops)
    ku, ks = (choice.names.new(f"{kq}{word}") for word in ("u", "s"))
    whole = stride(found.right, found.lanes.counter) == 1
    return [
        Interchange((kq, kv, jt, jg, jv)),
        Tile(kq, 2, ku, ks),
        *(Map(each, "thread") for each in (ks, kv, jt, jg)),
        Unroll(ku),
        Vectorize(jv, COLUMNS) if whole else Unroll(jv),
    ]
