"""What of a kernel makes one launch: a nest, or nests that share a value or a buffer of a block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import is_side_effect_free

from weft.dialects.loop import AllocOp, ComputedOp, ForOp, IfOp, LinearOp


@dataclass(frozen=True)
class Unit:
    """Ops of a kernel's body that one launch does, in order."""

    ops: tuple[Operation, ...]


@dataclass(frozen=True)
class Choice:
    """A condition at the top of a kernel, which the host decides."""

    op: IfOp
    then: tuple[Part, ...]
    other: tuple[Part, ...]


@dataclass(frozen=True)
class Repeat:
    """A loop at the top of a kernel whose iterations the host begins, one after the other."""

    op: ForOp
    body: tuple[Part, ...]


Part = Unit | Choice | Repeat


def parts(top: Block) -> tuple[Part, ...]:
    """The launches of a kernel's body, in order, and the conditions and loops of the host around them. What computes
    symbols is in none."""
    return tuple(_parts(_effects(top)))


def units(cut: Sequence[Part]) -> Iterator[Unit]:
    """The launches of parts, those under conditions too."""
    for part in cut:
        if isinstance(part, Unit):
            yield part
        elif isinstance(part, Repeat):
            yield from units(part.body)
        else:
            yield from units(part.then)
            yield from units(part.other)


def _effects(top: Block) -> list[Operation]:
    """The ops of a block but for symbols: what is read for no linear form, and what is computed from that, stays."""
    reading = _read_for_forms(top)
    kept: dict[Operation, None] = {}  # heap buffers are there for all launches
    for op in top.ops:
        if op.name == "func.return" or (isinstance(op, AllocOp) and op.space.data == "heap"):
            continue
        depends = any(operand.owner in kept and not _is_buffer(operand) for operand in op.operands)
        pure = is_side_effect_free(op) or op in reading
        if depends or not pure or isinstance(op, AllocOp | ForOp | IfOp):
            kept[op] = None
    return _allocs_late(list(kept))


def _allocs_late(ops: list[Operation]) -> list[Operation]:
    """Put each buffer before the first op that uses it."""
    allocs = [op for op in ops if isinstance(op, AllocOp)]
    others = [op for op in ops if not isinstance(op, AllocOp)]
    users = {alloc: next((op for op in others if _uses(op, alloc.result)), None) for alloc in allocs}
    return [placed for op in others for placed in (*(alloc for alloc, user in users.items() if user is op), op)]


def _is_buffer(value: SSAValue) -> bool:
    return isinstance(value.owner, AllocOp)


def _read_for_forms(top: Block) -> set[Operation]:
    """The ops at the top whose values linear forms use, also by way of others."""
    waiting: list[SSAValue] = []
    for op in top.walk():
        if isinstance(op, LinearOp) and not (isinstance(op, ComputedOp) and op.parent is top):
            waiting += op.counters
        elif isinstance(op, AllocOp):
            waiting += op.sizes
    found: set[Operation] = set()
    while waiting:
        owner = waiting.pop().owner
        if (
            isinstance(owner, Operation)
            and owner.parent is top
            and owner not in found
            and not isinstance(owner, AllocOp)
        ):
            found.add(owner)
            waiting += owner.operands
    return found


def _parts(ops: Sequence[Operation]) -> Iterator[Part]:
    start = 0
    while start < len(ops):
        end = _end(ops, start)
        first = ops[start]
        if end == start + 1 and isinstance(first, IfOp):
            yield Choice(first, parts(first.then.block), parts(first.other.block))
        elif end == start + 1 and isinstance(first, ForOp) and first.kind() == "host":
            yield Repeat(first, parts(first.block))
        else:
            yield Unit(tuple(ops[start:end]))
        start = end


def _end(ops: Sequence[Operation], start: int) -> int:
    """Where the unit that starts there ends: with the last op that uses a value of it; plain ops go together."""
    end, at = start + 1, start
    while at < end:
        op = ops[at]
        for result in op.results:
            end = max(end, *(i + 1 for i, other in enumerate(ops) if _uses(other, result)), at + 1)
        at += 1
        if at == end and end < len(ops) and not isinstance(op, ForOp | IfOp) and not isinstance(ops[end], ForOp | IfOp):
            end += 1
    return end


def _uses(op: Operation, value: SSAValue) -> bool:
    return any(value in inner.operands for inner in op.walk())
