"""The error at an op that a lowering does not know: it names the pass that has to run before, where there is one."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at


def refusal(op: Operation, what: str, needed: Mapping[str, str]) -> WeftError:
    """`'op' cannot be lowered WHAT`; `needed` has the pass that takes a dialect away, by the dialect's name."""
    step = needed.get(op.name.partition(".")[0])
    hint = f"run the pass '{step}' first" if step is not None else None
    return error_at(op, f"'{op.name}' cannot be lowered {what}", hint, code=codes.CANNOT_LOWER)
