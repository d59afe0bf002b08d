"""Loops that a user wrote, in affine and scf text on memrefs, beside numba's njit of the same loops."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measure import Call, error, in_turns
from user_loops import grids, matrices, pictures, selections, sequences, tables
from user_loops.base import Array

import weft

GOAL = 1.0

LOOPS = (*grids.LOOPS, *matrices.LOOPS, *tables.LOOPS, *sequences.LOOPS, *pictures.LOOPS, *selections.LOOPS)


def run(options: Namespace, threads: int) -> Iterator[dict[str, Any]]:
    """Measure all of them, or those whose names hold a word of `--rows`."""
    import numba

    for loops in LOOPS:
        if options.rows and not any(word in loops.name for word in options.rows):
            continue
        ours, theirs = loops.arrays(), loops.arrays()
        calls = {
            "weft": call(weft.compile(loops.text, threads=threads), ours),
            "numba": call(numba.njit(fastmath=True, error_model="numpy")(loops.python), theirs),
        }
        for one in calls.values():
            one.run()
        pairs = zip(ours, theirs, strict=True)
        wrong = max(error(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs)
        assert wrong <= loops.tolerance, (loops.name, wrong)
        timed = in_turns(calls, options.plan, keep=tuple(calls))
        times = {name: t.seconds for name, t in timed.items()}
        ratio = times["weft"] / times["numba"]
        rest = ", ".join(f"{name} {t * 1e6:.1f} us" for name, t in times.items())
        print(
            f"{loops.name:36} ratio {ratio:5.2f}  goal {GOAL} {'ok' if ratio <= GOAL else 'MISS'}  [{rest}]", flush=True
        )
        yield {"name": loops.name, "wanted": "numba", "goal": GOAL, "times": times, "absent": {}}


def call(function: Callable[..., Any], arrays: list[Array]) -> Call:
    """A call of a function on arrays in place."""
    names: dict[str, Any] = {"f": function} | {f"a{n}": a for n, a in enumerate(arrays)}
    return Call(f"f({', '.join(f'a{n}' for n in range(len(arrays)))})", names, lambda: arrays[-1])
