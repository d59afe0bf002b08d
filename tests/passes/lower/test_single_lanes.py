"""A vector of which one lane runs stores that lane alone, whatever type it was computed in."""

import numpy as np
import pytest

from tests.passes.lower.kernels import compiled, parse

DTYPES = {"i8": np.int8, "i16": np.int16, "i32": np.int32}


@pytest.mark.parametrize("narrow", DTYPES)
@pytest.mark.parametrize(("width", "ragged"), [(2, 1), (4, 1), (8, 1), (4, 3), (8, 5)])
@pytest.mark.parametrize("step", [1, -1])
def test_a_truncated_store_of_some_lanes_leaves_its_neighbours_alone(narrow, width, ragged, step):
    index = "%c" if step == 1 else f"{ragged - 1} - %c"
    kernel = parse(f"""
    func.func @k(%x: memref<16x{ragged}xi64> {{loop.name = "x"}}, %y: memref<16x{ragged}x{narrow}> {{loop.name = "y"}})
        attributes {{loop.kernel}} {{
      loop.for "r" %r to 16 {{
        loop.for "c" %c to {ragged} vector({width}) {{
          %0 = loop.load %x[%r, {index}] : memref<16x{ragged}xi64>
          %1 = arith.trunci %0 : i64 to {narrow}
          loop.store %1, %y[%r, {index}] : memref<16x{ragged}x{narrow}>
        }}
      }}
      func.return
    }}
    """)
    x = np.arange(16 * ragged, dtype=np.int64).reshape(16, ragged) * 1000003
    memory = np.full((18, ragged), 99, DTYPES[narrow])
    compiled(kernel)(x, memory[1:17])
    np.testing.assert_array_equal(memory[1:17], x.astype(DTYPES[narrow]))
    assert (memory[[0, 17]] == 99).all()
