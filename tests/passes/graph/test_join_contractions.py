"""Narrow contractions of one left side become one; wide ones, and those that cannot be, stay."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.passes.graph.harness import ops_of
from weft.driver.passes import run_pipeline
from weft.driver.program import parse


def products(rows: int, depth: int, columns: list[int], element: str = "f32", *, given: str = "") -> str:
    """Products of one left side, each with a right side of so many columns."""
    x = f"tensor<{rows}x{depth}x{element}>"
    args, lines, names, types = [f"%x: {x}"], [given], [], []
    for number, width in enumerate(columns):
        w, y = f"tensor<{depth}x{width}x{element}>", f"tensor<{rows}x{width}x{element}>"
        args.append(f"%w{number}: {w}")
        lines.append(f"  %y{number} = ml.matmul %x, %w{number} : ({x}, {w}) -> {y}")
        names.append(f"%y{number}")
        types.append(y)
    ends = f"  func.return {', '.join(names)} : {', '.join(types)}"
    body = "\n".join([*lines, ends])
    return f"""builtin.module attributes {{weft.target = #target.cpu<vector_bytes = 64>}} {{
func.func @main({", ".join(args)}) -> ({", ".join(types)}) {{
{body}
}}
}}"""


def joined(text: str) -> list[str]:
    module = parse(text)
    run_pipeline(module, "builtin.module(join-contractions)")
    module.verify()
    return ops_of(module)


@pytest.mark.parametrize(
    ("rows", "depth", "columns", "count"),
    [
        (512, 64, [8, 8], 1),
        (512, 64, [8, 3, 5], 1),
        (512, 64, [20, 20, 20], 1),
        (512, 64, [64, 64, 64], 3),  # whole vectors: nothing is gained
        (1, 64, [8, 8], 2),  # to put the right sides together costs more than the product
        (512, 64, [8], 1),
    ],
)
def test_contractions_are_joined_where_whole_vectors_pay(rows, depth, columns, count):
    assert joined(products(rows, depth, columns)).count("ml.matmul") == count


@pytest.mark.parametrize(("element", "dtype"), [("f32", np.float32), ("f64", np.float64), ("i32", np.int32)])
def test_joined_contractions_give_the_same(element, dtype):
    text = products(200, 30, [3, 7, 2], element)
    assert joined(text).count("ml.matmul") == 1
    random = np.random.default_rng(3)
    arrays = [random.integers(-3, 4, shape).astype(dtype) for shape in ((200, 30), (30, 3), (30, 7), (30, 2))]
    x, *rights = arrays
    for got, right in zip(weft.compile(text, threads=1)(*arrays), rights, strict=True):
        assert np.array_equal(got, x @ right)


def test_a_batch_and_a_contracted_dimension_anywhere_are_kept():
    x, w = "tensor<2x100x9xf32>", "tensor<2x5x9xf32>"
    y = "tensor<2x100x5xf32>"
    lines = [
        f"  %y{n} = ml.dot_general %x, %w{n}, batch = [0] x [0], contract = [2] x [2] : ({x}, {w}) -> {y}"
        for n in (0, 1)
    ]
    text = f"""func.func @main(%x: {x}, %w0: {w}, %w1: {w}) -> ({y}, {y}) {{
{lines[0]}
{lines[1]}
  func.return %y0, %y1 : {y}, {y}
}}"""
    names = joined(f"builtin.module attributes {{weft.target = #target.cpu<vector_bytes = 64>}} {{ {text} }}")
    assert names.count("ml.dot_general") == 1
    random = np.random.default_rng(3)
    given = [random.integers(-3, 4, shape).astype(np.float32) for shape in ((2, 100, 9), (2, 5, 9), (2, 5, 9))]
    for got, right in zip(weft.compile(text, threads=1)(*given), given[1:], strict=True):
        assert np.array_equal(got, given[0] @ right.swapaxes(1, 2))


def test_constants_are_put_together_while_the_program_is_compiled():
    text = products(512, 64, [8, 8]).replace(", %w0: tensor<64x8xf32>, %w1: tensor<64x8xf32>", "")
    text = text.replace("  %y0", "  %w0 = ml.constant dense<2.0> : tensor<64x8xf32>\n  %y0", 1)
    text = text.replace("  %y0 =", "  %w1 = ml.constant dense<3.0> : tensor<64x8xf32>\n  %y0 =", 1)
    names = joined(text)
    assert "ml.concatenate" not in names and names.count("ml.matmul") == 1
    x = np.ones((512, 64), np.float32)
    a, b = weft.compile(text, threads=1)(x)
    assert (a == 128).all() and (b == 192).all()


def test_a_right_side_that_comes_too_late_stays_out():
    text = products(512, 64, [8, 8]).replace("  %y1", "  %n = ml.neg %w1 : tensor<64x8xf32>\n  %y1")
    text = text.replace("%x, %w1", "%x, %n")
    assert joined(text).count("ml.matmul") == 2


def test_programs_for_a_gpu_are_left_alone():
    text = products(512, 64, [8, 8]).replace("#target.cpu<vector_bytes = 64>", "#target.cuda<>")
    assert joined(text).count("ml.matmul") == 2
