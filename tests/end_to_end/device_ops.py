"""The checks of the tests of ml ops, made on a device instead."""

import numpy as np

import weft
from tests.passes.loops import (
    kernels,
    test_ml_to_loop_bits,
    test_ml_to_loop_lookups,
    test_ml_to_loop_nests,
    test_ml_to_loop_scalars,
    test_ml_to_loop_sorts,
)
from weft.backends.reference import run

CASES = (
    test_ml_to_loop_bits,
    test_ml_to_loop_lookups,
    test_ml_to_loop_nests,
    test_ml_to_loop_scalars,
    test_ml_to_loop_sorts,
)


def check_on(target):
    """A check that compares what a target computes with what the tensors mean."""

    def check(build, *arrays, dynamic=(), extra=(), tolerance=None):
        axes = [*dynamic, *[()] * (len(arrays) - len(dynamic))]
        types = [kernels.type_of(array, axis) for array, axis in zip(arrays, axes, strict=True)]
        module = kernels.tensors([*types, *(t for t, _ in extra)], build)
        given = [*arrays, *(value for _, value in extra)]
        expected = run(module, "main", given)
        found = weft.compile(module, target=target)(*given)
        found = found if isinstance(found, tuple) else (found,)
        for result, value in zip(found, expected, strict=True):
            kernels.compare(np.asarray(result), np.asarray(value), tolerance)
        return kernels.lowered(kernels.buffers(module))

    return check
