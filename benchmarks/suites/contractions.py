"""Random contractions beside NumPy: M, N, K log-uniform in 1..2048, each input as it is or transposed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from contest import contest
from graph import Graph
from rows import uniform

from suites.rows import figures, line

COUNT = 200
LARGEST = 2048
GOAL, WORST = 1.0, 1.6


def shapes(count: int, seed: int) -> Iterator[tuple[int, int, int, bool, bool]]:
    """M, N, K, and whether the left and the right input are transposed."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        m, n, k = (round(float(np.exp(rng.uniform(0, np.log(LARGEST))))) for _ in range(3))
        left, right = (bool(rng.integers(2)) for _ in range(2))
        yield m, n, k, left, right


def program(m: int, n: int, k: int, left: bool, right: bool) -> Graph:
    """The product of two inputs, of which either may be kept transposed."""
    g = Graph("contraction")
    a = g.transpose(g.input(k, m), (1, 0)) if left else g.input(m, k)
    b = g.transpose(g.input(n, k), (1, 0)) if right else g.input(k, n)
    g.matmul(a, b)
    return g


def run(options: Namespace, threads: int) -> Iterator[dict[str, Any]]:
    """Measure so many of them, in short bursts; `--rows` filters by name, which tells the shape: `m x n x k`."""
    plan = replace(options.plan, rounds=min(options.rounds, 5), burst=options.burst / 2)
    for m, n, k, left, right in shapes(options.count or COUNT, options.seed):
        name = f"contraction {m}x{n}x{k}{' a.T' if left else ''}{' b.T' if right else ''}"
        if options.rows and not any(word in name for word in options.rows):
            continue
        graph = program(m, n, k, left, right)
        arrays = [uniform(x.shape, 100 + i) for i, x in enumerate(graph.inputs)]
        outcome = contest(graph, arrays, ["numpy"], threads, plan)
        print(line(name, outcome, "numpy", WORST), flush=True)
        yield {"name": name, "wanted": "numpy", "goal": WORST, "flops": 2 * m * n * k, **figures(outcome)}
