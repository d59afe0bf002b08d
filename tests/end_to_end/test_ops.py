"""Every ml op, on every element type and on shapes that hurt, compiled and run on the CPU, agrees with its meaning.

The cases are those of the tests of `convert-ml-to-loop`; here they go through the whole road. Only what those tests
say of the loops themselves is left to them.
"""

import numpy as np
import pytest

import weft
from tests.passes.loops import (
    kernels,
    test_ml_to_loop_bits,
    test_ml_to_loop_lookups,
    test_ml_to_loop_nests,
    test_ml_to_loop_scalars,
    test_ml_to_loop_sorts,
)
from tests.passes.loops.test_ml_to_loop_bits import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_lookups import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_nests import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_scalars import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_sorts import *  # noqa: F403
from weft.backends.reference import run


def check_compiled(build, *arrays, dynamic=(), extra=(), tolerance=None):
    """Compare what machine code computes with what the tensors mean; gives the loops, as the replaced check does."""
    axes = [*dynamic, *[()] * (len(arrays) - len(dynamic))]
    types = [kernels.type_of(array, axis) for array, axis in zip(arrays, axes, strict=True)]
    module = kernels.tensors([*types, *(t for t, _ in extra)], build)
    given = [*arrays, *(value for _, value in extra)]
    expected = run(module, "main", given)
    found = weft.compile(module, threads=1)(*given)
    found = found if isinstance(found, tuple) else (found,)
    for result, value in zip(found, expected, strict=True):
        kernels.compare(np.asarray(result), np.asarray(value), tolerance)
    return kernels.lowered(kernels.buffers(module))


@pytest.fixture(autouse=True)
def through_the_whole_road(monkeypatch):
    for cases in (
        test_ml_to_loop_bits,
        test_ml_to_loop_lookups,
        test_ml_to_loop_nests,
        test_ml_to_loop_scalars,
        test_ml_to_loop_sorts,
    ):
        monkeypatch.setattr(cases, "check", check_compiled)
