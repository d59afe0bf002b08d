"""Random kernels with random marks compute, compiled, what their unmarked nests mean."""

from __future__ import annotations

import re
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.parser import Parser

from tests.passes.loops.random_nests import Case, planned, random_case, random_step
from tests.passes.lower.kernels import DTYPES, compiled, hoist, kernel_of, parse
from tests.passes.lower.random_kernels import TEMPLATES, Kernel, values
from weft.backends.reference import run as reference
from weft.diagnostics import WeftError
from weft.passes.loops.apply_schedule import pass_of
from weft.passes.loops.registers import check_registers
from weft.registry import context

TOLERANCE = {"f16": 2e-2, "bf16": 1e-1, "f32": 1e-4, "f64": 1e-10}
MARKS = re.compile(r" (vector\(\d+\)|unroll\(\d+\)|unroll|parallel) \{")
SEEDS = st.integers(0, 2**32)


def check(kernel: Kernel, seed: int) -> None:
    """The kernel leaves in all its arguments what it leaves without marks, in the reference."""
    numbers = np.random.default_rng(seed)
    arrays = [values(numbers, DTYPES[dtype], shape) for dtype, shape in kernel.arguments]
    wanted, found = [a.copy() for a in arrays], [a.copy() for a in arrays]
    reference(parse(MARKS.sub(" {", kernel.text)), "k", wanted)
    compiled(parse(kernel.text))(*found)
    for want, got, (dtype, _) in zip(wanted, found, kernel.arguments, strict=True):
        limit = TOLERANCE.get(dtype, 0)
        if limit:
            np.testing.assert_allclose(got.astype("f8"), want.astype("f8"), rtol=limit, atol=limit)
        else:
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.__name__)
def test_a_random_kernel_computes_what_it_means(template):
    @settings(max_examples=20, deadline=None)
    @given(template(), SEEDS)
    def holds(kernel, seed):
        check(kernel, seed)

    holds()


@pytest.mark.long
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.__name__)
def test_many_random_kernels_compute_what_they_mean(template):
    @settings(max_examples=1500, deadline=None)
    @given(template(), SEEDS)
    def holds(kernel, seed):
        check(kernel, seed)

    holds()


def arrays_of(case: Case, seed: int) -> list[np.ndarray]:
    """Small whole numbers, and outputs that hold something else, each with room behind it that must stay."""
    numbers = np.random.default_rng(seed)
    arrays = [numbers.integers(-3, 4, shape).astype(np.float32) for shape in case.shapes]
    for array in arrays[-case.outputs :]:
        array.fill(99)
    return arrays


def guarded(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A copy of an array, and the memory that it stands in, with 40 numbers around it."""
    memory = np.full(array.size + 80, 55, array.dtype)
    inside = memory[40 : 40 + array.size].reshape(array.shape)
    inside[...] = array
    return inside, memory


def agree(case: Case, module, seed: int) -> None:
    """A scheduled kernel computes, compiled, what the naive nests mean, and writes nothing around its buffers."""
    wanted = arrays_of(case, seed)
    reference(parse(case.text), "kernel", wanted)
    story = f"{case.text}\n{module}"
    extra = hoist(module, case.shapes)
    pairs = [guarded(array) for array in (*arrays_of(case, seed), *extra)]
    compiled(module)(*(inside for inside, _ in pairs))
    for want, (got, _) in zip(wanted, pairs, strict=False):
        assert np.array_equal(want, got), story
    for _, memory in pairs:
        assert (memory[:40] == 55).all() and (memory[-40:] == 55).all(), story


def planned_agrees(seed: int) -> None:
    """A kernel under the kind of schedule that is good for it."""
    case, plan = planned(Random(seed))
    module = parse(case.text)
    for step in Parser(context(), f"#loop.schedule<{plan}>").parse_attribute().data:
        pass_of(step).run(kernel_of(module))
    agree(case, module, seed)


def scheduled_agrees(seed: int, steps: int = 8) -> None:
    """A kernel under random steps, as far as its registers can be lowered."""
    random = Random(seed)
    case = random_case(random)
    module = parse(case.text)
    for count in range(steps):
        try:
            pass_of(random_step(random, kernel_of(module), count)).run(kernel_of(module))
        except WeftError:
            continue
    try:
        check_registers(kernel_of(module))
    except WeftError:
        return
    agree(case, module, seed)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_a_planned_kernel_computes_what_its_naive_nests_mean(seed):
    planned_agrees(seed)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_a_randomly_scheduled_kernel_computes_what_its_naive_nests_mean(seed):
    scheduled_agrees(seed)


@pytest.mark.long
@settings(max_examples=2000, deadline=None)
@given(SEEDS)
def test_many_planned_kernels_compute_what_their_naive_nests_mean(seed):
    planned_agrees(seed)


@pytest.mark.long
@settings(max_examples=2000, deadline=None)
@given(SEEDS)
def test_many_randomly_scheduled_kernels_compute_what_their_naive_nests_mean(seed):
    scheduled_agrees(seed, 12)
