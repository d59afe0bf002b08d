"""What the checker found, in words: once a place, with how often, an example, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft import codes
from weft.backends.sim.layout import Finding
from weft.backends.sim.record import Site
from weft.diagnostics import Diagnostic, WeftError

ERRORS = frozenset(
    (
        Finding.RACE,
        Finding.OUT_OF_BOUNDS,
        Finding.UNWRITTEN,
        Finding.DIVERGENT_BARRIER,
        Finding.EXITED_BARRIER,
        Finding.DIVERGENT_WARP,
        Finding.MISALIGNED,
        Finding.DEADLOCK,
        Finding.UNFINISHED,
        Finding.UNFENCED,
        Finding.ABANDONED,
        Finding.SHUFFLED,
    )
)
"""The findings that are errors; the others are notes on speed."""


@dataclass(frozen=True)
class Report:
    """A finding at a place of a kernel: how often, an example in words, other places that have to do with it."""

    finding: Finding
    kernel: str
    site: Site
    message: str
    hint: str | None = None
    notes: tuple[Diagnostic, ...] = ()
    count: int = 1

    @property
    def is_error(self) -> bool:
        """Whether the program is wrong, and not only slow."""
        return self.finding in ERRORS

    def diagnostic(self) -> Diagnostic:
        """As it is printed."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        return Diagnostic(
            f"{self.message}{times}, in '@{self.kernel}'",
            self.site.where,
            "error" if self.is_error else "remark",
            self.hint,
            notes=self.notes,
            code=codes.GPU_FINDING if self.is_error else None,
        )


def merged(reports: Sequence[Report]) -> list[Report]:
    """Findings of several launches: one of each kind, kernel and place, with the sum of how often."""
    found: dict[tuple[Finding, str, Site, tuple[Diagnostic, ...]], Report] = {}
    for report in reports:
        places = tuple(replace(note, message="") for note in report.notes)
        key = (report.finding, report.kernel, report.site, places)
        if key in found:
            found[key] = replace(found[key], count=found[key].count + report.count)
        else:
            found[key] = report
    return list(found.values())


def error_of(reports: Sequence[Report]) -> WeftError | None:
    """One error that says all errors of these findings; None where there is none."""
    errors = [report.diagnostic() for report in reports if report.is_error]
    if not errors:
        return None
    first = errors[0]
    error = WeftError(first.message, first.where, first.hint, code=codes.GPU_FINDING)
    error.diagnostics = tuple(errors)
    return error


_VERBS = (("load", "reads"), ("store", "writes"), ("atomic", "changes"), ("cmpxchg", "changes"))


def verb(site: Site) -> str:
    """What the op at a place does with memory."""
    return next((word for part, word in _VERBS if part in site.what), "accesses")


def ordinal_block(place: Sequence[int]) -> str:
    """`block 3` in a line of blocks, `block (3, 1)` in a grid."""
    return _placed("block", place)


def placed_thread(place: Sequence[int]) -> str:
    """`thread 3` in a line of threads, `thread (3, 1)` in a block of more dimensions."""
    return _placed("thread", place)


def _placed(what: str, place: Sequence[int]) -> str:
    kept = list(place)
    while len(kept) > 1 and not kept[-1]:
        kept.pop()
    return f"{what} {kept[0]}" if len(kept) == 1 else f"{what} ({', '.join(map(str, kept))})"
