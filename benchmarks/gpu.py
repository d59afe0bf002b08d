"""How fast compiled programs run on an NVIDIA GPU, beside torch (eager and compiled), Triton and JAX.

    python benchmarks/gpu.py                       # all rows and 30 random programs, a few minutes
    python benchmarks/gpu.py --rows softmax matmul --rounds 3
    python benchmarks/gpu.py --json gpu.json --write
    python benchmarks/gpu.py --rows "matmul f16 4096" --count 0 --schedule tiles       # with every tile that plans have
    python benchmarks/gpu.py --rows "matmul f32 1024" --count 0 --schedule mine.mlir   # as --print-schedule writes it

Arrays are torch's, on the GPU, and results are written to `out=`; JAX has its own. Every result is checked against
float64 (or torch's, where that is too large) first. Then all contenders are measured in turns in one process: a burst
is so many calls between two CUDA events that it lasts some milliseconds, JAX's by the clock around calls that are
waited for. A time is the median of the bursts; a ratio is the best peer's time over weft's: above 1 weft is ahead.
`--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import exp, log
from pathlib import Path
from typing import Any

import gpu_rows
import torch

import weft

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX leaves memory for the others

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

BURST = 8e-3
"""How long a burst lasts, in seconds."""

WEFT = "weft"


@dataclass
class Outcome:
    """The times of a row in seconds a call, the errors of results, and why somebody did not take part."""

    name: str
    goal: float
    bytes: int
    flops: int
    dtype: str
    times: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    compile_seconds: float = 0.0

    @property
    def best(self) -> str | None:
        """The fastest peer."""
        ran = [name for name in self.times if not name.startswith(WEFT)]
        return min(ran, key=lambda name: self.times[name]) if ran else None

    @property
    def ratio(self) -> float | None:
        """The fastest peer's time over weft's."""
        best = self.best
        return self.times[best] / self.times[WEFT] if best is not None and WEFT in self.times else None

    def line(self) -> str:
        """The outcome in one line."""
        own = f"{self.times[WEFT] * 1e6:10.1f} us" if WEFT in self.times else "         none"
        peers = ", ".join(f"{name} {t * 1e6:.1f}" for name, t in self.times.items() if name != WEFT)
        ratio = f"{self.ratio:5.2f}" if self.ratio is not None else "     "
        speed = f"{self.speed:8.2f}" if self.speed else ""
        missing = "".join(f"; {name}: {why}" for name, why in self.absent.items())
        return f"{self.name:38} {own} {ratio} (goal {self.goal}) {speed}   {peers}{missing}"

    @property
    def speed(self) -> float:
        """What weft reaches: TFLOP/s of a contraction, TB/s of other programs."""
        if WEFT not in self.times:
            return 0.0
        return (self.flops or self.bytes) / self.times[WEFT] / 1e12


def timer_of(call: Callable[[], Any]) -> Callable[[int], float]:
    """Times so many calls by CUDA events."""

    def timed(count: int) -> float:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(count):
            call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3

    return timed


def clock_of(call: Callable[[], Any]) -> Callable[[int], float]:
    """Times so many calls by the clock; the last result is waited for."""

    def timed(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count - 1):
            call()
        call().block_until_ready()
        return time.perf_counter() - start

    return timed


def measure(timers: dict[str, Callable[[int], float]], rounds: int) -> dict[str, float]:
    """Seconds a call of each, in turns."""
    counts: dict[str, int] = {}
    for name, timer in timers.items():
        timer(3)
        counts[name] = max(1, min(2000, int(BURST / max(timer(3) / 3, 1e-7))))
    bursts: dict[str, list[float]] = {name: [] for name in timers}
    for number in range(rounds):
        names = list(timers)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            bursts[name].append(timers[name](counts[name]) / counts[name])
    return {name: statistics.median(times) for name, times in bursts.items()}


def run_row(row: gpu_rows.Row, rounds: int, who: Sequence[str], schedules: Sequence[str] = ()) -> Outcome:
    """Check and measure a row, with other schedules, too."""
    outcome = Outcome(row.name, row.goal, row.bytes, row.flops, row.dtype)
    arrays = row.arrays()
    wanted = row.wanted(arrays)
    timers: dict[str, Callable[[int], float]] = {}

    def offer(name: str, make: Callable[[], gpu_rows.Contender], *, clock: bool = False) -> None:
        """Take a contender in whose result is right."""
        try:
            start = time.perf_counter()
            call, result = make()
            call()
            torch.cuda.synchronize()
            if name == WEFT:
                outcome.compile_seconds = time.perf_counter() - start
            outcome.errors[name] = gpu_rows.error(result(), wanted)
            if not outcome.errors[name] <= row.tolerance:
                outcome.absent[name] = f"wrong by {outcome.errors[name]:.1e}"
                return
            timers[name] = (clock_of if clock else timer_of)(call)
        except ImportError as problem:
            outcome.absent[name] = f"not installed: {problem}"
        except Exception as problem:
            outcome.absent[name] = f"{type(problem).__name__}: {str(problem).splitlines()[0][:120]}"
            if name == WEFT:
                traceback.print_exc(limit=-4)

    offer(WEFT, lambda: own(row, arrays, wanted))
    for name, schedule in variants(row, schedules).items():
        offer(f"{WEFT} {name}", lambda schedule=schedule: own(row, arrays, wanted, schedule))
    for name in who:
        if name in row.peers:
            offer(name, lambda name=name: row.peers[name](arrays), clock=name == "jax")
    outcome.times = measure(timers, rounds) if timers else {}
    return outcome


def variants(row: gpu_rows.Row, schedules: Sequence[str]) -> dict[str, str]:
    """Schedules by a name: those of files, and of `tiles` every tile that plans have for the row's products."""
    from gpu_tiles import tiles

    found: dict[str, str] = {}
    for word in schedules:
        found |= tiles(row.text) if word == "tiles" else {Path(word).stem: word}
    return found


