"""All that needs an NVIDIA GPU, in one call of a few minutes: tests, examples, sanitizer, the table of speeds.

    python benchmarks/gpu_machine.py --minutes 8 --logs gpu-logs

It needs the package with its extras `cuda` and `test`, torch for the table (Triton, JAX and CuPy take part where they
are installed), and compute-sanitizer for the third step. What a step prints goes to a file in the folder of logs; a
line for each step is printed, with the end of what one that failed has said. The table goes into docs/performance.md
and the pictures beside the logs. The exit code is the number of steps that failed; one that cannot run (no
compute-sanitizer) is told, and is none.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent

_CANNOT = 2
"""The exit code of a step that cannot run."""

_LINES = 25


@dataclass(frozen=True)
class Step:
    """A step: its name, its command behind the interpreter, and its share of the time."""

    name: str
    command: tuple[str, ...]
    share: float


def marked() -> list[str]:
    """The files with tests that need a GPU: to collect all others would take longer than to run these."""
    found = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(path) for path in found if "mark.gpu" in path.read_text(encoding="utf-8")]


def steps(logs: Path, minutes: float) -> list[Step]:
    """What is done, in order. The table gets what the others leave."""
    workers = str(max(1, min(14, (os.cpu_count() or 2) - 1)))
    table = int(minutes * 60 * 0.42)
    return [
        Step("facts", (str(HERE / "gpu_facts.py"),), 0.04),
        Step("examples", (str(HERE / "gpu_examples.py"),), 0.08),
        Step("tests", ("-m", "pytest", "-m", "gpu", "-n", workers, "--durations=15", *marked()), 0.30),
        Step("sanitizer", (str(HERE / "sanitize.py"),), 0.18),
        Step(
            "table",
            (
                str(HERE / "gpu.py"),
                "--rounds",
                "5",
                "--seconds",
                str(table),
                "--write",
                "--json",
                str(logs / "gpu.json"),
            ),
            0.48,
        ),
        Step("calls", (str(HERE / "gpu_launch.py"),), 0.06),
        Step("cpu-vs-gpu", (str(HERE / "cpu_vs_gpu.py"), "--output", str(logs / "cpu_vs_gpu.svg")), 0.10),
    ]


def run(step: Step, seconds: float, log: Path) -> int | None:
    """The exit code of a step; None where its time was over. Its whole group of processes ends with it."""
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-u", *step.command],
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every step that there is time for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0, help="how long all of it may take")
    parser.add_argument("--logs", type=Path, default=Path("gpu-logs"), help="the folder for what steps print")
    parser.add_argument("--steps", nargs="+", help="only these (facts, examples, tests, sanitizer, table, calls, ...)")
    parser.add_argument("--list", action="store_true", help="say what would be run, and run nothing")
    options = parser.parse_args(arguments)
    logs = options.logs.resolve()
    wanted = [s for s in steps(logs, options.minutes) if options.steps is None or s.name in options.steps]
    if options.list:
        for step in wanted:
            print(f"{step.name}: python {' '.join(step.command)}")
        return 0
    logs.mkdir(parents=True, exist_ok=True)
    start, failed = time.monotonic(), 0
    for step in wanted:
        left = options.minutes * 60 - (time.monotonic() - start)
        log = logs / f"{step.name}.txt"
        if left < 5:
            print(f"{step.name}: no time left", flush=True)
            failed += 1
            continue
        began = time.monotonic()
        code = run(step, min(left, options.minutes * 60 * step.share), log)
        took = time.monotonic() - began
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = (
            "right"
            if code == 0
            else "cannot run"
            if code == _CANNOT
            else "its time was over"
            if code is None
            else "FAILED"
        )
        failed += told in ("FAILED", "its time was over")
        print(f"{step.name}: {told} after {took:.0f} s ({said[-1] if said else 'nothing was printed'})", flush=True)
        if code != 0:
            print("\n".join(f"    {line}" for line in said[-_LINES:]), flush=True)
    print(f"{failed} of {len(wanted)} steps failed, {time.monotonic() - start:.0f} s, logs in {logs}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
