"""expand-math: every expansion against f64, over all sizes of numbers, and at the ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.parser import Parser

from weft.backends.reference import run
from weft.passes.loops.expand_math import EXPANSIONS, LARGEST_ERROR_ULP, ExpandMath
from weft.registry import context

MEANINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": lambda x: np.asarray(np.frompyfunc(math.erf, 1, 1)(x), np.float64),
}

ENDS = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-45, -1e-45, 1.1754944e-38, -1.1754944e-38, 3.4e38, -3.4e38,
     88.72283, 88.72284, -87.33, -103.9, -104.1, 127.99999, 128.0, -126.0, -149.0, -150.0, -151.0, 0.625, 0.921875,
     4.0, -0.99999994, -1.0000001, 0.70710677, 0.70710678, 1.4142135, 1.4142136, 0.99999994, 1.0000001, 9.0, -17.4],
    np.float32,
)  # fmt: skip


def kernel(name: str, count: int, element: str = "f32", attributes: str = "attributes {loop.kernel}") -> ModuleOp:
    """A kernel that applies `math.name` to `count` numbers, all lanes of one vector at a time."""
    text = f"""
        func.func @main(%x: memref<{count}x{element}>, %y: memref<{count}x{element}>) {attributes} {{
          loop.for "i" %i to {count} {{
            %a = loop.load %x[%i] : memref<{count}x{element}>
            %r = math.{name} %a : {element}
            loop.store %r, %y[%i] : memref<{count}x{element}>
          }}
          func.return
        }}"""
    return Parser(context(), text.replace(f"to {count} {{", f"to {count} vector(16) {{")).parse_module()


def expanded(name: str, x: np.ndarray) -> np.ndarray:
    module = kernel(name, x.size)
    ExpandMath().apply(context(), module)
    module.verify()
    assert not any(op.name == f"math.{name}" for op in module.walk())
    y = np.full_like(x, 7.0)
    run(module, "main", [x, y])
    return y


def error_ulp(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The distance in units of the last place of the exact result; 0 where both are the same special value."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
        place = np.spacing(np.maximum(np.abs(rounded), np.float32(2**-126)).astype(np.float32)).astype(np.float64)
        distance = np.abs(got.astype(np.float64) - exact) / place
    special = ~np.isfinite(rounded)
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(special, np.where(same, 0.0, np.inf), np.where(np.isfinite(got), distance, np.inf))


def worst(name: str, x: np.ndarray) -> tuple[float, float]:
    """The largest error, and where."""
    with np.errstate(all="ignore"):
        exact = MEANINGS[name](x.astype(np.float64))
    errors = error_ulp(expanded(name, x), exact)
    return float(errors.max()), float(x[errors.argmax()])


def every(step: int, offset: int = 0) -> np.ndarray:
    """Every `step`-th f32 by its bits."""
    return np.arange(offset, 1 << 32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("name", list(MEANINGS))
def test_the_error_is_bounded_over_all_sizes_of_numbers(name: str) -> None:
    error, place = worst(name, every(40009))
    assert error <= LARGEST_ERROR_ULP, f"{error} at {place}"


@pytest.mark.parametrize("name", list(MEANINGS))
def test_the_error_is_bounded_where_the_function_bends(name: str) -> None:
    x = np.concatenate([np.linspace(-20, 20, 60001), np.linspace(-110, 130, 60001), np.linspace(0.4, 2.2, 60001)])
    error, place = worst(name, x.astype(np.float32))
    assert error <= LARGEST_ERROR_ULP, f"{error} at {place}"


@pytest.mark.parametrize("name", list(MEANINGS))
def test_the_ends_are_exact(name: str) -> None:
    got = expanded(name, ENDS)
    with np.errstate(all="ignore"):
        exact = MEANINGS[name](ENDS.astype(np.float64))
    assert error_ulp(got, exact).max() <= LARGEST_ERROR_ULP
    if name not in ("exp", "exp2", "log", "log2"):
        zeros = ENDS == 0
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(exact[zeros]))


@pytest.mark.long
@pytest.mark.parametrize("name", list(MEANINGS))
@pytest.mark.parametrize("offset", range(8))
def test_the_error_is_bounded_on_many_numbers(name: str, offset: int) -> None:
    error, place = worst(name, every(1021, offset * 127))
    assert error <= LARGEST_ERROR_ULP, f"{error} at {place}"


def test_every_expansion_is_tested() -> None:
    assert {op.name.removeprefix("math.") for op in EXPANSIONS} == set(MEANINGS)


def test_other_types_and_host_functions_are_left_alone() -> None:
    for module in (kernel("exp", 4, "f64"), kernel("exp", 4, attributes="")):
        ExpandMath().apply(context(), module)
        assert any(op.name == "math.exp" for op in module.walk())


def test_constants_are_made_once_and_ops_have_locations() -> None:
    module = kernel("exp", 4)
    place = Parser(context(), 'builtin.module {} loc("a.mlir":1:1)').parse_module().location
    for op in module.walk():
        op.location = place
    ExpandMath().apply(context(), module)
    constants = [op.properties["value"] for op in module.walk() if op.name == "arith.constant"]
    assert len(constants) == len(set(constants))
    assert not any(isinstance(op.location, UnknownLoc) for op in module.walk())
