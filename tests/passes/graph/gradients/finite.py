"""Gradients against finite differences, both in f64 by the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.passes.graph.harness import module_of, run_passes
from weft.backends import reference

STEP = 1e-6


def check(text: str, *args: object, times: int = 1, tolerance: float = 1e-6, passes: Sequence[str] = ()) -> None:
    """The gradients of `@main` in its arguments of floats are what small steps in random directions show.

    Each result is weighted by random cotangents. `times` = 2 checks the gradient's own gradient too. `passes` run on
    the gradient before.
    """
    module = module_of(text)
    name, given = "main", [np.asarray(arg) for arg in args]
    for n in range(times):
        rng = np.random.default_rng(n)
        made = "main" + (n + 1) * ".grad"
        run_passes(module, "differentiate", function=name, seed=True)
        run_passes(module, *passes)
        value = [np.asarray(result) for result in reference.run(module, name, given)]
        seeds = [rng.normal(size=r.shape).astype(r.dtype) for r in value if r.dtype.kind == "f"]
        found = reference.run(module, made, [*given, *seeds])
        for first, again in zip(value, found, strict=False):
            np.testing.assert_allclose(np.asarray(again), first, rtol=1e-12, atol=1e-12)
        gradients = found[len(value) :]
        floats = [i for i, arg in enumerate(given) if arg.dtype.kind == "f"]
        assert len(gradients) == len(floats)
        for i, gradient in zip(floats, gradients, strict=True):
            direction = rng.normal(size=given[i].shape)
            expected = _slope(module, name, given, i, direction, seeds)
            assert np.asarray(gradient).dtype == given[i].dtype and np.shape(gradient) == given[i].shape
            scale = 1 + float(np.sum(np.abs(gradient * direction)))
            got = float(np.sum(gradient * direction))
            assert abs(got - expected) <= tolerance * scale, f"{made}, argument {i}: {got}, not {expected}"
        name, given = made, [*given, *seeds]


def _slope(module, name, given, position, direction, seeds) -> float:
    """The slope of the weighted results along a direction of one argument."""

    def weighted(step: float) -> float:
        moved = list(given)
        moved[position] = given[position] + step * direction
        results = [np.asarray(r) for r in reference.run(module, name, moved)]
        floats = [r for r in results if r.dtype.kind == "f"]
        return sum(float(np.sum(r * s)) for r, s in zip(floats, seeds, strict=True))

    return (weighted(STEP) - weighted(-STEP)) / (2 * STEP)
