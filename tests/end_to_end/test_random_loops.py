"""Random loops that a user might write do, compiled, what they mean."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.end_to_end.random_loops import random_loops
from weft.backends.reference import run
from weft.frontends.mlir import parse_module
from weft.registry import context


def check(seed: int) -> None:
    """Compiled for one thread, the program leaves in its arrays what it means."""
    program = random_loops(seed)
    compiled = weft.compile(program.text, threads=1)
    module = parse_module(program.text, context())
    for n in {program.columns, program.columns // 2}:
        want, got = program.arrays(seed), program.arrays(seed)
        run(module, "main", [*want, n])
        compiled(*got, n)
        for a, b in zip(got, want, strict=True):
            # sums of floats are exact until they are large
            close = 1e-4 * np.abs(b).max(initial=0) if b.dtype.kind == "f" else 0
            np.testing.assert_allclose(a, b, 0, close, err_msg=f"{seed}, {n}:\n{program.text}")


@pytest.mark.parametrize("seed", range(24))
def test_random_loops_mean_the_same_compiled(seed: int) -> None:
    check(seed)


@pytest.mark.long
@pytest.mark.parametrize("first", range(1000, 1300, 50))
def test_many_random_loops_mean_the_same_compiled(first: int) -> None:
    for seed in range(first, first + 50):
        check(seed)
