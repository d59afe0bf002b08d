"""Random programs of 3 to 12 elementwise ops, reductions and softmaxes on ranks 1 to 4, beside numba, JAX and inductor.

A reduction is broadcast back to the shape before it, or it stays and the program goes on in fewer dimensions.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from contest import contest
from graph import REDUCTIONS, Graph, Node
from rows import uniform

from suites.rows import chosen_peers, figures, line

COUNT = 100
GOAL, WORST = 0.9, 1.6
PEERS = "numba,jax,inductor"

ELEMENTS = (1e3, 3e6)
"""The least and the most elements of the largest tensor, log-uniform."""


def program(rng: np.random.Generator) -> Graph:
    """One random program. Values stay of moderate size: what grows is bent by tanh or sigmoid."""
    g = Graph("random")
    rank = int(rng.integers(1, 5))
    shape = sizes(rng, rank)
    values: list[Node] = [g.input(*shape) for _ in range(int(rng.integers(1, 4)))]
    now = values[0]
    for _ in range(int(rng.integers(3, 13))):
        peers_ = [v for v in values if v.shape == now.shape]
        now = step(g, now, peers_, rng)
        values.append(now)
    return g


def sizes(rng: np.random.Generator, rank: int) -> tuple[int, ...]:
    """A shape of so many dimensions, with about as many elements as are wanted."""
    total = np.exp(rng.uniform(*np.log(ELEMENTS)))
    parts = rng.dirichlet(np.full(rank, 2.0))
    return tuple(max(1, round(float(total**part))) for part in parts)


def step(g: Graph, now: Node, others: list[Node], rng: np.random.Generator) -> Node:
    """One more op on the current value."""
    roll = rng.random()
    if roll < 0.12 and now.shape:
        return g.softmax(now)
    if roll < 0.37 and now.shape:
        return reduction(g, now, rng)
    if roll < 0.62:
        other = others[int(rng.integers(len(others)))]
        op = ("add", "sub", "mul", "max", "min")[int(rng.integers(5))]
        # fast math takes x - x for 0, and what comes before it for nothing: such a program measures no work
        return g.binary("add" if op == "sub" and other is now else op, now, other)
    if roll < 0.70:
        return g.binary("mul", now, g.fill(float(rng.uniform(0.25, 1.5)), now.shape))
    op = ("neg", "abs", "tanh", "sigmoid", "relu", "exp", "log", "sqrt")[int(rng.integers(8))]
    if op in ("exp", "log", "sqrt"):  # of values between 0 and 1, and away from 0
        bent = g.unary("sigmoid", now)
        return g.unary(op, bent)
    return g.unary(op, now)


def reduction(g: Graph, now: Node, rng: np.random.Generator) -> Node:
    """Over one dimension or all but one; put back to the shape before in two cases of three."""
    rank = len(now.shape)
    one = int(rng.integers(rank))
    axes = (one,) if rank == 1 or rng.random() < 0.7 else tuple(a for a in range(rank) if a != one)
    kind = REDUCTIONS[int(rng.integers(len(REDUCTIONS)))]
    small = g.reduce("mean" if kind == "sum" else kind, now, axes)
    if rng.random() < 0.67:
        spread = g.broadcast(small, [a for a in range(rank) if a not in axes], now.shape)
        return g.binary(("sub", "mul", "add")[int(rng.integers(3))], now, spread)
    return small


def run(options: Namespace, threads: int) -> Iterator[dict[str, Any]]:
    """Measure so many of them, in short bursts; `--rows` filters by the number, as `program 7:`."""
    who = PEERS.split(",") if options.peers in ("all", "best") else chosen_peers(options.peers, "numba")
    plan = replace(options.plan, rounds=min(options.rounds, 5), burst=options.burst / 2)
    for number in range(options.count or COUNT):
        graph = program(np.random.default_rng((options.seed, number)))
        first = graph.inputs[0].shape
        ops = [n.op for n in graph.nodes if n.op not in ("input", "fill", "broadcast")]
        name = f"program {number}: {'x'.join(map(str, first))} {' '.join(ops)}"
        if options.rows and not any(word in name for word in options.rows):
            continue
        arrays = [uniform(x.shape, 100 + i) for i, x in enumerate(graph.inputs)]
        outcome = contest(graph, arrays, who, threads, plan)
        print(line(name, outcome, outcome.best or "numba", WORST), flush=True)
        moved = 4 * (sum(a.size for a in arrays) + int(np.prod(graph.result.shape)))
        yield {"name": name, "wanted": outcome.best, "goal": WORST, "bytes": moved, **figures(outcome)}
