"""Counting what a pass does, one rewrite at a time, so that the one that goes wrong can be found.

A pass whose work is made of many small rewrites asks :func:`applications` once, tells it of each rewrite, and does no
more when there is no room. Nobody counts but who is inside :func:`counted`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from xdsl.dialects.builtin import LocationAttr

from weft.dialects.locations import where


@dataclass(frozen=True)
class Application:
    """One rewrite: the pattern, or whatever else was done, and the op that it was done to."""

    what: str
    op: str
    location: LocationAttr

    def __str__(self) -> str:
        return f"{self.what} on '{self.op}' at {where(self.location)}"


@dataclass
class Applications:
    """The rewrites that were made, and how many may be made; None for any number."""

    limit: int | None = None
    made: list[Application] = field(default_factory=list[Application])

    @property
    def room(self) -> bool:
        """Whether one more rewrite may be made."""
        return self.limit is None or len(self.made) < self.limit

    def note(self, what: str, op: str, location: LocationAttr) -> None:
        """Tell of a rewrite that was made."""
        self.made.append(Application(what, op, location))


class _Uncounted(Applications):
    """Outside of :func:`counted`: there is always room, and nothing is kept."""

    def note(self, what: str, op: str, location: LocationAttr) -> None:
        """Nothing."""


_CURRENT: ContextVar[Applications | None] = ContextVar("applications", default=None)


def applications() -> Applications:
    """What counts the rewrites that are made now."""
    return _CURRENT.get() or _Uncounted()


@contextmanager
def counted(limit: int | None = None) -> Generator[Applications]:
    """Count the rewrites that passes make inside the `with`, and let them make no more than `limit`."""
    count = Applications(limit)
    token = _CURRENT.set(count)
    try:
        yield count
    finally:
        _CURRENT.reset(token)
