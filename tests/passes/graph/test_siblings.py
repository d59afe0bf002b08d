"""Clusters that read one value become one kernel, where none waits for another and it pays."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.passes.graph.test_outline_kernels import kernels, outlined

X = "tensor<6x8xf32>"


def program(
    body: str, results: dict[str, str], inputs: str = f"%x: {X}, %w: tensor<8x4xf32>, %v: tensor<8x5xf32>"
) -> str:
    names, types = ", ".join(f"%{name}" for name in results), ", ".join(results.values())
    return f"func.func @main({inputs}) -> ({types}) {{\n{body}\n  func.return {names} : {types}\n}}"


EXP, NEG = f"  %a = ml.exp %x : {X}", f"  %b = ml.neg %x : {X}"
ROW_SUM = f"  %s = ml.reduce add %x, dims = [1] : {X} to tensor<6xf32>"
ROW_MAX = f"  %m = ml.reduce max %x, dims = [1] : {X} to tensor<6xf32>"
TURNED = f"  %c = ml.transpose %x, perm = [1, 0] : {X} to tensor<8x6xf32>\n  %b = ml.neg %c : tensor<8x6xf32>"
PRODUCTS = f"""  %a = ml.matmul %x, %w : ({X}, tensor<8x4xf32>) -> tensor<6x4xf32>
  %b = ml.matmul %x, %v : ({X}, tensor<8x5xf32>) -> tensor<6x5xf32>"""
WAITS = f"""{EXP}
  %r = ml.reduce add %a, dims = [0, 1] : {X} to tensor<f32>
  %rb = ml.broadcast_in_dim %r, dims = [] : tensor<f32> to {X}
  %b = ml.mul %x, %rb : {X}"""


@pytest.mark.parametrize(
    ("body", "results", "count"),
    [
        (f"{EXP}\n{NEG}", {"a": X, "b": X}, 1),
        (f"{ROW_SUM}\n{ROW_MAX}", {"s": "tensor<6xf32>", "m": "tensor<6xf32>"}, 1),
        (f"{EXP}\n{TURNED}", {"a": X, "b": "tensor<8x6xf32>"}, 2),  # results of different shapes
        (WAITS, {"a": X, "b": X}, 3),  # the second needs all of the first
        (PRODUCTS, {"a": "tensor<6x4xf32>", "b": "tensor<6x5xf32>"}, 2),  # nothing is gained
    ],
)
def test_siblings_are_one_kernel_where_it_pays(body: str, results: dict[str, str], count: int) -> None:
    text = program(body, results)
    assert len(kernels(outlined(text))) == count
    random = np.random.default_rng(1)
    arrays = [random.standard_normal(shape).astype(np.float32) for shape in ((6, 8), (8, 4), (8, 5))]
    for got, want in zip(
        weft.compile(text, threads=1)(*arrays), weft.compile(text, target="reference")(*arrays), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=2e-6)


def test_siblings_of_run_time_sizes_are_one_kernel() -> None:
    text = program(f"{EXP}\n{NEG}", {"a": X, "b": X}, f"%x: {X}").replace("6x8", "?x8")
    assert len(kernels(outlined(text))) == 1
    function = weft.compile(text, threads=1)
    for rows in (0, 1, 5):
        x = np.linspace(-1, 1, rows * 8, dtype=np.float32).reshape(rows, 8)
        a, b = function(x)
        np.testing.assert_allclose(a, np.exp(x), rtol=1e-6)
        assert np.array_equal(b, -x)


def test_a_nest_goes_through_a_limited_number_of_arrays() -> None:
    body = "\n".join(f"  %y{n} = ml.add %x, %z{n} : {X}" for n in range(12))
    inputs = ", ".join([f"%x: {X}", *(f"%z{n}: {X}" for n in range(12))])
    text = program(body, {f"y{n}": X for n in range(12)}, inputs)
    assert 2 <= len(kernels(outlined(text))) <= 4
