"""Random bits with sizes that the run knows are those of the same sizes in the type."""

import numpy as np
import pytest

import weft
from weft.diagnostics import WeftError

STATES = {"THREE_FRY": [7, 2**64 - 3], "PHILOX": [7, 2**64 - 3, 2**64 - 1]}


def program(op, algorithm, shape, element):
    """Random numbers of a shape; a None in it is an argument of the program."""
    names = [f"%n{axis}" for axis, n in enumerate(shape) if n is None]
    state = f"tensor<{len(STATES[algorithm])}xui64>"
    dims = "".join("?x" if n is None else f"{n}x" for n in shape)
    result = f"tensor<{dims}{element}>"
    sizes = f", sizes({', '.join(names)})" if names else ""
    return f"""
    func.func @main(%s: {state}{"".join(f", {name}: index" for name in names)}) -> ({state}, {result}) {{
      %next, %made = ml.{op} {algorithm}, %s{sizes} : {state} to {result}
      func.return %next, %made : {state}, {result}
    }}"""


CASES = [((None,), [(0,), (1,), (9,)]), ((None, 3, None), [(3, 3, 5), (2, 3, 5), (3, 3, 4), (1, 3, 1), (5, 3, 0)])]


@pytest.mark.parametrize("element", ["ui32", "i8", pytest.param("i64", marks=pytest.mark.long)])
@pytest.mark.parametrize("algorithm", STATES)
@pytest.mark.parametrize(("shape", "runs"), CASES, ids=["one", "three"])
def test_run_time_sizes_give_the_bits_of_the_same_shape(algorithm, element, shape, runs):
    state = np.array(STATES[algorithm], np.uint64)
    text = program("rng_bit_generator", algorithm, shape, element)
    compiled, meaning = weft.compile(text, threads=1), weft.compile(text, "reference")
    for run in runs:
        sizes = [n for n, known in zip(run, shape, strict=True) if known is None]
        static = weft.compile(program("rng_bit_generator", algorithm, run, element), "reference")(state)
        for found, also, expected in zip(compiled(state, *sizes), meaning(state, *sizes), static, strict=True):
            assert found.shape == also.shape == expected.shape
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(also, expected)


@pytest.mark.parametrize(("op", "element"), [("random_uniform", "f64"), ("random_normal", "bf16")])
def test_distributions_take_run_time_sizes(op, element):
    state = np.array(STATES["PHILOX"], np.uint64)
    _, found = weft.compile(program(op, "PHILOX", (None, 3), element), threads=1)(state, 5)
    _, expected = weft.compile(program(op, "PHILOX", (5, 3), element), "reference")(state)
    np.testing.assert_allclose(found.astype(np.float64), expected.astype(np.float64), rtol=1e-2)


def test_a_size_below_zero_is_an_error_of_the_op():
    compiled = weft.compile(program("random_uniform", "THREE_FRY", (None,), "f32"), threads=1)
    with pytest.raises(WeftError, match=r"ml.random_uniform: a size must not be negative"):
        compiled(np.zeros(2, np.uint64), -1)
