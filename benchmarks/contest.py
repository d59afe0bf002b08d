"""One program, all contenders: built, checked against float64, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import mlir
import numpy as np
import peers
from graph import Graph, by_numpy
from measure import Call, Plan, Timed, aligned, error, in_turns

import weft

WEFT = "weft"

TOLERANCE = 2e-5
"""How far a result may be from that in float64, over the greatest magnitude of the result; further where NumPy in
float32 is far from it, too: then the program itself is hard to compute."""


@dataclass
class Outcome:
    """The times of a program in seconds a call, and what went wrong: `absent` says why a peer did not run."""

    times: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    compile_seconds: float = 0.0

    @property
    def best(self) -> str | None:
        """The fastest peer."""
        ran = [name for name in self.times if name != WEFT]
        return min(ran, key=lambda name: self.times[name]) if ran else None

    @property
    def ratio(self) -> float | None:
        """weft's time over the fastest peer's."""
        best = self.best
        return self.times[WEFT] / self.times[best] if best is not None and WEFT in self.times else None


def own(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int, text: str | None = None) -> Call:
    """weft's call, through its public API, from text."""
    program = text if text is not None else mlir.text(graph)
    start = time.perf_counter()
    compiled = weft.compile(program, threads=threads)
    seconds = time.perf_counter() - start
    names: dict[str, Any] = {"f": compiled, "o": out} | {f"a{n}": a for n, a in enumerate(arrays)}
    given = "".join(f"a{n}, " for n in range(len(arrays)))
    return Call(f"f({given}out=o)", names, lambda: out, seconds)


def contest(
    graph: Graph,
    arrays: Sequence[np.ndarray],
    who: Sequence[str],
    threads: int,
    plan: Plan,
    text: str | None = None,
) -> Outcome:
    """Measure a program by weft and by peers."""
    outcome = Outcome()
    wanted = by_numpy(graph, arrays)
    given = (wanted, lambda: TOLERANCE + 4 * error(by_numpy(graph, arrays, np.float32), wanted))
    calls: dict[str, Call] = {}
    makers: dict[str, Callable[[np.ndarray], Call | None]] = {
        name: lambda out, name=name: peers.build(name, graph, arrays, out, threads) for name in who
    }
    makers = {WEFT: lambda out: own(graph, arrays, out, threads, text)} | makers
    for name, make in makers.items():
        call = _ready(name, make, aligned(graph.result.shape), given, outcome)
        if call is not None:
            calls[name] = call
    if WEFT in calls:
        outcome.compile_seconds = calls[WEFT].setup_seconds
    timed: dict[str, Timed] = in_turns(calls, plan, keep=(WEFT,)) if calls else {}
    outcome.times = {name: t.seconds for name, t in timed.items()}
    return outcome


def _ready(
    name: str,
    make: Callable[[np.ndarray], Call | None],
    out: np.ndarray,
    given: tuple[np.ndarray, Callable[[], float]],
    outcome: Outcome,
) -> Call | None:
    """A contender whose result is right; None, and why, for one that does not take part.

    `given` is the right result, and what says how far another may be from it where that is more than is usual.
    """
    wanted, allowed = given
    out.fill(np.nan)
    try:
        call = make(out)
        if call is None:
            outcome.absent[name] = "does not take the program"
            return None
        result = call.run()
    except ImportError as problem:
        outcome.absent[name] = f"not installed: {problem}"
        return None
    except Exception as problem:  # a peer that fails on a program is a fact of the table, not the end of it
        if name == WEFT:
            raise
        outcome.absent[name] = f"failed: {type(problem).__name__}: {str(problem).splitlines()[0][:90]}"
        return None
    outcome.errors[name] = error(result, wanted)
    if not outcome.errors[name] <= TOLERANCE and not outcome.errors[name] <= allowed():
        outcome.absent[name] = f"wrong by {outcome.errors[name]:.1e}"
        return None
    return call
