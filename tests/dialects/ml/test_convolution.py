"""ml.convolution against the sum that defines it, term by term."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, f32, i8, i32
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.test_value import create_ssa_value

from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.registry import context


def by_definition(x, w, window, dtype):
    """The convolution, one product at a time, on dicts of positions."""
    dims, spatial = window.dims, window.dims.spatial
    x, w = x.transpose(dims.lhs_order), w.transpose(dims.rhs_order)
    sizes = []
    for axis in range(spatial):
        n, k = x.shape[axis + 2], w.shape[axis + 2]
        padded = (0 if n == 0 else (n - 1) * window.lhs_step[axis] + 1) + sum(window.pad[axis])
        reach = 0 if k == 0 else (k - 1) * window.rhs_step[axis] + 1
        sizes.append(0 if padded < reach or padded <= 0 else (padded - reach) // window.stride[axis] + 1)
    batch, outputs = x.shape[0] // window.batch_groups, w.shape[0]
    result = np.zeros((batch, outputs, *sizes), dtype)
    per_group = outputs // max(window.feature_groups, window.batch_groups)
    for b, o, *place in itertools.product(range(batch), range(outputs), *map(range, sizes)):
        group = o // per_group
        for i, *point in itertools.product(range(w.shape[1]), *map(range, w.shape[2:])):
            index = []
            for axis in range(spatial):
                k = w.shape[axis + 2] - 1 - point[axis] if window.reverse[axis] else point[axis]
                position = place[axis] * window.stride[axis] + k * window.rhs_step[axis] - window.pad[axis][0]
                inside = position % window.lhs_step[axis] == 0
                index.append(position // window.lhs_step[axis] if inside else -1)
            if all(0 <= j < n for j, n in zip(index, x.shape[2:], strict=True)):
                source = b + group * batch if window.batch_groups > 1 else b
                feature = i + group * w.shape[1] if window.feature_groups > 1 else i
                result[b, o, *place] += dtype(x[source, feature, *index]) * dtype(w[o, i, *point])
    return result.transpose(np.argsort(dims.out_order))


@st.composite
def cases(draw):
    spatial = draw(st.integers(1, 3 if draw(st.booleans()) else 2))
    axes = [str(n) for n in range(spatial)]
    dims = ml.ConvDims(*(tuple(draw(st.permutations([*names, *axes]))) for names in ("bf", "io", "bf")))
    each = lambda numbers: tuple(draw(numbers) for _ in range(spatial))  # noqa: E731
    feature_groups = draw(st.sampled_from([1, 1, 2, 3]))
    batch_groups = 1 if feature_groups > 1 else draw(st.sampled_from([1, 1, 2]))
    window = ml.Window(
        dims,
        each(st.integers(1, 3)),
        tuple(zip(each(st.integers(-1, 2)), each(st.integers(-1, 2)), strict=True)),
        each(st.sampled_from([1, 1, 2])),
        each(st.sampled_from([1, 1, 2])),
        each(st.booleans()),
        feature_groups,
        batch_groups,
    )
    inputs, outputs = draw(st.integers(0, 2)), draw(st.integers(0, 2)) * max(feature_groups, batch_groups)
    batch = draw(st.integers(0, 2)) * batch_groups
    x = (batch, inputs * feature_groups, *each(st.integers(0, 5)))
    w = (outputs, inputs, *each(st.integers(0, 3)))
    lhs = tuple(x[dims.lhs_order.index(axis)] for axis in range(len(x)))
    rhs = tuple(w[dims.rhs_order.index(axis)] for axis in range(len(w)))
    return window, lhs, rhs


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 1000))
def test_convolution_is_the_sum_that_defines_it(case, seed):
    window, lhs, rhs = case
    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, lhs).astype(np.float32)
    w = rng.integers(-4, 5, rhs).astype(np.float32)
    op = ml.ConvolutionOp(*(create_ssa_value(TensorType(f32, array.shape)) for array in (x, w)), window)
    op.verify()
    (found,) = op.evaluate(x, w)
    np.testing.assert_array_equal(found, by_definition(x, w, window, np.float32))
    assert found.shape == op.result.type.get_shape()


def test_integers_may_widen():
    window = ml.Window(ml.ConvDims(("b", "f", "0"), ("o", "i", "0"), ("b", "f", "0")))
    x = np.full((1, 2, 4), 100, np.int8)
    w = np.full((1, 2, 3), 100, np.int8)
    values = [create_ssa_value(TensorType(i8, array.shape)) for array in (x, w)]
    op = ml.ConvolutionOp(*values, window, element=i32)
    op.verify()
    np.testing.assert_array_equal(op.evaluate(x, w)[0], np.full((1, 1, 2), 60_000, np.int32))


def parse(text):
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


PROGRAM = """
func.func @main(%x: tensor<LHS>, %w: tensor<RHS>) -> tensor<OUT> {
  %y = ml.convolution %x, %w, dims = [b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f]OPTIONS
    : (tensor<LHS>, tensor<RHS>) -> tensor<OUT>
  func.return %y : tensor<OUT>
}
"""


def program(lhs, rhs, out, options=""):
    return PROGRAM.replace("LHS", lhs).replace("RHS", rhs).replace("OUT", out).replace("OPTIONS", options)


def test_all_options_read_back():
    text = program(
        "1x9x9x4xf32",
        "3x3x2x6xf32",
        "1x3x7x6xf32",
        ", stride = [2, 1], pad = [[0, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [2, 2], "
        "reverse = [true, false], feature_group_count = 2, precision = tf32",
    )
    module = parse(text)
    assert str(parse(str(module))) == str(module)
    assert "reverse = [true, false], feature_group_count = 2, precision = tf32" in str(module)


def test_run_time_sizes_are_followed():
    module = parse(program("?x?x9x4xf32", "3x3x4x6xf32", "?x?x9x6xf32", ", pad = [[1, 1], [1, 1]]"))
    (op,) = (op for op in module.walk() if isinstance(op, ml.ConvolutionOp))
    w = np.zeros((3, 3, 4, 6), np.float32)
    for n, m in [(0, 5), (2, 1), (3, 4)]:
        assert op.evaluate(np.zeros((n, m, 9, 4), np.float32), w)[0].shape == (n, m, 9, 6)
    module = parse(program("?x?x9x4xf32", "3x3x4x6xf32", "?x?x7x6xf32"))
    (op,) = (op for op in module.walk() if isinstance(op, ml.ConvolutionOp))
    with pytest.raises(WeftError, match="window must fit"):
        op.evaluate(np.zeros((1, 2, 9, 4), np.float32), w)


@pytest.mark.parametrize(
    ("lhs", "rhs", "out", "options", "message"),
    [
        ("1x9x9x4xf32", "3x3x5x6xf32", "1x7x7x6xf32", "", "input features"),
        ("1x9x9x4xf32", "3x3x4x6xf32", "1x8x7x6xf32", "", "result"),
        ("1x9x9x4xf32", "3x3x2x5xf32", "1x7x7x5xf32", ", feature_group_count = 2", "multiple"),
        ("1x9x9x4xf32", "3x3x4x6xf32", "1x7x7x6xf32", ", stride = [1]", "one entry"),
        ("1x9x9x4xf32", "3x3x4x6xf32", "1x7x7x6xf32", ", stride = [0, 1]", "1 or more"),
        ("1x9x9x4xf32", "3x3x4x6xf16", "1x7x7x6xf32", "", "element type"),
        ("1x9x9xf32", "3x3x4x6xf32", "1x7x7x6xf32", "", "does not have the dimensions"),
    ],
)
def test_what_does_not_fit_is_refused(lhs, rhs, out, options, message):
    with pytest.raises(VerifyException, match=message):
        parse(program(lhs, rhs, out, options))


def pad_by_definition(x, value, low, high, interior):
    shape = [n + max(n - 1, 0) * k + a + b for n, a, b, k in zip(x.shape, low, high, interior, strict=True)]
    result = np.full(shape, value, x.dtype)
    for index in np.ndindex(x.shape):
        place = tuple(a + i * (k + 1) for i, a, k in zip(index, low, interior, strict=True))
        if all(0 <= p < n for p, n in zip(place, shape, strict=True)):
            result[place] = x[index]
    return result


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_pad_puts_each_element_in_its_place(data):
    rank = data.draw(st.integers(0, 3))
    numbers = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    shape, low, high, interior = numbers(0, 4), numbers(-3, 3), numbers(-3, 3), numbers(0, 2)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    op_types = [TensorType(f32, shape), TensorType(f32, [])]
    op = ml.PadOp(*map(create_ssa_value, op_types), low, high, interior)
    sizes = [n + max(n - 1, 0) * k + a + b for n, a, b, k in zip(shape, low, high, interior, strict=True)]
    if min(sizes, default=0) < 0:
        with pytest.raises(VerifyException, match="more than it has"):
            op.verify()
        return
    op.verify()
    (found,) = op.evaluate(x, np.float32(-1))
    np.testing.assert_array_equal(found, pad_by_definition(x, -1, low, high, interior))