def own(row: gpu_rows.Row, arrays: Sequence[Any], wanted: Any, schedule: str | None = None) -> gpu_rows.Contender:
    """weft's call, through its public API, from text."""
    compiled = weft.compile(row.text, target="cuda", schedule=schedule)
    out = torch.empty(wanted.shape, dtype=row.result_dtype, device="cuda")
    return lambda: compiled(*arrays, out=out), lambda: out


@dataclass(frozen=True)
class Ceilings:
    """What the GPU can do, as torch does it: TB/s of a copy, TFLOP/s of large products by their element type."""

    copy: float
    products: dict[str, float]

    @staticmethod
    def measured() -> Ceilings:
        """Those of this GPU."""
        products = {"f16": gpu_rows.product_speed("f16"), "bf16": gpu_rows.product_speed("bf16")}
        return Ceilings(gpu_rows.copy_speed(), {**products, "f32": gpu_rows.product_speed("f32", 5)})

    def share(self, outcome: Outcome) -> float:
        """How much of its ceiling a program reaches."""
        return outcome.speed / (self.products[outcome.dtype] if outcome.flops else self.copy)

    def __str__(self) -> str:
        products = ", ".join(f"{name} at {speed:.0f}" for name, speed in self.products.items())
        return f"torch copies at {self.copy:.2f} TB/s and multiplies {products} TFLOP/s"


