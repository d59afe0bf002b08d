"""Random programs: their gradients are what small steps show, and survive the clean-up passes."""

import random

import numpy as np
import pytest

from tests.passes.graph.harness import run_passes
from tests.programs import ELEMENTS, random_program
from weft import codes
from weft.backends import reference
from weft.diagnostics import WeftError

F64 = next(e for e in ELEMENTS if str(e) == "f64")
STEPS = (1e-6, 3e-7, 1e-7)


def check(seed, count):
    """Whether the gradient of a random program could be checked. Where steps of different sizes show different slopes
    it cannot: there the program is not smooth, or too steep."""
    program = random_program(random.Random(seed), steps=count, special=False, windows=seed % 2 == 0, elements=(F64,))
    module, given = program.module, list(program.args)
    if any(op.name == "ml.reduce_precision" for op in module.walk()):
        return False  # a step function, whose gradient is that of its operand
    if any(op.name == "ml.compare" and op.direction.value in ("EQ", "NE") for op in module.walk()):
        return False  # where two values are equal here and nowhere near, small steps do not see what is chosen here
    value = [np.asarray(result) for result in reference.run(module, "main", given)]
    floats = [result for result in value if result.dtype == np.float64]
    wrt = tuple(i for i, arg in enumerate(given) if arg.dtype == np.float64)
    if not floats or not wrt or any(str(r.dtype) in ("float16", "float32", "bfloat16") for r in value):
        return False
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=result.shape) for result in floats]
    try:
        run_passes(module, "differentiate", function="main", seed=True, wrt=wrt)
    except WeftError as error:
        assert error.code is codes.NO_GRADIENT
        return False
    run_passes(module, "canonicalize", "infer-shapes", "fold", "cse")
    found = reference.run(module, "main.grad", [*given, *weights])
    for again, first in zip(found, value, strict=False):
        np.testing.assert_allclose(np.asarray(again), first, rtol=1e-9, atol=1e-9)
    directions = [rng.normal(size=given[i].shape) for i in wrt]

    def weighted(step):
        moved = list(given)
        for i, direction in zip(wrt, directions, strict=True):
            moved[i] = given[i] + step * direction
        results = [np.asarray(r) for r in reference.run(module, "main", moved)]
        floats = [r for r in results if r.dtype == np.float64]
        return sum(float(np.sum(r * w)) for r, w in zip(floats, weights, strict=True))

    slopes = [(weighted(step) - weighted(-step)) / (2 * step) for step in STEPS]
    sides = [(weighted(sign * STEPS[0]) - weighted(0)) / (sign * STEPS[0]) for sign in (1, -1)]
    scale = 1e-4 * (1 + max(map(abs, slopes)))
    if not np.all(np.isfinite(slopes)) or max(slopes) - min(slopes) > scale or abs(sides[0] - sides[1]) > scale:
        return False
    if max(float(np.max(np.abs(r), initial=0)) for r in floats) > 1e5:
        return False
    got = sum(float(np.sum(g * d)) for g, d in zip(found[len(value) :], directions, strict=True))
    if np.isnan(got):
        return False  # 0 times a derivative that is infinite or NaN, of a value that does not matter; JAX has NaN too
    assert abs(got - slopes[0]) <= 10 * scale, f"seed {seed}: {got}, not {slopes}"
    return True


def test_gradients_of_random_programs():
    assert sum(check(seed, 6) for seed in range(40)) >= 10


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_gradients_of_many_random_programs(part):
    checked = sum(check(seed, 4 + seed % 12) for seed in range(1000 + 100 * part, 1100 + 100 * part))
    assert checked >= 25
