"""Pools, which become windows and quotients on the way, compiled and run on the CPU, agree with their meaning."""

import numpy as np
import pytest

import weft
from tests.passes.graph.harness import module_of, ops_of, run_passes
from tests.passes.loops import kernels
from tests.passes.loops.test_ml_to_loop_nests import ELEMENTS, FLOATS, floats, values
from weft.backends.reference import run
from weft.dialects import ml


def check(build, x, dynamic=()):
    module = kernels.tensors([kernels.type_of(x, dynamic)], build)
    found = weft.compile(module, threads=1)(x)
    for one, expected in zip(found if isinstance(found, tuple) else [found], run(module, "main", [x]), strict=True):
        kernels.compare(np.asarray(one), np.asarray(expected))


POOLS = {
    "NCHW": ((2, 3, 6, 8), ([2, 3], [2, 2], [2, 2])),
    "NHWC": ((1, 7, 5, 3), ([1, 2], [3, 3], [2, 2], [(1, 1), (1, 1)])),
    "dilated": ((1, 2, 9), ([2], [3], [1], [(2, 0)], [2])),
    "cropped": ((5, 6), ([1, 0], [2, 1], [1, 2], [(-1, 0), (0, 2)])),
    "odd": ((1, 13, 17), ([1, 2], [5, 3], [3, 1], [(2, 3), (0, 1)])),
    "no batch": ((0, 4, 4), ([1, 2], [2, 2], [], [(1, 0), (0, 1)])),
}


def all_pools(x, options):
    pools = [ml.MaxPoolOp(x, *options), ml.AvgPoolOp(x, *options), ml.AvgPoolOp(x, *options, count_include_pad=True)]
    return [pool.result for pool in pools]


@pytest.mark.parametrize("name", list(POOLS))
def test_pools_with_all_options(name):
    shape, options = POOLS[name]
    check(lambda x: all_pools(x, options), floats(shape))


@pytest.mark.parametrize(
    "name", ["NHWC", *(pytest.param(name, marks=pytest.mark.long) for name in POOLS if name != "NHWC")]
)
def test_pools_of_run_time_sizes(name):
    shape, options = POOLS[name]
    check(lambda x: all_pools(x, options), floats(shape), range(len(shape)))


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_pools_of_every_type(element):
    options = ([1], [3], [2], [(1, 1)])
    if element in FLOATS:
        check(lambda x: all_pools(x, options), values((2, 9), element))
    else:
        check(lambda x: ml.MaxPoolOp(x, *options), values((2, 9), element))


def test_only_a_run_time_size_is_counted_at_run_time():
    text = """
      func.func @main(%x: tensor<2x{n}xf32>) -> tensor<2x{n}xf32> {{
        %y = ml.avg_pool %x, dims = [1], window = [3], pad = [[1, 1]] : tensor<2x{n}xf32> to tensor<2x{n}xf32>
        func.return %y : tensor<2x{n}xf32>
      }}"""
    for size, windows in (("8", 1), ("?", 2)):
        module = module_of(text.format(n=size))
        run_passes(module, "decompose")
        assert ops_of(module).count("ml.reduce_window") == windows
