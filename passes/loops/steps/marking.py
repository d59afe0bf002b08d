"""The loops that a step marks, and whether a mark can stand."""

from __future__ import annotations

from xdsl.dialects.func import FuncOp

from weft.diagnostics import did_you_mean
from weft.dialects.loop import AllocOp, ForOp, IfOp
from weft.dialects.loop.nest import WITHIN_LANES, loops_around
from weft.dialects.walking import inside
from weft.passes.loops.dependence import carried
from weft.passes.loops.kernels import Refuse, label, loops

TOGETHER = ("warp", "thread")
"""Units of one block of a GPU: what they reduce into one place is combined, as lanes are."""


def marked(kernel: FuncOp, name: str) -> list[ForOp]:
    """The loops that `name` names, ragged copies too.

    Raises :class:`Refuse` where there is none; a name `k~` may name none, for there may be no ragged copy.
    """
    found = loops(kernel, name)
    if not found and not name.endswith("~"):
        known = [label(op) for op in inside(kernel) if isinstance(op, ForOp)]
        raise Refuse(f"no loop is labelled '{name}'", hint=did_you_mean(name, known))
    return found


def against_lanes(loop: ForOp, width: int) -> str | None:
    """Why the iterations of a loop cannot be the lanes of vectors of that width; None where they can."""
    if any(outer.kind() == "vector" for outer in loops_around(loop)):
        return f"'{label(loop)}' stands in a vector loop"
    for op in inside(loop.body):
        if isinstance(op, ForOp) and op.kind() not in WITHIN_LANES:
            return f"'{label(loop)}' holds the loop '{label(op)}', which is not unrolled"
        if isinstance(op, ForOp | IfOp) and loop.counter in op.counters:
            return f"the counter of '{label(loop)}' decides control flow inside it"
        if isinstance(op, AllocOp):
            return f"'{label(loop)}' holds the buffer '{op.buffer_name.data}'"
    return carried(loop, lanes=True, width=width)


def against_mark(loop: ForOp) -> str | None:
    """Why the mark that a loop has cannot stand where the loop stands; None where it can."""
    if loop.kind() == "vector":
        return against_lanes(loop, loop.number())
    if loop.kind() in ("seq", "host", *WITHIN_LANES):
        return None
    return carried(loop, lanes=loop.kind() in TOGETHER)
