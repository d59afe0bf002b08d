"""Sizes that must be equal are one size in a kernel, so what follows a product runs with it, whatever it is said of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from xdsl.ir import BlockArgument

import weft
from weft.dialects.ml import GetDimensionSizeOp
from weft.driver.passes import run_pipeline
from weft.driver.program import parse
from weft.passes.loops.kernels import APPLIED, kernels
from weft.passes.pipelines import STOPS

COLUMNS = 33

PROGRAM = """
func.func @main(%x: tensor<{rows}x17xf32>, %w: tensor<17x33xf32>, %r: tensor<{rows}x33xf32>, %m: tensor<{rows}x33xi1>,
                %b: tensor<33xf32>) -> tensor<{rows}x33xf32> {{
  %p = ml.matmul %x, %w : (tensor<{rows}x17xf32>, tensor<17x33xf32>) -> tensor<{rows}x33xf32>
  {bias}
  %y = {op} : {types}tensor<{rows}x33xf32>
  func.return %y : tensor<{rows}x33xf32>
}}
"""
BIAS = {
    "?": "%c0 = arith.constant 0 : index\n  %n = tensor.dim %x, %c0 : tensor<?x17xf32>\n"
    "  %s = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<33xf32> to tensor<?x33xf32>",
    "13": "%s = ml.broadcast_in_dim %b, dims = [1] : tensor<33xf32> to tensor<13x33xf32>",
}
MEANINGS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
}
EPILOGUES: dict[str, Callable[..., Any]] = {
    **{
        f"ml.{name} %{a}, %{b}": (lambda v, f=f, a=a, b=b: f(v[a], v[b]))
        for name, f in MEANINGS.items()
        for a, b in (("p", "r"), ("r", "p"), ("p", "s"), ("s", "p"))
    },
    "ml.select %m, %p, %r": lambda v: np.where(v["m"], v["p"], v["r"]),
    "ml.select %m, %r, %p": lambda v: np.where(v["m"], v["r"], v["p"]),
}


def program(op: str, rows: str) -> str:
    types = f"tensor<{rows}x33xi1>, " if "select" in op else ""
    return PROGRAM.format(op=op, rows=rows, types=types, bias=BIAS[rows])


@pytest.mark.parametrize("rows", BIAS)
def test_an_epilogue_is_fused_into_the_product(rows):
    for op in EPILOGUES:
        module = parse(program(op, rows))
        run_pipeline(module, f"builtin.module({','.join(name for _, passes in STOPS[:4] for name in passes)})")
        (kernel,) = kernels(module)
        assert "fuse_consumer t" in str(kernel.attributes[APPLIED]), op


@pytest.mark.parametrize("op", ["ml.sub %r, %p", "ml.select %m, %r, %p", "ml.div %s, %p", "ml.add %r, %p"])
def test_the_fused_epilogue_is_right(op):
    run = weft.compile(program(op, "?"), threads=1)
    rng = np.random.default_rng(3)
    for rows in (0, 1, 13):
        x, w = rng.random((rows, 17), np.float32), rng.random((17, COLUMNS), np.float32)
        r, b = rng.random((rows, COLUMNS), np.float32), rng.random(COLUMNS, np.float32)
        m = rng.random((rows, COLUMNS)) > 0.5
        wanted = EPILOGUES[op]({"p": x @ w, "r": r, "m": m, "s": np.broadcast_to(b, r.shape)})
        np.testing.assert_allclose(run(x, w, r, m, b), wanted, rtol=1e-5, atol=1e-5)
    if "%r" in op:
        with pytest.raises(weft.WeftError, match="same sizes"):
            run(x, w, r[1:], m[1:], b)


@pytest.mark.parametrize("columns", ["33", "?"])
def test_a_normalisation_of_rows_of_run_time_number_is_one_kernel_and_right(columns):
    text = """
func.func @main(%x: tensor<?xCxf32>, %g: tensor<Cxf32>, %b: tensor<Cxf32>) -> tensor<?xCxf32> {
  %y = ml.layer_norm %x scale(%g : tensor<Cxf32>) bias(%b : tensor<Cxf32>) : tensor<?xCxf32>
  func.return %y : tensor<?xCxf32>
}""".replace("C", columns)
    module = parse(text)
    run_pipeline(module, f"builtin.module({','.join(name for _, passes in STOPS[:4] for name in passes)})")
    if columns != "?":
        assert len(list(kernels(module))) == 1
    run, rng = weft.compile(text, threads=1), np.random.default_rng(4)
    for rows in (0, 1, 13):
        x, g, b = (rng.standard_normal(shape, np.float32) for shape in ((rows, 33), (33,), (33,)))
        mean, spread = x.mean(1, keepdims=True), x.var(1, keepdims=True)
        np.testing.assert_allclose(run(x, g, b), (x - mean) / np.sqrt(spread + 1e-5) * g + b, rtol=1e-4, atol=1e-5)


def test_the_number_for_a_size_of_a_computed_value_is_that_of_what_it_is_computed_from():
    module = parse("""
func.func @main(%x: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<i32>) {
  %0 = ml.exp %x : tensor<?x?xf32>
  %1 = ml.transpose %0, perm = [1, 0] : tensor<?x?xf32> to tensor<?x?xf32>
  %n = ml.get_dimension_size %1, dim = 0 : tensor<?x?xf32> to tensor<i32>
  func.return %1, %n : tensor<?x?xf32>, tensor<i32>
}""")
    run_pipeline(module, "builtin.module(canonicalize)")
    (size,) = [op for op in module.walk() if op.name == "ml.get_dimension_size"]
    assert isinstance(size, GetDimensionSizeOp)
    assert isinstance(size.operand, BlockArgument)
    assert size.dim == 1
