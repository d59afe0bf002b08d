"""Random tensor programs, compiled and run on the CPU, agree with the reference."""

import random

import pytest

import weft
from tests.passes.loops.kernels import agree
from tests.programs import random_program
from weft.backends.reference import run


def check(seed, **options):
    rng = random.Random(seed)
    program = random_program(rng, special=False, **options)
    expected = run(program.module, "main", program.args)
    found = weft.compile(program.module, threads=rng.choice([1, 2, 4]))(*program.args)
    agree(program.module, program.args, found if isinstance(found, tuple) else (found,), expected)


@pytest.mark.parametrize("block", range(4))
def test_random_programs_agree_with_the_reference(block):
    for seed in range(block * 15, block * 15 + 15):
        check(seed)


@pytest.mark.parametrize("seed", [66, 1110])
def test_a_reshaped_result_may_be_made_in_the_place_of_the_result(seed):
    check(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(40))
def test_many_random_programs_agree_with_the_reference(block):
    for seed in range(2000 + block * 50, 2050 + block * 50):
        check(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_random_programs_with_windows_agree_with_the_reference(block):
    for seed in range(block * 50, block * 50 + 50):
        check(seed, windows=True)
