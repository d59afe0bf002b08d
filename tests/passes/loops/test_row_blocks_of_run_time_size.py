"""Attention with numbers of rows and of keys that only the run knows runs in blocks of rows, and is right."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft.dialects.target import ATTRIBUTE, Cpu, CpuAttr
from weft.driver.passes import run_pipeline
from weft.driver.program import parse
from weft.passes.loops.kernels import APPLIED, kernels
from weft.passes.pipelines import STOPS

ATTENTION = """
func.func @main(%q: tensor<12x?x8xf32>, %k: tensor<12x?x8xf32>, %v: tensor<12x?x8xf32>) -> tensor<12x?x8xf32> {
  %s = ml.dot_general %q, %k, batch = [0] x [0], contract = [2] x [2]
     : (tensor<12x?x8xf32>, tensor<12x?x8xf32>) -> tensor<12x?x?xf32>
  %p = ml.softmax %s, axis = 2 : tensor<12x?x?xf32>
  %o = ml.matmul %p, %v : (tensor<12x?x?xf32>, tensor<12x?x8xf32>) -> tensor<12x?x8xf32>
  func.return %o : tensor<12x?x8xf32>
}
"""


def test_it_is_one_kernel_in_blocks_of_rows():
    module = parse(ATTENTION)
    module.attributes[ATTRIBUTE] = CpuAttr(Cpu(vector_bytes=64, vector_registers=32))
    run_pipeline(module, f"builtin.module({','.join(name for _, passes in STOPS[:4] for name in passes)})")
    (kernel,) = kernels(module)
    assert "contract t at ib" in str(kernel.attributes[APPLIED])


@pytest.mark.parametrize("threads", [1, 2])
def test_it_is_right_for_any_sizes(threads):
    run = weft.compile(ATTENTION, threads=threads)
    rng = np.random.default_rng(5)
    for rows, keys in ((0, 0), (0, 3), (3, 0), (1, 1), (1, 17), (67, 1), (13, 97), (131, 64)):
        q, k, v = (rng.standard_normal((12, n, 8), np.float32) for n in (rows, keys, keys))
        s = np.exp(q @ k.transpose(0, 2, 1))
        wanted = (s / s.sum(-1, keepdims=True)) @ v
        place = np.full((12, rows, 8), np.nan, np.float32)
        for got in (run(q, k, v), run(q, k, v, out=place)):
            np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=2e-5)
