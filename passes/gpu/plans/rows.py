"""The plan for nests that go along rows, reductions among them: threads of a block, or of a part of it, share one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.dialects.loop import AccessOp, AllocOp, ForOp, ReduceOp, WriteOp, buffer_name
from weft.dialects.loop.schedule import Interchange, Keep, Map, Rfactor, Step, Tile, Unroll, Vectorize
from weft.passes.gpu.plans.each_thread import independent
from weft.passes.gpu.plans.plan import BLOCK, WARP, Choice, Plan, vector_lanes
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, Leaf, labels, leaf, perfect, stride, trip_or
from weft.passes.loops.ranges import greatest_trip

MOST_THREADS = 1024
FEW = 4
"""The vectors that a thread takes of a row, where the row is long enough and threads are left."""

KEPT = 8
"""The most vectors of a row that a thread keeps."""

SHORT = 8
"""Rows of so few elements are a thread's own affair."""


@dataclass(frozen=True)
class _Row:
    """One nest along the row, in pieces: `jo` over pieces, `jt` over threads, `jv` over the lanes of a vector."""

    nest: Leaf
    outer: str
    threads: str
    steps: tuple[Step, ...]

    def partial(self, reduction: ReduceOp) -> str:
        """The outermost loop of those around the pieces that are reduced too."""
        found = self.outer
        for loop in reversed(self.nest.loops[:-1]):
            if loop.counter not in reduction.over:
                break
            found = label(loop)
        return found


def rows(nest: ForOp, choice: Choice) -> list[Plan]:
    """The plan for a nest of independent rows, each of which several nests may go along; none without a reduction."""
    chain = perfect(nest)
    free = independent(chain)
    ordered = [*free, *(loop for loop in chain if loop not in free)]
    turned = ordered != chain
    if turned and (leaf(nest) is None or ordered[-1] is not chain[-1]):
        return []
    outside = free
    inner = [Leaf(tuple(ordered))] if turned else _leaves(chain, len(free))
    if not inner or not any(reduction.over for each in inner for reduction in each.reductions):
        return []
    if any(not _reduces_along(each) for each in inner):
        return []
    longest = max(trip_or(each.loops[-1], UNKNOWN_TRIP * WARP) for each in inner)
    if longest <= SHORT:
        return _own_rows(outside, inner, choice) if len(inner) > 1 else []
    lanes = min(vector_lanes(each.loops[-1], each.accesses) for each in inner)
    threads = _threads(longest, lanes)
    steps, root = _outside(outside, threads, choice)
    if turned:
        steps.insert(0, Interchange(labels(ordered)))
    along = [_row(each, lanes, threads, choice) for each in inner]
    steps += [step for row in along for step in row.steps]
    return [Plan(steps, _extras(root, outside, along, longest, lanes * threads, choice))]


def _own_rows(outside: Sequence[ForOp], inner: Sequence[Leaf], choice: Choice) -> list[Plan]:
    """The plan for several nests along rows of a few elements: each thread has a row, and keeps it in registers."""
    if not outside:
        return []
    root = label(outside[-1])
    steps: list[Step] = [Map(name, "grid", BLOCK) for name in labels(outside)]
    steps += [Unroll(label(each.loops[-1])) for each in inner]
    touched = dict.fromkeys(buffer_name(access.target) or "" for access in accesses(outside[-1]))
    return [Plan(steps, [[Keep(name, root, choice.names.new(f"{name}_r"), "reg")] for name in touched])]


def shares_rows(nest: Leaf) -> bool:
    """Whether a nest reduces along rows that are long enough for threads to share."""
    along = nest.loops[-1]
    reduces = any(along.counter in reduction.over for reduction in nest.reductions)
    return reduces and trip_or(along, UNKNOWN_TRIP) > SHORT and _reduces_along(nest)


