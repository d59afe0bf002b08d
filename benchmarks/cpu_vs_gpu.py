"""The CPU against the GPU, over sizes: vector add and matrix product, with and without the copies.

    python benchmarks/cpu_vs_gpu.py                    # prints the tables, draws cpu_vs_gpu.svg
    python benchmarks/cpu_vs_gpu.py --threads 4 --output other.svg

`copies` is the time of a call with NumPy's arrays, which go to the GPU and come back; `on the GPU` that of arrays which
are there (`weft.to_device`). Both wait for the result.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import weft

PROGRAMS = {
    "vector add": (
        "func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {\n"
        "  %0 = ml.add %x, %y : tensor<?xf32>\n  func.return %0 : tensor<?xf32>\n}\n",
        [(10**k,) for k in range(2, 9)],
    ),
    "matrix product": (
        "func.func @main(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>) -> tensor<?x?xf32> {\n"
        "  %0 = ml.matmul %x, %y : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>\n"
        "  func.return %0 : tensor<?x?xf32>\n}\n",
        [(2**k, 2**k) for k in range(4, 13)],
    ),
}

CONTENDERS = ("CPU", "GPU, copies", "on the GPU")
_COLORS = ("#c0392b", "#2980b9", "#27ae60")


def seconds(call: Callable[[], Any], least: float = 0.05) -> float:
    """The time of the fastest of several calls."""
    call()
    best, end = float("inf"), time.perf_counter() + least
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def measure(text: str, shape: tuple[int, ...], threads: int | None) -> list[float]:
    """The times of the contenders for one size."""
    rng = np.random.default_rng(0)
    x, y = (rng.random(shape, dtype=np.float32) for _ in range(2))
    on_cpu, on_gpu = weft.compile(text, threads=threads), weft.compile(text, target="cuda")
    there = weft.to_device(x), weft.to_device(y)

    def waited() -> Any:
        return on_gpu(*there).block_until_ready()

    np.testing.assert_allclose(waited().to_host(), on_cpu(x, y), rtol=1e-3, atol=1e-3)
    return [seconds(lambda: on_cpu(x, y)), seconds(lambda: on_gpu(x, y)), seconds(waited)]


def table(name: str, sizes: Sequence[tuple[int, ...]], times: Sequence[Sequence[float]]) -> str:
    """The times in microseconds."""
    lines = [f"{name:>16}" + "".join(f"{contender:>16}" for contender in CONTENDERS)]
    for shape, row in zip(sizes, times, strict=True):
        lines.append(f"{'x'.join(map(str, shape)):>16}" + "".join(f"{t * 1e6:13.1f} us" for t in row))
    return "\n".join(lines) + "\n"


def chart(name: str, sizes: Sequence[tuple[int, ...]], times: Sequence[Sequence[float]], left: int) -> str:
    """One plot of an SVG picture, both axes logarithmic."""
    width, height = 360, 260
    low, high = (np.log10(f([t for row in times for t in row])) for f in (min, max))
    steps = len(sizes) - 1

    def place(n: int, t: float) -> tuple[float, float]:
        return left + 50 + n * (width - 70) / steps, 40 + (height - 80) * (high - np.log10(t)) / (high - low)

    parts = [f'<text x="{left + width / 2}" y="20" text-anchor="middle" font-weight="bold">{name}</text>']
    for n, shape in enumerate(sizes):
        label = f"1e{round(np.log10(shape[0]))}" if len(shape) == 1 else str(shape[0])
        parts.append(f'<text x="{place(n, 10**low)[0]:.1f}" y="{height - 20}" text-anchor="middle">{label}</text>')
    for power in range(int(np.ceil(low)), int(np.floor(high)) + 1):
        y = place(0, 10.0**power)[1]
        parts.append(f'<line x1="{left + 50}" x2="{left + width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left + 45}" y="{y + 4:.1f}" text-anchor="end">1e{power} s</text>')
    for k, color in enumerate(_COLORS):
        points = " ".join("{:.1f},{:.1f}".format(*place(n, row[k])) for n, row in enumerate(times))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 60}" y="{50 + 14 * k}" fill="{color}">{CONTENDERS[k]}</text>')
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, help="threads of the CPU (default: one a core)")
    parser.add_argument("--output", default="cpu_vs_gpu.svg", help="the picture")
    options = parser.parse_args(arguments)
    charts: list[str] = []
    for name, (text, sizes) in PROGRAMS.items():
        times = [measure(text, shape, options.threads) for shape in sizes]
        print(table(name, sizes, times))
        charts.append(chart(name, sizes, times, 360 * len(charts)))
    body = "\n".join(charts)
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" width="{360 * len(charts)}" height="260" font-size="11" '
    Path(options.output).write_text(picture + f'font-family="sans-serif">\n{body}\n</svg>\n', encoding="utf-8")
    print(f"drawn: {options.output}")


if __name__ == "__main__":
    main()
