"""`docs/performance.md`: the figures as tables. What was not measured this time keeps the table that it had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from math import exp, log
from typing import Any

import machine
import peers
from suites.rows import duration

Figure = dict[str, Any]

HEAD = """# How fast it runs

`benchmarks/cpu.py` makes this page: every program is compiled by `weft.compile` from MLIR text, and measured in turns
with the peers in one process, on arrays aligned to 64 bytes, with weights as constants of the program and results
written to `out=`. Each result is checked against float64 first. A time is the median over the rounds of the fastest
call of a round; a ratio is weft's time over that of the best peer that ran, so below 1 weft is ahead. A row counts only
where the peer that is known to be the fastest for it ran beside it. Machines are shared and noisy: the ratios mean
something, the times little.

`pip install 'weft[bench]'` brings the peers, and this measures everything again (an hour; `--help` tells of parts):

```text
python benchmarks/cpu.py --suite all
```
"""

FLOOR_HELP = """
*Floor* is what the machine allows: the flops over the FMA peak of a core times the threads, or the bytes over the speed
between memory and the threads (the best that was seen), whichever is longer. What fits into the last cache may be
there already: then only arithmetic counts.
"""


def page(figures: list[Figure], before: str) -> str:
    """The whole page; `before` is what it was."""
    peak, cache = machine.peak_flops(), machine.last_cache()
    speed = {n: _fastest(figures, n, cache) for n in sorted({1, *(f["threads"] for f in figures)})}
    suites = {"rows": lambda f: _rows(f, peak, speed, cache)} | dict.fromkeys(("contractions", "programs"), _random)
    suites |= {"spellings": _spellings, "loops": _loops}
    text = HEAD + _section("machine", "The machine", _machine(peak, speed))
    for name, title in TITLES.items():
        measured = [f for f in figures if f["suite"] == name]
        old = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->\n", before, re.DOTALL)
        if measured:
            text += _section(name, title, _by_threads(measured, suites[name]))
        elif old:
            text += f"\n<!-- {name} -->\n{old.group(1)}<!-- end -->\n"
    kept = (re.search(rf"\n<!-- {name} -->\n.*?<!-- end {name} -->\n", before, re.DOTALL) for name in KEPT)
    return text + "".join(section.group(0) for section in kept if section)


KEPT = ("missed", "compile", "gpu")
"""Sections that are written by hand (why rows miss their goals) or that other scripts make: `benchmarks/compile.py`,
`benchmarks/gpu.py`."""


TITLES = {
    "rows": "The rows",
    "contractions": "Random contractions",
    "programs": "Random programs",
    "spellings": "One contraction in four spellings",
    "loops": "Loops that a user wrote",
}


def _section(name: str, title: str, body: str) -> str:
    return f"\n<!-- {name} -->\n## {title}\n\n{body}<!-- end -->\n"


def _by_threads(figures: list[Figure], table: Callable[[list[Figure]], str]) -> str:
    counts = sorted({f["threads"] for f in figures})
    return "\n".join(
        f"{'One thread' if n == 1 else f'{n} threads'}, measured on {date.today():%d %B %Y}{_clock(figures, n)}:\n\n"
        + table([f for f in figures if f["threads"] == n])
        for n in counts
    )


def _clock(figures: list[Figure], threads: int) -> str:
    """What the times are, where they are not those of the clock on the wall."""
    by_processor = any(f.get("clock") == "cpu" for f in figures if f["threads"] == threads)
    return " in processor time (others computed on the machine)" if by_processor else ""


def _fastest(figures: list[Figure], threads: int, cache: int) -> float:
    """The most bytes a second between memory and some threads that were seen: in a sum of arrays, or in any row."""
    rows = [f for f in figures if f["threads"] == threads and f.get("bytes", 0) > cache]
    return max([machine.bandwidth(threads), *(f["bytes"] / min(f["times"].values()) for f in rows)])


def _machine(peak: float, speed: dict[int, float]) -> str:
    facts = (
        machine.facts()
        | {
            "FMA peak of a core": f"{peak / 1e9:.0f} GFLOP/s in f32",
        }
        | {
            f"memory, {n} thread{'s' if n > 1 else ''}": f"{rate / 1e9:.1f} GB/s read and written"
            for n, rate in speed.items()
        }
    )
    lines = [f"| {name} | {value} |" for name, value in facts.items()]
    versions = [f"{n} {v}" if v else f"{n} (not installed here)" for n, v in peers.versions().items()]
    return "\n".join(["| | |", "| --- | --- |", *lines, f"| peers | {', '.join(versions)} |", ""])


def _rows(figures: list[Figure], peak: float, speed: dict[int, float], cache: int) -> str:
    lines = ["| program | weft | best peer | ratio | goal | | floor | other peers |"]
    lines += ["| --- | ---: | --- | ---: | ---: | --- | ---: | --- |"]
    for f in figures:
        if "weft" not in f["times"]:
            lines.append(f"| {f['name']} | {f['absent']['weft']} | | | {f['goal']:.2f} | missed | | |")
            continue
        ours, others = f["times"]["weft"], sorted((t, n) for n, t in f["times"].items() if n != "weft")
        memory = f["bytes"] / speed[f["threads"]] if f["bytes"] > cache else 0.0
        floor = max(f["flops"] / (peak * f["threads"]), memory)
        if not others:
            lines.append(f"| {f['name']} | {duration(ours)} | none ran | | {f['goal']:.2f} | not counted | | |")
            continue
        (best, name), *rest = others
        ratio = ours / best
        verdict = "holds" if ratio <= f["goal"] else "missed"
        if f["wanted"] not in f["times"]:
            verdict = f"not counted: {f['wanted']} {f['absent'].get(f['wanted'], 'was not asked')}"
        more = ", ".join([*(f"{n} {duration(t)}" for t, n in rest), *_absent(f)])
        lines.append(
            f"| {f['name']} | {duration(ours)} | {name} {duration(best)} | {ratio:.2f} | {f['goal']:.2f} | {verdict} "
            f"| {duration(floor)} | {more} |"
        )
    return "\n".join([*lines, FLOOR_HELP])


def _absent(f: Figure) -> Iterator[str]:
    for name, why in f["absent"].items():
        if "does not take" not in why:
            yield f"{name}: {why}"


def ratios(figures: list[Figure]) -> list[tuple[float, str]]:
    """weft's time over the best peer's, and the name, the worst first."""
    found: list[tuple[float, str]] = []
    for f in figures:
        others = [t for n, t in f["times"].items() if n != "weft"]
        if others and "weft" in f["times"]:
            found.append((f["times"]["weft"] / min(others), f["name"]))
    return sorted(found, reverse=True)


def mean(values: list[float]) -> float:
    """The geometric mean."""
    return exp(sum(map(log, values)) / len(values))


def _random(figures: list[Figure]) -> str:
    found = ratios(figures)
    values = [ratio for ratio, _ in found]
    worst = "\n".join(f"| {name} | {ratio:.2f} |" for ratio, name in found[:10])
    return (
        f"{len(values)} programs: geometric mean {mean(values):.2f}, median {values[len(values) // 2]:.2f}, "
        f"worst {values[0]:.2f}. The ten worst:\n\n| program | ratio |\n| --- | ---: |\n{worst}\n"
    )


def _spellings(figures: list[Figure]) -> str:
    names = list(figures[0]["times"])
    lines = [f"| | {' | '.join(names)} | slowest / fastest |", f"| --- |{' ---: |' * (len(names) + 1)}"]
    for f in figures:
        times = " | ".join(duration(f["times"][name]) for name in names)
        lines.append(f"| {f['name']} | {times} | {f['spread']:.2f} |")
    return "\n".join([*lines, ""])


def _loops(figures: list[Figure]) -> str:
    lines = ["| loops | weft | numba | ratio |", "| --- | ---: | ---: | ---: |"]
    for f in figures:
        ours, theirs = f["times"]["weft"], f["times"]["numba"]
        lines.append(f"| {f['name']} | {duration(ours)} | {duration(theirs)} | {ours / theirs:.2f} |")
    return "\n".join([*lines, ""])
