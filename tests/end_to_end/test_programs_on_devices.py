"""Random programs and the ops of networks, on an NVIDIA GPU and in the simulator of one, agree with the reference."""

import random

import numpy as np
import pytest

import weft
from tests.networks import CASES
from tests.passes.loops.kernels import agree, compare, tensors, type_of
from tests.programs import random_program
from weft.backends.reference import run
from weft.dialects.ml.dtypes import BF16

TARGETS = [pytest.param("cuda", marks=pytest.mark.gpu), pytest.param("gpu-sim", marks=pytest.mark.long)]


def check(seed, target, **options):
    program = random_program(random.Random(seed), special=False, **options)
    expected = run(program.module, "main", program.args)
    found = weft.compile(program.module, target=target)(*program.args)
    agree(program.module, program.args, found if isinstance(found, tuple) else (found,), expected)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("block", range(20))
def test_random_programs(target, block):
    for seed in range(5000 + block * 20, 5020 + block * 20):
        check(seed, target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("block", range(5))
def test_random_programs_with_windows(target, block):
    for seed in range(block * 20, block * 20 + 20):
        check(seed, target, windows=True)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", [np.dtype(np.float16), BF16, np.dtype(np.float32)], ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ops_of_networks(case, dtype, target):
    arrays = case.arrays(dtype)
    for dynamic in (False, True):
        types = [type_of(x, range(x.ndim) if dynamic and i not in case.fixed else ()) for i, x in enumerate(arrays)]
        module = tensors(types, case.make)
        expected = run(module, "main", arrays)
        found = weft.compile(module, target=target)(*arrays)
        for one, other in zip((found,), expected, strict=True):
            compare(np.asarray(one), np.asarray(other), 1e-5 if dtype == np.float32 else None)
