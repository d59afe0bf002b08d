"""ml.resize against its formulas, computed in fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import IndexType, TensorType, f32, i32
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.test_value import create_ssa_value

from tests.dialects.ml.support import ALL, FLOATS, assert_near, assert_same, filled, read, value
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.dialects.ml.dims import DYNAMIC
from weft.dialects.ml.dtypes import dtype_of
from weft.dialects.ml.resize import Coordinates, Rounding

FAST = settings(max_examples=80, deadline=None)
HALF = Fraction(1, 2)

PLACES = {
    "half_pixel": lambda i, m, n: (i + HALF) * m / n - HALF,
    "align_corners": lambda i, m, n: Fraction(i * (m - 1), n - 1) if n > 1 else Fraction(0),
    "asymmetric": lambda i, m, n: Fraction(i * m, n),
}
NEAREST = {
    "round_prefer_floor": lambda x: math.ceil(x - HALF),
    "round_prefer_ceil": lambda x: math.floor(x + HALF),
    "floor": math.floor,
    "ceil": math.ceil,
}


def test_every_name_has_a_formula():
    assert set(PLACES) == {one.value for one in Coordinates}
    assert set(NEAREST) == {one.value for one in Rounding}


def resized(x, axis, n, coordinates, element):
    """A tensor with n elements along an axis; `element` makes one of the line and the place."""
    lines = np.moveaxis(x, axis, -1)
    result = np.empty((*lines.shape[:-1], n))
    for place in np.ndindex(lines.shape[:-1]):
        for i in range(n):
            result[(*place, i)] = element(lines[place], PLACES[coordinates](i, lines.shape[-1], n))
    return np.moveaxis(result, -1, axis)


def between(line, x):
    x = min(max(x, Fraction(0)), Fraction(len(line) - 1))
    low = math.floor(x)
    weight = float(x - low)
    return line[low] * (1 - weight) + line[min(low + 1, len(line) - 1)] * weight


@FAST
@given(st.data())
def test_elements_come_from_their_places(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    dims = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True))
    target = tuple(data.draw(st.integers(0, 9)) if axis in dims else n for axis, n in enumerate(shape))
    coordinates = data.draw(st.sampled_from(list(PLACES)))
    rounding = data.draw(st.sampled_from([*NEAREST, None]))
    hidden = [axis for axis in dims if data.draw(st.booleans())]
    source = value(f32, *(None if data.draw(st.booleans()) else n for n in shape))
    claim = [
        DYNAMIC if axis in hidden or (axis not in dims and source.type.get_shape()[axis] == DYNAMIC) else n
        for axis, n in enumerate(target)
    ]
    sizes = [create_ssa_value(IndexType()) for _ in hidden]
    numbers = [np.array(target[axis]) for axis in sorted(hidden)]
    x = np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)
    near = ml.ResizeOp(source, TensorType(f32, claim), dims, "nearest", coordinates, rounding, sizes)
    line = ml.ResizeOp(source, TensorType(f32, claim), dims, "linear", coordinates, sizes=sizes)
    near.verify_()
    line.verify_()
    meaning = NEAREST[rounding or "round_prefer_floor"]
    expected, means = x.astype(np.float64), x.astype(np.float64)
    for axis in dims:
        expected = resized(
            expected, axis, target[axis], coordinates, lambda row, x: row[min(max(meaning(x), 0), len(row) - 1)]
        )
        means = resized(means, axis, target[axis], coordinates, between)
    assert_same(near.evaluate(x, *numbers)[0], expected.astype(np.float32))
    (found,) = line.evaluate(x, *numbers)
    assert found.shape == target == line.concrete_shape([x, *numbers])
    np.testing.assert_allclose(found, means, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("element", ALL, ids=str)
def test_every_type_has_a_nearest_element(element):
    x = filled(element, (2, 3))
    op = ml.ResizeOp(value(element, 2, 3), TensorType(element, [2, 6]), [1])
    op.verify_()
    assert_same(op.evaluate(x)[0], np.repeat(x, 2, axis=1))


@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_every_float_type_is_interpolated(element):
    x = np.array([0, 4], dtype_of(element))
    op = ml.ResizeOp(value(element, 2), TensorType(element, [5]), [0], "linear", "align_corners")
    op.verify_()
    assert_near(op.evaluate(x)[0], np.array([0, 1, 2, 3, 4], dtype_of(element)), 0)


def test_an_empty_operand_has_no_nearest_element():
    op = ml.ResizeOp(value(f32, None), TensorType(f32, [2]), [0])
    op.verify_()
    with pytest.raises(WeftError, match="dimension 0 of the operand must not be empty"):
        op.evaluate(filled(f32, (0,)))


REFUSED = [
    ("linear takes float", "dims = [0], mode = linear", "4xi32", "8xi32"),
    ("rounding says what is nearest", "dims = [0], mode = linear, rounding = floor", "4xf32", "8xf32"),
    ("they are 3 and 4", "dims = [0]", "4x3xf32", "8x4xf32"),
    ("must have the rank of", "dims = [0]", "4x3xf32", "8xf32"),
    (r"dims \[2\] must be between 0 and 1", "dims = [2]", "4x3xf32", "4x3xf32"),
    ("needs 1 sizes", "dims = [0]", "4x3xf32", "?x3xf32"),
    ("must not be empty: they are 1 and 0", "dims = [0]", "0xf32", "4xf32"),
    ("elements of the result must be f32", "dims = [0]", "4xf32", "4xf16"),
]


@pytest.mark.parametrize(("message", "options", "source", "target"), REFUSED)
def test_what_does_not_fit_is_refused(message, options, source, target):
    with pytest.raises(VerifyException, match=message):
        read(
            f'%x = "test.op"() : () -> tensor<{source}>\n'
            f"%r = ml.resize %x, {options} : tensor<{source}> to tensor<{target}>"
        )


def test_a_constant_size_goes_into_the_type():
    from tests.passes.graph.harness import passed

    module = passed(
        """func.func @main(%x: tensor<4xf32>) -> tensor<?xf32> {
          %n = arith.constant 8 : index
          %r = ml.resize %x sizes(%n), dims = [0] : tensor<4xf32> to tensor<?xf32>
          func.return %r : tensor<?xf32>
        }""",
        "infer-shapes",
    )
    assert "ml.resize %x, dims = [0] : tensor<4xf32> to tensor<8xf32>" in str(module)


def test_integers_are_taken_by_the_nearest():
    x = np.array([1, 2, 3], np.int32)
    op = ml.ResizeOp(value(i32, 3), TensorType(i32, [6]), [0], "nearest", "asymmetric", "floor")
    assert op.evaluate(x)[0].tolist() == [1, 1, 2, 2, 3, 3]
