"""What a counter is while the body of its loop is emitted, and linear forms of counters at that moment."""

from __future__ import annotations

from dataclasses import dataclass

from weft.passes.lower.function_builder import Value


@dataclass(frozen=True)
class Counter:
    """`value + offset`, plus the number of the lane where `lane` is set; without `value` it is a constant."""

    value: Value | None
    offset: int = 0
    lane: bool = False


@dataclass(frozen=True)
class Lanes:
    """The vector of iterations that is being emitted.

    `width` lanes, of which the first `active` run where that is known; where only the run knows, `mask` says
    which, and `empty` that there may be none at all.
    """

    width: int
    active: int
    mask: Value | None = None
    empty: bool = False

    @property
    def whole(self) -> bool:
        """Whether all lanes run."""
        return self.mask is None and self.active == self.width


@dataclass(frozen=True)
class Form:
    """A linear form: run-time values with coefficients, a constant, and the coefficient of the lane."""

    terms: tuple[tuple[Value, int], ...]
    constant: int
    lane: int
