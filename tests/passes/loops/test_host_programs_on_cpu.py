"""Random host programs, through the whole road, as machine code."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.passes.loops.host_programs import random_program
from tests.passes.loops.watch import parse
from weft.backends.reference import run


def check(seed: int) -> None:
    text = random_program(seed).replace(" attributes {ml.kernel}", "")
    compiled, module = weft.compile(text), parse(text)
    random = np.random.default_rng(seed)
    arrays = [random.integers(-8, 8, 4).astype(np.float32) for _ in range(4)]
    for p in (False, True):
        for n in (0, 3):
            got = compiled(*arrays, p, n)
            want = run(module, "main", [*arrays, p, n])
            for left, right in zip(got if isinstance(got, tuple) else (got,), want, strict=True):
                np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("seed", range(5))
def test_random_host_programs_give_the_answers_of_the_reference(seed: int) -> None:
    check(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5, 200))
def test_many_random_host_programs_give_the_answers_of_the_reference(seed: int) -> None:
    check(seed)
