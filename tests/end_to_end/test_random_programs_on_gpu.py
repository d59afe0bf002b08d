"""Random tensor programs, compiled for a GPU and simulated, agree with the reference; the checker finds nothing."""

import random

import pytest

import weft
from tests.passes.loops.kernels import agree
from tests.programs import random_program
from weft.backends.reference import run
from weft.diagnostics import WeftError


def check(seed):
    program = random_program(random.Random(seed), special=False)
    expected = run(program.module, "main", program.args)
    try:
        function = weft.compile(program.module, target="gpu-sim:check")
    except WeftError as error:
        assert "has no form on a GPU" in error.message
        return
    found = function(*program.args)
    agree(program.module, program.args, found if isinstance(found, tuple) else (found,), expected)


@pytest.mark.parametrize("seed", range(3))
def test_random_programs_are_right_and_clean(seed):
    check(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_many_random_programs_are_right_and_clean(block):
    for seed in range(3000 + block * 15, 3015 + block * 15):
        check(seed)
