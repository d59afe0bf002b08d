"""Rows shorter than a vector: lanes run over the rows, and what is handed on inside of a row stays in registers.

A softmax over three elements fills three lanes of a vector that runs along a row. Where rows lie side by side, sixteen
of them fill all lanes: the loops inside a row are written out, elements go in and out of vectors one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from xdsl.ir import SSAValue

from weft.dialects.loop import AllocOp, ForOp, LoadOp, ReduceOp, StoreOp, buffer_name
from weft.dialects.loop.schedule import Fuse, Keep, Parallelize, Partition, Step, Tile, Unroll, Vectorize
from weft.dialects.target import Cpu
from weft.dialects.walking import inside
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import find, label
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, Leaf, element_bytes, factors, leaf, stride, trip_or
from weft.passes.loops.plans.common import Machine, Names
from weft.passes.loops.plans.roles import ACROSS_COST, SCALAR_COST
from weft.passes.loops.shared_rows import nests_of
from weft.passes.loops.trial import Trial

MOST_OPS = 2048
"""So many ops of a row may be written out: more is too much code."""

NEST_COST = 4.0
"""Cycles, about, for masks and for the loop itself where a nest goes along a row."""


def lanes_over_rows(trial: Trial, cpu: Cpu, names: Names) -> set[str]:
    """Run lanes over rows where that is cheaper; the labels of the loops that have their plan with that."""
    done: set[str] = set()
    for run in _runs(trial, cpu):
        before = len(trial.steps)
        rows = run[0]
        fused = len(run) == 1 or trial.attempt([Fuse(run)])
        if fused and _pays(find(trial.copy, rows), cpu) and trial.attempt(steps := _plan(trial, rows, cpu, names)):
            done |= {step.outer for step in steps if isinstance(step, Tile)}
        elif len(trial.steps) > before:
            trial.back_to(before)
    return done


def _runs(trial: Trial, cpu: Cpu) -> list[tuple[str, ...]]:
    """Loops over short rows that follow each other and touch one buffer, each as often as the others."""
    found: list[list[ForOp]] = []
    for loop in nests_of(trial.copy.body.block):
        if not _is_over_short_rows(loop, cpu):
            found.append([])
            continue
        last = found[-1][-1] if found and found[-1] else None
        if last is not None and last.forms() == loop.forms() and _buffers(last) & _buffers(loop):
            found[-1].append(loop)
        else:
            found.append([loop])
    return [tuple(label(loop) for loop in run) for run in found if len(run) > 1 or (run and leaf(run[0]) is None)]


def _buffers(loop: ForOp) -> set[object]:
    return {access.target for access in accesses(loop)}


def _is_over_short_rows(rows: ForOp, cpu: Cpu) -> bool:
    """Whether each iteration of a loop is nests of fewer elements than a vector has lanes, none a sum of products."""
    if rows.mark or len(rows.forms()) != 1 or not list(_nests(rows)):
        return False
    ops = inside(rows.body)
    touching = accesses(rows)
    if any(op.regions and not isinstance(op, ForOp) for op in ops) or any(isinstance(op, AllocOp) for op in ops):
        return False
    if not all(isinstance(access, LoadOp | StoreOp | ReduceOp) for access in touching):
        return False
    lanes = _lanes(rows, cpu)
    return trip_or(rows, UNKNOWN_TRIP) >= 2 * lanes and all(
        not any(loop.mark or not loop.trip() for loop in nest.loops)
        and 0 < _size(nest) < lanes
        and not nest.calls()
        and all(factors(out) is None for out in nest.reductions)
        for nest in _nests(rows)
    )


def _nests(rows: ForOp) -> Iterator[Leaf]:
    """The nests in a row; where one is not perfect, its loops as nests of their own."""
    for op in rows.block.ops:
        if isinstance(op, ForOp):
            nest = leaf(op)
            if nest is None:
                yield from _nests(op)
            else:
                yield nest


def _size(nest: Leaf) -> int:
    return prod(loop.trip() or 1 for loop in nest.loops)


def _lanes(rows: ForOp, cpu: Cpu) -> int:
    """How many rows fill the vectors of the largest elements."""
    return Machine(cpu, parallel=False).lanes(max((element_bytes(a) for a in accesses(rows)), default=4))


def _pays(rows: ForOp, cpu: Cpu) -> bool:
    """Whether lanes over the rows cost fewer cycles than vectors along each row."""
    lanes = _lanes(rows, cpu)
    along, over, ops = 0.0, 0.0, 0
    for nest in _nests(rows):
        body = len(nest.body)
        ops += body * _size(nest)
        along += body + NEST_COST + ACROSS_COST * len(nest.reductions)
        over += body * _size(nest) / lanes
    seen: set[object] = set()
    for access in accesses(rows):
        place = (access.target, isinstance(access, LoadOp))
        apart = stride(access, rows.counter) not in (0, 1) and not _is_local(rows, access.target.owner)
        if apart and place not in seen:
            seen.add(place)
            over += SCALAR_COST * prod(loop.trip() or 1 for loop in _inner(rows, access.counters))
    return ops <= MOST_OPS and over < along


def _inner(rows: ForOp, counters: Sequence[SSAValue]) -> list[ForOp]:
    return [op for op in inside(rows.body) if isinstance(op, ForOp) and op.counter in counters]


def _is_local(rows: ForOp, owner: object) -> bool:
    """Whether a buffer is of the kernel alone, and nothing outside of the loop touches it."""
    return isinstance(owner, AllocOp) and all(rows.is_ancestor(use.operation) for use in owner.result.uses)


def _plan(trial: Trial, name: str, cpu: Cpu, names: Names) -> list[Step]:
    """Tiles of as many rows as there are lanes; what is of a row alone in registers."""
    rows = find(trial.copy, name)
    lanes = _lanes(rows, cpu)
    outer, inner = names.new(f"{name}o"), names.new(f"{name}v")
    local = dict.fromkeys(buffer_name(a.target) or "" for a in accesses(rows) if _is_local(rows, a.target.owner))
    loops = [label(op) for op in inside(rows.body) if isinstance(op, ForOp)]
    work = sum(nest.work() for nest in _nests(rows)) * trip_or(rows, UNKNOWN_TRIP)
    return [
        Tile(name, lanes, outer, inner),
        *([Parallelize(outer)] if Machine(cpu, parallel=True).wants_threads(work) else []),
        *(Keep(buffer, outer, names.new(f"{buffer}_r"), "reg") for buffer in local),
        *(Unroll(loop) for loop in loops),
        Vectorize(inner, lanes),
        Partition(outer),
    ]
