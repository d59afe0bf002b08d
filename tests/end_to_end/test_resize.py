"""Resizing, which becomes elements at computed places, compiled and run on the CPU, agrees with its meaning."""

import numpy as np
import pytest
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, TensorType

import weft
from tests.passes.loops import kernels
from tests.passes.loops.test_ml_to_loop_nests import ELEMENTS, FLOATS, floats, values
from weft.backends.reference import run
from weft.dialects import ml

COORDINATES = ("half_pixel", "align_corners", "asymmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def check(x, target, dims, mode, *options, dynamic=False):
    """Resize an array to `target`; with `dynamic` all sizes are `?`."""
    source = kernels.type_of(x, range(x.ndim) if dynamic else ())
    claim = [DYNAMIC_INDEX if dynamic else n for n in target]
    given = [target[axis] for axis in sorted(dims)] if dynamic else []

    def build(x, *sizes):
        return ml.ResizeOp(x, TensorType(source.element_type, claim), dims, mode, *options, sizes=sizes)

    module = kernels.tensors([source, *(IndexType() for _ in given)], build)
    (expected,) = run(module, "main", [x, *given])
    kernels.compare(np.asarray(weft.compile(module, threads=1)(x, *given)), np.asarray(expected))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("coordinates", COORDINATES)
def test_images_of_any_size(coordinates, mode):
    check(floats((1, 2, 4, 5)), (1, 2, 7, 1), [2, 3], mode, coordinates)
    check(floats((4, 5)), (9, 3), [0, 1], mode, coordinates, dynamic=True)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_places_are_rounded_alike_before_and_at_the_run(rounding):
    check(floats((6,)), (15,), [0], "nearest", "half_pixel", rounding, dynamic=True)
    check(floats((6,)), (4,), [0], "nearest", "align_corners", rounding, dynamic=True)


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_resizing_of_every_type(element):
    x = values((2, 5), element)
    check(x, (2, 7), [1], "nearest")
    if element in FLOATS:
        check(x, (3, 7), [1, 0], "linear")


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(("shape", "size"), [((1,), 4), ((0, 3), 2), ((3, 2), 0), ((3, 2), 2)])
def test_small_and_empty_images(shape, size, dynamic):
    check(floats(shape), (*shape[:-1], size), [len(shape) - 1], "linear", dynamic=dynamic)
