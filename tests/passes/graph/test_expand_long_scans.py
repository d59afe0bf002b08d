"""Long scans that are cut into parts mean what they did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft
from weft.backends.reference import run
from weft.driver.passes import run_pipeline

DTYPES: dict[str, Any] = {"f16": np.float16, "f32": np.float32, "f64": np.float64, "i8": np.int8, "i64": np.int64}


def _program(op: str, shape: tuple[int, ...], dtype: str, options: str) -> str:
    type_ = f"tensor<{'x'.join(map(str, shape))}x{dtype}>"
    body = f"%y = ml.{op} %x{options} : {type_}\n  func.return %y : {type_}"
    return f"func.func @main(%x: {type_}) -> {type_} {{\n  {body}\n}}"


def _input(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Small whole numbers, so that any order gives one sum."""
    return np.random.default_rng(shape[0]).integers(-3, 4, shape).astype(DTYPES[dtype])


def _cut(text: str) -> Any:
    module = weft.parse(text)
    run_pipeline(module, "builtin.module(expand-long-scans)", verify_each=True)
    return module


CASES = [
    ("cumsum", (2048,), "f32", ""),
    ("cumsum", (5003,), "f16", ", axis = 0, exclusive"),
    ("cumsum", (4099,), "f64", ", axis = 0, reverse"),
    ("cumsum", (2, 2049, 3), "i8", ", axis = 1, exclusive, reverse"),
    ("cumprod", (3000,), "i64", ""),
    ("cummax", (3, 2300), "f32", ", axis = -1, exclusive"),
    ("cummin", (2500, 2), "i8", ", axis = 0, reverse"),
    ("cumsum", (300_007,), "f32", ""),
]


@pytest.mark.parametrize(("op", "shape", "dtype", "options"), CASES)
def test_parts_are_the_whole(op: str, shape: tuple[int, ...], dtype: str, options: str):
    text, x = _program(op, shape, dtype, options), _input(shape, dtype)
    module = _cut(text)
    assert "ml.reduce" in str(module)
    np.testing.assert_array_equal(run(module, "main", [x])[0], run(weft.parse(text), "main", [x])[0])


@pytest.mark.parametrize(("op", "shape", "dtype", "options"), [case for case in CASES if case[1][0] < 5000])
def test_on_a_gpu(op: str, shape: tuple[int, ...], dtype: str, options: str):
    text, x = _program(op, shape, dtype, options), _input(shape, dtype)
    result = weft.compile(text, target="gpu-sim:check")(x)
    np.testing.assert_array_equal(result, run(weft.parse(text), "main", [x])[0])


def test_nan_and_infinity_stay_where_they_are():
    text = _program("cumsum", (4000,), "f32", "")
    x = np.ones(4000, np.float32)
    x[1000], x[3000] = np.inf, np.nan
    (wanted,) = run(weft.parse(text), "main", [x])
    np.testing.assert_array_equal(run(_cut(text), "main", [x])[0], wanted)


@pytest.mark.parametrize(
    ("op", "shape", "dtype"),
    [("cumsum", "2047", "f32"), ("cumsum", "?", "f32"), ("cumprod", "4096", "f32"), ("cumsum", "16384x2048", "f32"),
     ("cumsum", "4096", "i1"), ("cumsum", "0", "f32")],
)  # fmt: skip
def test_what_is_left_alone(op: str, shape: str, dtype: str):
    type_ = f"tensor<{shape}x{dtype}>"
    text = f"func.func @main(%x: {type_}) -> {type_} {{ %y = ml.{op} %x : {type_} func.return %y : {type_} }}"
    assert "ml.reduce" not in str(_cut(text))
