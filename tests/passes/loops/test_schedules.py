"""Random kernels under random schedules give what their naive nests give."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.passes.loops.random_nests import check, check_planned

SEEDS = st.integers(0, 2**32)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_random_steps_keep_what_a_kernel_computes(seed):
    check(seed)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_whole_plans_keep_what_a_kernel_computes(seed):
    check_planned(seed)


@pytest.mark.long
@settings(max_examples=800, deadline=None)
@given(SEEDS)
def test_many_random_steps_keep_what_a_kernel_computes(seed):
    check(seed, 12)


@pytest.mark.long
@settings(max_examples=600, deadline=None)
@given(SEEDS)
def test_many_whole_plans_keep_what_a_kernel_computes(seed):
    check_planned(seed)
