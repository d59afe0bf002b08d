"""Clusters over the same rows become one kernel; what is not row-wise, or is used too early, stays apart."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.passes.graph.test_outline_kernels import kernels, outlined
from weft.driver.passes import run_pipeline

X = "tensor<6x8xf32>"
MEAN = f"""
  %n = ml.constant dense<8.0> : tensor<6xf32>
  %s = ml.reduce add %x, dims = [1] : {X} to tensor<6xf32>
  %m = ml.div %s, %n : tensor<6xf32>
  %mb = ml.broadcast_in_dim %m, dims = [0] : tensor<6xf32> to {X}
  %c = ml.sub %x, %mb : {X}"""
SQUARES = f"""
  %q = ml.mul %c, %c : {X}
  %v = ml.reduce add %q, dims = [1] : {X} to tensor<6xf32>"""


def program(body: str, result: str = "tensor<6xf32>") -> str:
    return f"func.func @main(%x: {X}) -> {result} {{{body}\n}}"


def test_statistics_of_rows_are_one_kernel() -> None:
    module = outlined(program(f"{MEAN}{SQUARES}\n  func.return %v : tensor<6xf32>"))
    (names,) = kernels(module)
    assert names.count("reduce") == 2


@pytest.mark.parametrize(
    "between",
    [
        "%d = ml.transpose %c, perm = [1, 0] : tensor<8x8xf32> to tensor<8x8xf32>",
        "%d = ml.reverse %c, dims = [0] : tensor<8x8xf32> to tensor<8x8xf32>",
    ],
)
def test_rows_that_others_need_keep_kernels_apart(between: str) -> None:
    body = (MEAN + "\n  " + between + SQUARES.replace("%c, %c", "%d, %d")).replace("6", "8")
    module = outlined(program(f"{body}\n  func.return %v : tensor<8xf32>", "tensor<8xf32>").replace("6x8", "8x8"))
    assert [names.count("reduce") for names in kernels(module)] == [1, 1]


def test_a_reduction_of_columns_is_not_of_the_rows() -> None:
    body = f"{MEAN}\n  %v = ml.reduce add %c, dims = [0] : {X} to tensor<8xf32>\n  func.return %v : tensor<8xf32>"
    assert [names.count("reduce") for names in kernels(outlined(program(body, "tensor<8xf32>")))] == [1, 1]


def test_a_value_that_the_host_needs_in_between_keeps_kernels_apart() -> None:
    body = f"""{MEAN}
  %flat = ml.reshape %c : {X} to tensor<48xf32>
  %back = ml.reshape %flat : tensor<48xf32> to {X}
  %q = ml.mul %c, %back : {X}
  %v = ml.reduce add %q, dims = [1] : {X} to tensor<6xf32>
  func.return %v : tensor<6xf32>"""
    assert [names.count("reduce") for names in kernels(outlined(program(body)))] == [1, 1]


def softmax(rows: str, n: str) -> str:
    """A softmax written out, on run-time sizes too: its exponentials are needed twice."""
    x, s = f"tensor<{rows}x{n}xf32>", f"tensor<{rows}xf32>"
    given = ", sizes(%k)" if n == "?" else ""
    return f"""func.func @main(%x: {x}) -> {x} {{
  %c1 = arith.constant 1 : index
  %k = tensor.dim %x, %c1 : {x}
  %m = ml.reduce max %x, dims = [1] : {x} to {s}
  %mb = ml.broadcast_in_dim %m, dims = [0]{given} : {s} to {x}
  %d = ml.sub %x, %mb : {x}
  %e = ml.exp %d : {x}
  %s = ml.reduce add %e, dims = [1] : {x} to {s}
  %sb = ml.broadcast_in_dim %s, dims = [0]{given} : {s} to {x}
  %y = ml.div %e, %sb : {x}
  func.return %y : {x}
}}
"""


@pytest.mark.parametrize(("rows", "n"), [("3", "5"), ("?", "5"), ("3", "?"), ("?", "?")])
def test_a_softmax_written_out_is_right(rows: str, n: str) -> None:
    function = weft.compile(softmax(rows, n), threads=1)
    for shape in [(3, 5)] if (rows, n) == ("3", "5") else [(3, 5), (3, 1), (1, 5), (0, 5), (3, 0), (7, 67)]:
        if (rows != "?" and shape[0] != 3) or (n != "?" and shape[1] != 5):
            continue
        x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
        with np.errstate(all="ignore"):
            e = np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf))
            np.testing.assert_allclose(function(x), e / e.sum(axis=1, keepdims=True), rtol=2e-6, atol=1e-7)


def test_costly_values_are_computed_once() -> None:
    module = weft.parse(softmax("3", "5"))
    run_pipeline(module, "builtin.module(outline-kernels,bufferize,convert-ml-to-loop)")
    assert str(module).count("math.exp") == 1


def chain(rows: str, n: str, target: str = "") -> str:
    """Two products with a softmax between them, the right side of the first turned; written out by hand."""
    q, k, v, s = f"tensor<{rows}x8xf32>", f"tensor<{n}x8xf32>", f"tensor<{n}x4xf32>", f"tensor<{rows}x{n}xf32>"
    return f"""builtin.module attributes {{{target}}} {{
func.func @main(%q: {q}, %k: {k}, %v: {v}) -> tensor<{rows}x4xf32> {{
  %t = ml.transpose %k, perm = [1, 0] : {k} to tensor<8x{n}xf32>
  %s = ml.matmul %q, %t : ({q}, tensor<8x{n}xf32>) -> {s}
  %p = ml.softmax %s, axis = 1 : {s}
  %y = ml.matmul %p, %v : ({s}, {v}) -> tensor<{rows}x4xf32>
  func.return %y : tensor<{rows}x4xf32>
}}
}}"""


SMALL = "weft.target = #target.cpu<l2_bytes = 16384>"


@pytest.mark.parametrize(
    ("rows", "n", "target", "count"),
    [
        ("64", "96", SMALL, 1),
        ("?", "96", SMALL, 1),
        ("64", "?", SMALL, 3),  # the size of a row is not known
        ("64", "32", SMALL, 3),  # all rows fit into the cache
        ("64", "960", SMALL, 3),  # a block of rows does not
        ("64", "96", "weft.target = #target.cuda<>", 3),
        ("64", "96", "", 3),
    ],
)
def test_products_that_hand_rows_to_each_other_are_one_kernel_where_it_pays(rows, n, target, count) -> None:
    assert len(kernels(outlined(chain(rows, n, target)))) == count


def test_a_product_alone_stays_a_kernel_of_its_own() -> None:
    body = """builtin.module attributes {weft.target = #target.cpu<l2_bytes = 1024>} {
func.func @main(%x: tensor<64x8xf32>, %w: tensor<8x8xf32>) -> tensor<64x8xf32> {
  %s = ml.matmul %x, %w : (tensor<64x8xf32>, tensor<8x8xf32>) -> tensor<64x8xf32>
  %p = ml.softmax %s, axis = 1 : tensor<64x8xf32>
  func.return %p : tensor<64x8xf32>
}
}"""
    assert len(kernels(outlined(body))) == 2