def _leaves(chain: Sequence[ForOp], count: int) -> list[Leaf]:
    """The perfect nests inside the first `count` loops of a chain; none where something else stands there."""
    if count < len(chain):
        found = leaf(chain[count])
        if found is not None:
            return [found]
    ops = list(chain[count - 1].block.ops) if count else []
    found_all = [leaf(op) for op in ops if isinstance(op, ForOp)]
    if len(found_all) != len(ops) or any(each is None for each in found_all):
        return []
    return [each for each in found_all if each is not None]


def _reduces_along(nest: Leaf) -> bool:
    """Whether the threads of a nest can share its innermost loop: it moves something by one element."""
    along = nest.loops[-1]
    moving = [access for access in nest.accesses if along.counter in access.counters]
    if not moving or any(stride(access, along.counter) != 1 for access in moving):
        return False
    return all(along.counter in reduction.over for reduction in nest.reductions)


def _threads(length: int, lanes: int) -> int:
    """How many threads share a row: a power of two."""
    pieces = -(-length // lanes)
    threads = 1
    while threads < MOST_THREADS and threads * FEW < pieces:
        threads *= 2
    while threads < WARP and threads < pieces:
        threads *= 2
    return threads


def _outside(outside: Sequence[ForOp], threads: int, choice: Choice) -> tuple[list[Step], str | None]:
    """Rows to blocks, several to one where they take few threads; and the loop whose iteration is a row."""
    if not outside:
        return [], None
    last = label(outside[-1])
    steps: list[Step] = [Map(label(loop), "block") for loop in outside[:-1]]
    together = BLOCK // threads
    if together <= 1:
        return [*steps, Map(last, "block")], last
    ib, it = choice.tiles(outside[-1], "b", "t")
    return [*steps, Tile(last, together, ib, it), Map(ib, "block"), Map(it, "thread")], it


def _row(nest: Leaf, lanes: int, threads: int, choice: Choice) -> _Row:
    along = nest.loops[-1]
    jo, jr, jt, jv = choice.tiles(along, "o", "r", "t", "v")
    steps: list[Step] = [Tile(label(along), threads * lanes, jo, jr)]
    if lanes > 1:
        steps += [Tile(jr, lanes, jt, jv), Map(jt, "thread"), Vectorize(jv, lanes)]
    else:
        jt = jr
        steps += [Map(jt, "thread")]
    trip = greatest_trip(along)
    pieces = None if trip is None else -(-trip // (threads * lanes))
    steps.append(Unroll(jo) if pieces is not None and pieces <= KEPT else Unroll(jo, FEW))
    return _Row(nest, jo, jt, tuple(steps))


def _extras(
    root: str | None, outside: Sequence[ForOp], along: Sequence[_Row], length: int, piece: int, choice: Choice
) -> list[list[Step]]:
    """What stays in registers: results that the row's nests hand on, and the row itself, if it is not too long."""
    touched: dict[str, list[AccessOp]] = {}
    for access in accesses(outside[-1]) if outside else ():
        touched.setdefault(buffer_name(access.target) or "", []).append(access)
    names = {name: choice.names.new(f"{name}_r") for name in touched}
    extras: list[list[Step]] = []
    kept: set[str] = set()
    for name, touching in touched.items():
        if (
            root is not None
            and isinstance(touching[0].target.owner, AllocOp)
            and all(not _moves(access, along) for access in touching)
        ):
            extras.append([Keep(name, root, names[name], "reg")])
            kept.add(name)
    for row in along:
        for reduction in row.nest.reductions:
            name = buffer_name(reduction.target) or ""
            source = names[name] if name in kept else name
            partial = choice.names.new(f"{name}_p")
            extras.append([Rfactor(source, partial, row.partial(reduction), row.threads)])
    for name, touching in touched.items():
        again = len(touching) > 1 and any(not isinstance(access, WriteOp) for access in touching)
        if root is not None and length <= KEPT * piece and name not in kept and again:
            extras.append([Keep(name, root, names[name], "reg")])
    return extras


def _moves(access: AccessOp, along: Sequence[_Row]) -> bool:
    """Whether an access goes along the row."""
    return any(loop.counter in access.counters for row in along for loop in row.nest.loops)
