"""The search: edits that make a module smaller are tried in halves, quarters, ... and one by one, until none is left.

Source: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (ddmin), IEEE TSE 28 (2002).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from xdsl.dialects.builtin import ModuleOp

from weft.codes import NOT_INTERESTING
from weft.diagnostics import WeftError
from weft.driver.printing import print_module
from weft.driver.reduction.index import REDUCERS
from weft.driver.reduction.measure import Size, size_of
from weft.driver.verify import verify

Edit: TypeAlias = Callable[[], None]
"""Changes the module that it was made for; does nothing where an earlier edit has taken away what it works on."""

Reducer: TypeAlias = Callable[[ModuleOp], Sequence[Edit]]
"""The edits that a module offers: the same ones, in the same order, for equal modules."""


def reduce(
    module: ModuleOp,
    interesting: Callable[[ModuleOp], bool],
    *,
    reducers: Sequence[Reducer] = REDUCERS,
    max_steps: int | None = None,
    progress: Callable[[ModuleOp, Size], None] | None = None,
) -> ModuleOp:
    """The smallest module found for which `interesting` holds; `module` stays as it is.

    `interesting` gets a verified module of its own, and may change it. What it raises ends the search. It is asked at
    most `max_steps` times, and never twice about the same text. When the search ends by itself, no single edit of
    `reducers` gives a smaller interesting module. `progress` is told of every module that was taken.

    Raises :class:`WeftError` where `module` itself is not interesting.
    """
    search = _Search(module.clone(), interesting, max_steps, progress)
    if not search.asks(module.clone(), search.text):
        raise WeftError("the module is not interesting to begin with", code=NOT_INTERESTING)
    with suppress(_NoStepsLeft):
        search.runs(reducers)
    return search.best


class _NoStepsLeft(Exception):
    """The search has asked as often as it may."""


@dataclass
class _Search:
    """The best module so far."""

    best: ModuleOp
    interesting: Callable[[ModuleOp], bool]
    steps_left: int | None
    progress: Callable[[ModuleOp, Size], None] | None
    seen: set[str] = field(default_factory=set[str])
    text: str = ""
    size: Size = field(init=False)

    def __post_init__(self) -> None:
        self.text = print_module(self.best)
        self.size = size_of(self.best)

    def runs(self, reducers: Sequence[Reducer]) -> None:
        """Apply all reducers, round by round, until a round changes nothing."""
        taken = True
        while taken:
            taken = False
            for reducer in reducers:
                taken |= self.applies(reducer)

    def asks(self, module: ModuleOp, text: str) -> bool:
        """Ask the predicate, unless it has seen the text."""
        if text in self.seen:
            return False
        if self.steps_left is not None:
            if not self.steps_left:
                raise _NoStepsLeft
            self.steps_left -= 1
        self.seen.add(text)
        return self.interesting(module)

    def applies(self, reducer: Reducer) -> bool:
        """Try a reducer's edits, in ever smaller groups. Whether one was taken."""
        count = len(reducer(self.best))
        width, taken = count, False
        while width:
            start = 0
            while start < count:
                if self.takes(reducer, start, start + width):
                    count, taken = len(reducer(self.best)), True
                else:
                    start += width
            width //= 2
        return taken

    def takes(self, reducer: Reducer, start: int, end: int) -> bool:
        """Try some edits together; take what they give where it is smaller, verifies and is interesting."""
        candidate = self.best.clone()
        for edit in reducer(candidate)[start:end]:
            edit()
        size = size_of(candidate)
        if size > self.size:
            return False
        text = _verified_text(candidate)
        if text is None:
            return False
        if (size, len(text), text) >= (self.size, len(self.text), self.text) or not self.asks(candidate.clone(), text):
            return False
        self.best, self.size, self.text = candidate, size, text
        if self.progress is not None:
            self.progress(candidate, size)
        return True


def _verified_text(module: ModuleOp) -> str | None:
    """The text of a module; None where it does not verify or print."""
    try:
        verify(module)
        return print_module(module)
    except Exception:
        # edits know nothing of the ops that they change, and verifiers and printers were not written for what comes
        # of that: what they raise, of any kind, means that this is no module
        return None
