"""The rows of the CPU table."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import peers
import rows
from contest import WEFT, Outcome, contest

RUNS_LONG = 4e10
"""From so many operations on a program gets fewer rounds."""


def run(options: Namespace, threads: int) -> Iterator[dict[str, Any]]:
    """Measure the rows that are asked for."""
    for row in rows.chosen(options.rows):
        graph = row.make()
        arrays = row.arrays(graph)
        best = row.best[threads > 1]
        who = chosen_peers(options.peers, best)
        plan = replace(options.plan, rounds=3) if row.flops > RUNS_LONG else options.plan
        text = row.text(graph) if row.text else None
        outcome = contest(graph, arrays, who, threads, plan, text)
        print(line(row.name, outcome, best, row.goal[threads > 1]), flush=True)
        yield {
            "name": row.name,
            "kind": row.kind,
            "wanted": best,
            "goal": row.goal[threads > 1],
            "flops": row.flops,
            "bytes": row.bytes,
            **figures(outcome),
        }


def chosen_peers(words: str, best: str) -> list[str]:
    """The peers that the command line asks for."""
    named = {"all": list(peers.NAMES), "best": [best], "none": []}
    return named[words] if words in named else words.split(",")


def figures(outcome: Outcome) -> dict[str, Any]:
    """What an outcome says, for JSON."""
    return {
        "times": outcome.times,
        "errors": outcome.errors,
        "absent": outcome.absent,
        "compile": outcome.compile_seconds,
    }


def duration(seconds: float) -> str:
    """A time with a unit that suits it."""
    for least, unit, factor in ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "us", 1e6)):
        if seconds >= least:
            return f"{seconds * factor:.3g} {unit}"
    return "0"


def line(name: str, outcome: Outcome, wanted: str, goal: float) -> str:
    """One line: our time, the best peer's and the ratio, the goal, then all others."""
    if WEFT not in outcome.times:
        return f"{name:36} {outcome.absent[WEFT]}"
    ours = outcome.times[WEFT]
    others = sorted((t, n) for n, t in outcome.times.items() if n != WEFT)
    rest = ", ".join(f"{n} {duration(t)}" for t, n in others)
    absent = "".join(f"; {n} {why}" for n, why in outcome.absent.items() if n == wanted)
    if outcome.ratio is None:
        return f"{name:36} {duration(ours):>9}{absent}"
    mark = "" if wanted in outcome.times else f" (does not count: {wanted} did not run)"
    how = "ok  " if outcome.ratio <= goal else "MISS"
    return f"{name:36} {duration(ours):>9}  ratio {outcome.ratio:5.2f}  goal {goal:4.2f} {how}{mark}  [{rest}{absent}]"
