"""Accesses at places that the body computes: every mark, layout, and the last writer of a place."""

from __future__ import annotations

import numpy as np
import pytest

from tests.passes.lower.kernels import run
from tests.passes.lower.test_convert_loop_to_llvm import kernel

ROWS = kernel(
    "%t: memref<11x{w}xf32>, %r: memref<7xi64>, %y: memref<7x{v}xf32>",
    """loop.for "i" %i to 7 MARK {
      loop.for "j" %j to 16 LANES {
        %0 = loop.load %r[%i] : memref<7xi64>
        %1 = arith.index_cast %0 : i64 to index
        %2 = loop.gather %t[%1, %j] : memref<11x{w}xf32>
        loop.store %2, %y[%i, %j] : memref<7x{v}xf32>
      }
    }""",
)


def rows(mark: str, lanes: str, *, dynamic: bool = False) -> str:
    """Rows of a table at loaded places."""
    size = "?" if dynamic else "16"
    return ROWS.replace("MARK", mark).replace("LANES", lanes).replace("{w}", size).replace("{v}", size)


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(
    ("mark", "lanes"),
    [("", ""), ("", "vector(8)"), ("unroll", "vector(4)"), ("parallel", "vector(16)"), ("parallel", "unroll(4)")],
)
def test_rows_are_gathered_along_their_elements(mark, lanes, dynamic):
    rng = np.random.default_rng(0)
    table, places = rng.standard_normal((11, 16)).astype(np.float32), rng.integers(0, 11, 7)
    out = np.zeros((7, 16), np.float32)
    run(rows(mark, lanes, dynamic=dynamic), table, places, out)
    np.testing.assert_array_equal(out, table[places])


ELEMENTS = kernel(
    "%t: memref<5x?x{E}>, %r: memref<13xi64>, %y: memref<13x3x{E}>",
    """loop.for "j" %j to 3 {
      loop.for "i" %i to 13 MARK {
        %0 = loop.load %r[%i] : memref<13xi64>
        %1 = arith.index_cast %0 : i64 to index
        %2 = loop.gather %t[2*%1 - %j + 2, 1] : memref<5x?x{E}>
        loop.store %2, %y[%i, %j] : memref<13x3x{E}>
      }
    }""",
)


@pytest.mark.parametrize(("element", "dtype"), [("f32", "f4"), ("i1", "?"), ("f64", "f8"), ("i8", "i1")])
@pytest.mark.parametrize("mark", ["", "vector(4)", "vector(8)", "vector(16)"])
def test_each_lane_may_read_a_place_of_its_own(mark, element, dtype):
    rng = np.random.default_rng(1)
    table = rng.integers(0, 2, (5, 4)).astype(dtype)
    places = rng.integers(0, 2, 13)
    out = np.zeros((13, 3), dtype)
    run(ELEMENTS.replace("MARK", mark).replace("{E}", element), table, places, out)
    np.testing.assert_array_equal(out, table[2 * places[:, None] - np.arange(3) + 2, 1])


SCATTER = kernel(
    "%x: memref<13xf32>, %r: memref<13xi64>, %y: memref<6x2xf32>",
    """loop.for "i" %i to 13 MARK {
      %0 = loop.load %r[%i] : memref<13xi64>
      %1 = arith.index_cast %0 : i64 to index
      %2 = loop.load %x[%i] : memref<13xf32>
      loop.scatter %2, %y[%1, 1] : memref<6x2xf32>
    }""",
)


@pytest.mark.parametrize("mark", ["", "unroll", "vector(4)", "vector(8)"])
def test_the_last_writer_of_a_place_wins(mark):
    values, places = np.arange(13, dtype=np.float32), np.array([0, 3, 3, 5, 0, 1, 1, 1, 3, 5, 0, 0, 1])
    out = np.full((6, 2), -1, np.float32)
    run(SCATTER.replace("MARK", mark), values, places, out)
    np.testing.assert_array_equal(out[:, 1], [11, 12, -1, 8, -1, 9])
    np.testing.assert_array_equal(out[:, 0], -1)
