"""How fast compiled programs run on the CPU, beside the best of the peers.

    pip install 'weft[bench]'                                # the peers: numpy, numba, torch, ort, openvino, jax, iree
    python benchmarks/cpu.py                                 # all rows, one thread and all, and docs/performance.md
    python benchmarks/cpu.py --rows matmul --threads 1 --peers numpy,ort --quick
    python benchmarks/cpu.py --rows "matmul 512" softmax --peers best --threads 1
    python benchmarks/cpu.py --suite contractions --threads 1 --count 40
    python benchmarks/cpu.py --list

`--rows` takes words: a row runs when its kind is one of them (add, gelu, sigmoid, matmul, mlp, softmax, layernorm,
conv, resblock, attention, sum) or its name holds one. `--peers best` builds only the peer that a row must be measured
beside; names do the same for all rows. `--quick` measures three short rounds. Together they answer in seconds, which
is what a person who changes a plan needs, with `--clock cpu` also on a machine where others compute. What a schedule
could do better is then shown by `weft run --explain`.

The suites besides `rows`: `contractions` (random shapes beside NumPy), `programs` (random chains of elementwise ops,
reductions and softmax beside numba, JAX and inductor), `spellings` (one contraction written in four ways), `loops`
(loops that a user wrote, beside numba's njit of the same loops).

Everything goes through the public API from MLIR text, weights are constants of the program, arrays start at multiples
of 64 bytes, results are written to `out=`. Each number of threads gets a process of its own that may use as many
cores; in it all contenders are measured in turns (see measure.py), after their results were checked against float64.
A row counts only where the peer that is known to be the best ran beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import machine

SUITES = ("rows", "contractions", "programs", "spellings", "loops")

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = made.add_argument
    add("--suite", default="rows", help=f"what to measure: {', '.join(SUITES)} or all, separated by commas")
    add("--rows", nargs="*", default=[], metavar="WORD", help="only what has this kind, or this in its name")
    add(
        "--threads", help="numbers of threads, separated by commas (default: 1 and as many as there are cores, up to 4)"
    )
    add("--peers", default="all", help="all, best (the one that a row names), none, or names separated by commas")
    add("--quick", action="store_true", help="three short rounds")
    add("--rounds", type=int, metavar="N", help="how often each contender gets its turn (default 7)")
    add("--burst", type=float, metavar="SECONDS", help="how long each turn lasts (default 0.03)")
    add(
        "--clock", choices=("wall", "cpu"), default="wall", help="processor time, where others compute; one thread only"
    )
    add("--count", type=int, metavar="N", help="how many random programs or shapes (default: 200 and 100)")
    add("--seed", type=int, default=0, metavar="N", help="other random programs and shapes")
    add("--write", action="store_true", help="write docs/performance.md, also from a part of the suites")
    add("--json", metavar="FILE", help="write the figures there")
    add("--list", action="store_true", help="list the rows")
    add("--child", type=int, help=argparse.SUPPRESS)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for."""
    options = parser().parse_args(arguments)
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.burst = options.burst or (0.015 if options.quick else 0.03)
    if options.child is not None:
        return child(options)
    if options.list:
        import rows

        for row in rows.ROWS:
            print(
                f"{row.kind:10} {row.name:34} beside {row.best[0]} / {row.best[1]}, goal {row.goal[0]} / {row.goal[1]}"
            )
        return 0
    found: list[dict[str, object]] = []
    for threads in thread_counts(options.threads):
        found += in_child(threads, sys.argv[1:] if arguments is None else list(arguments))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))
    whole = not options.rows and not options.quick and options.peers == "all" and options.suite in ("rows", "all")
    if options.write or whole:
        import report

        PAGE.write_text(report.page(found, PAGE.read_text() if PAGE.exists() else ""))
        print(f"wrote {PAGE}")
    return 0


def thread_counts(text: str | None) -> list[int]:
    """The numbers of threads that are measured."""
    if text is not None:
        return [int(word) for word in text.split(",")]
    return sorted({1, min(4, machine.cores())})


def in_child(threads: int, arguments: list[str]) -> list[dict[str, object]]:
    """Measure in a process of its own: libraries read their number of threads when they are loaded."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "figures.json"
        command = [sys.executable, __file__, *arguments, "--child", str(threads), "--json", str(place)]
        subprocess.run(command, check=True)
        return json.loads(place.read_text())


def child(options: argparse.Namespace) -> int:
    """Measure on one number of threads; the figures go to a file."""
    machine.pin(options.child)
    if options.child > 1 and options.clock == "cpu":
        parser().error("--clock cpu adds up the time of all threads: it tells nothing of more than one")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from importlib import import_module

    wanted = SUITES if options.suite == "all" else options.suite.split(",")
    from measure import Plan

    options.plan = Plan(options.rounds, options.burst, options.clock == "cpu")
    found: list[dict[str, object]] = []
    for name in wanted:
        if name not in SUITES:
            parser().error(f"there is no suite '{name}'; there are {', '.join(SUITES)}")
        print(f"# {name}, {options.child} thread{'s' if options.child > 1 else ''}", flush=True)
        for figure in import_module(f"suites.{name}").run(options, options.child):
            found.append({"suite": name, "threads": options.child, "clock": options.clock, **figure})
    Path(options.json).write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