def table(outcomes: Sequence[Outcome], ceilings: Ceilings | None = None) -> str:
    """The outcomes as a table of Markdown; with ceilings, how much of them is reached."""
    columns = [
        "program",
        "weft",
        "best peer",
        "ratio",
        "goal",
        "weft reaches",
        *(["of the ceiling"] if ceilings else []),
    ]
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for o in outcomes:
        own_time = f"{o.times[WEFT] * 1e6:.1f} us" if WEFT in o.times else o.absent.get(WEFT, "")
        peer = f"{o.best} {o.times[o.best] * 1e6:.1f} us" if o.best else ""
        ratio = f"{o.ratio:.2f}" if o.ratio is not None else ""
        reached = f"{o.speed:.2f} {'TFLOP/s' if o.flops else 'TB/s'}"
        cells = [o.name, own_time, peer, ratio, str(o.goal), reached]
        lines.append(f"| {' | '.join([*cells, *([f'{ceilings.share(o):.0%}'] if ceilings else [])])} |")
    return "\n".join(lines) + "\n"


def summary(outcomes: Sequence[Outcome]) -> str:
    """The geometric mean and the worst of the ratios."""
    ratios = [o.ratio for o in outcomes if o.ratio is not None]
    if not ratios:
        return "nothing was measured\n"
    mean = exp(sum(map(log, ratios)) / len(ratios))
    return f"{len(ratios)} programs: geometric mean of the ratios {mean:.2f}, worst {min(ratios):.2f}\n"


def write(rows: Sequence[Outcome], programs: Sequence[Outcome]) -> None:
    """Put the tables into the page."""
    name = torch.cuda.get_device_name()
    ceilings = Ceilings.measured()
    text = f"\n<!-- gpu -->\n## On a GPU: {name}\n\n`benchmarks/gpu.py` made this on {date.today():%d %B %Y}. "
    text += "A ratio is the best peer's time\n"
    text += f"over weft's, so above 1 weft is ahead. The ceilings: {ceilings}.\n"
    text += "A small program is far below them for its launch alone.\n\n"
    text += f"{table(rows, ceilings)}\n{summary(programs)}\n{table(programs)}<!-- end gpu -->\n"
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# How fast it runs\n"
    old = re.sub(r"\n<!-- gpu -->\n.*?<!-- end gpu -->\n", "", old, flags=re.DOTALL)
    PAGE.write_text(old + text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rows", nargs="*", default=[], metavar="WORD", help="only rows with this in their name")
    add("--peers", default="torch,compile,triton,jax", help="who runs beside weft")
    add("--schedule", nargs="*", default=[], metavar="FILE", help="measure these schedules too; or all 'tiles'")
    add("--rounds", type=int, default=9, help="how often each contender gets its turn")
    add("--count", type=int, default=30, help="how many random programs")
    add("--seed", type=int, default=0, help="other random programs")
    add("--seconds", type=float, default=float("inf"), help="begin no row after so long")
    add("--json", metavar="FILE", help="write the figures there")
    add("--write", action="store_true", help="write the tables into docs/performance.md")
    options = parser.parse_args(arguments)
    torch.set_grad_enabled(False)
    print(f"{torch.cuda.get_device_name()}: copy {gpu_rows.copy_speed():.2f} TB/s", flush=True)
    found: dict[str, list[Outcome]] = {"rows": [], "programs": []}
    start, left_out = time.perf_counter(), 0
    suites = {"rows": gpu_rows.rows(), "programs": gpu_rows.programs(options.count, options.seed)}
    for suite, rows in suites.items():
        for row in rows:
            if options.rows and not any(word in row.name for word in options.rows):
                continue
            if time.perf_counter() - start > options.seconds:
                left_out += 1
                continue
            outcome = run_row(row, options.rounds, options.peers.split(","), options.schedule)
            found[suite].append(outcome)
            print(outcome.line(), flush=True)
            torch.cuda.empty_cache()
        print(summary(found[suite]), flush=True)
    if left_out:
        print(f"{left_out} rows were left out: there was no time for them", flush=True)
    if options.json:
        figures = {suite: [{**o.__dict__, "ratio": o.ratio} for o in outcomes] for suite, outcomes in found.items()}
        Path(options.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if options.write:
        write(found["rows"], found["programs"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
