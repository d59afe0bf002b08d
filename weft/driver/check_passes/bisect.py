"""Which of the rewrites of a pass changed the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft.passes.applications import Application, counted
from weft.registry import context


@dataclass(frozen=True)
class Culprit:
    """The rewrite that changed the answer: it was number `n` (from 1) of `count`."""

    application: Application
    n: int
    count: int

    def __str__(self) -> str:
        return f"rewrite {self.n} of {self.count}: {self.application}"


def culprit(step: ModulePass, before: ModuleOp, is_wrong: Callable[[ModuleOp], bool]) -> Culprit | None:
    """The first rewrite after which the module is wrong; None where it is none that the pass counts.

    With so many rewrites the module is right, and with one more it is wrong: found by halving.
    """
    all_made = _with_limit(step, before, None)[1]
    right, wrong = 0, len(all_made)
    if not all_made or is_wrong(_with_limit(step, before, 0)[0]):
        return None
    while wrong - right > 1:
        middle = (right + wrong) // 2
        if is_wrong(_with_limit(step, before, middle)[0]):
            wrong = middle
        else:
            right = middle
    return Culprit(all_made[wrong - 1], wrong, len(all_made))


def _with_limit(step: ModulePass, before: ModuleOp, limit: int | None) -> tuple[ModuleOp, list[Application]]:
    module = before.clone()
    with counted(limit) as count:
        step.apply(context(allow_unregistered=True), module)
    return module, count.made
