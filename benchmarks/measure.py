"""Calls measured in turns: each round gives every contender a short burst, so that what disturbs one disturbs all.

The time of a burst is that of its fastest call (or batch of calls, where one is too short for the clock); the time of
a contender is the median of its bursts. Before each burst stands a pause, in which the threads of the one before go
to sleep. A contender that is far behind after two rounds is not measured further.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

Array = np.ndarray

SHORTEST = 20e-6
"""Calls are batched until a measurement takes so long, in seconds."""

PAUSE = 3e-3
"""How long the machine rests before a burst, in seconds."""

BEHIND = 1.4
"""A contender that takes so many times the best one's time is dropped after two rounds."""


@dataclass(frozen=True)
class Call:
    """A call to measure: a statement of Python and the names that occur in it, so that nothing else is measured.

    `result` gives the array of the last call.
    """

    statement: str
    names: dict[str, Any]
    result: Callable[[], Array]
    setup_seconds: float = 0.0

    def run(self) -> Array:
        """Call once; the result."""
        exec(self.statement, self.names)
        return np.asarray(self.result())


@dataclass
class Timed:
    """A contender and its bursts, in seconds a call."""

    name: str
    call: Call
    bursts: list[float] = field(default_factory=list)
    clock: Callable[[], float] = time.perf_counter
    batch: int = 1
    dropped: bool = False

    @property
    def seconds(self) -> float:
        """The median of the bursts."""
        return median(self.bursts)

    def start(self) -> None:
        """Warm up, and find how many calls make a measurement."""
        self.timer = timeit.Timer(self.call.statement, timer=self.clock, globals=self.call.names)
        self.timer.timeit(1)
        once = self.timer.timeit(1)
        while once < SHORTEST and self.batch < 1 << 16:
            self.batch *= 4
            once = self.timer.timeit(self.batch)

    def burst(self, seconds: float) -> None:
        """Measure for about so long, at least three calls of those that last less than that."""
        time.sleep(PAUSE)
        self.timer.timeit(self.batch)
        end, best, count = time.perf_counter() + seconds, float("inf"), 0
        while time.perf_counter() < end or count < 1:
            best = min(best, self.timer.timeit(self.batch) / self.batch)
            count += 1
        self.bursts.append(best)


@dataclass(frozen=True)
class Plan:
    """How calls are measured: so many rounds, bursts of so many seconds, by the wall's or the processor's clock."""

    rounds: int
    burst: float
    cpu: bool = False


def in_turns(calls: dict[str, Call], plan: Plan, keep: Sequence[str] = ()) -> dict[str, Timed]:
    """Measure all calls in turns. Those in `keep` are never dropped."""
    clock = time.process_time if plan.cpu else time.perf_counter
    all_ = [Timed(name, call, clock=clock) for name, call in calls.items()]
    for timed in all_:
        timed.start()
    for number in range(plan.rounds):
        going = [timed for timed in all_ if not timed.dropped]
        for timed in going[number % len(going) :] + going[: number % len(going)]:
            timed.burst(plan.burst)
        if number == 1:
            best = min(timed.seconds for timed in all_)
            for timed in all_:
                timed.dropped = timed.name not in keep and timed.seconds > BEHIND * best
    return {timed.name: timed for timed in all_}


def aligned(shape: Sequence[int], dtype: Any = np.float32) -> Array:
    """An array that starts at a multiple of 64 bytes."""
    size = np.dtype(dtype).itemsize
    count = int(np.prod(shape, dtype=np.int64))
    memory = np.zeros(size * count + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size * count].view(dtype).reshape(shape)


def error(result: Array, wanted: Array) -> float:
    """The greatest difference over the greatest magnitude; infinite where shapes or NaNs differ."""
    if result.shape != wanted.shape:
        return float("inf")
    if not wanted.size:
        return 0.0
    wrong = float(np.max(np.abs(result - wanted)))
    largest = float(np.max(np.abs(wanted)))
    return float("inf") if np.isnan(wrong) else wrong / max(largest, 1e-30)
