"""The loops that a step marks."""

from __future__ import annotations

from xdsl.dialects.func import FuncOp

from weft.diagnostics import did_you_mean
from weft.dialects.loop import ForOp
from weft.passes.loops.kernels import Refuse, label, loops


def marked(kernel: FuncOp, name: str) -> list[ForOp]:
    """The loops that `name` names, ragged copies too.

    Raises :class:`Refuse` where there is none; a name `k~` may name none, for there may be no ragged copy.
    """
    found = loops(kernel, name)
    if not found and not name.endswith("~"):
        known = [label(op) for op in kernel.walk() if isinstance(op, ForOp)]
        raise Refuse(f"no loop is labelled '{name}'", hint=did_you_mean(name, known))
    return found
