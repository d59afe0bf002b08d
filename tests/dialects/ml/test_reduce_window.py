"""ml.reduce_window, ml.max_pool and ml.avg_pool against the loops that define them, element by element."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerType, Signedness, TensorType, f16, f32, i1, i8, i32
from xdsl.ir import Block, Region
from xdsl.utils.exceptions import ParseError, VerifyException

from tests.dialects.ml.support import ALL, FLOATS, assert_near, assert_same, blurred, filled, read, value, written
from weft.backends.reference import run
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.dialects.ml.dims import DYNAMIC
from weft.dialects.ml.dtypes import dtype_of

UI8 = IntegerType(8, Signedness.UNSIGNED)
FAST = settings(max_examples=50, deadline=None)


def seen(shape, sliding):
    """For each place of the window, the indices that it sees: None for what is not there."""
    sizes = []
    for n, base, reach, pad, stride in zip(
        shape, sliding.base_step, sliding.reach, sliding.pad, sliding.stride, strict=True
    ):
        padded = (0 if n == 0 else (n - 1) * base + 1) + sum(pad)
        sizes.append(0 if padded < reach or padded <= 0 else (padded - reach) // stride + 1)
    places = np.empty(sizes, object)
    for place in np.ndindex(*sizes):
        places[place] = []
        for point in np.ndindex(*sliding.window):
            index = []
            for axis, base in enumerate(sliding.base_step):
                at = place[axis] * sliding.stride[axis] + point[axis] * sliding.window_step[axis] - sliding.pad[axis][0]
                index.append(at // base if at % base == 0 else -1)
            inside = all(0 <= i < n for i, n in zip(index, shape, strict=True))
            places[place].append(tuple(index) if inside else None)
    return places


def by_definition(x, init, sliding, combine):
    """Combine what each window sees, one element at a time: a missing element is `init`."""
    places = seen(x.shape, sliding)
    result = np.full(places.shape, init, x.dtype)
    for place in np.ndindex(places.shape):
        for index in places[place]:
            result[place] = combine(result[place], init if index is None else x[index])
    return result


@st.composite
def windows(draw, rank):
    each = lambda numbers: tuple(draw(numbers) for _ in range(rank))  # noqa: E731
    return ml.Sliding(
        each(st.integers(1, 3)),
        each(st.integers(1, 3)),
        each(st.sampled_from([1, 1, 2])),
        each(st.sampled_from([1, 1, 2])),
        tuple(zip(each(st.integers(-1, 2)), each(st.integers(-1, 2)), strict=True)),
    )


@FAST
@given(st.data())
def test_a_window_combines_what_it_sees(data):
    shape = data.draw(st.lists(st.integers(0, 5), max_size=3).map(tuple))
    sliding = data.draw(windows(len(shape)))
    kind, combine = data.draw(st.sampled_from([("add", np.add), ("max", np.maximum), ("min", np.minimum)]))
    x, init = filled(i32, shape) - 4, np.array(data.draw(st.integers(-3, 3)), np.int32)
    op = ml.ReduceWindowOp.of(kind, value(i32, *shape), sliding, value(i32))
    op.verify_()
    (found,) = op.evaluate(x, init)
    assert_same(found, by_definition(x, init, sliding, combine))
    assert found.shape == op.outputs[0].type.get_shape()


@FAST
@given(st.data())
def test_the_shape_rule_is_the_shape_that_comes_out(data):
    shape = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=3).map(tuple))
    sliding = data.draw(windows(len(shape)))
    op = ml.ReduceWindowOp.of("add", value(f32, *blurred(data.draw, shape)), sliding)
    op.verify_()
    try:
        (found,) = op.evaluate(filled(f32, shape))
    except WeftError as error:
        assert "must fit" in str(error) or "must not be empty" in str(error)
        return
    assert found.shape == op.concrete_shape([filled(f32, shape)])
    for n, claim in zip(found.shape, op.outputs[0].type.get_shape(), strict=True):
        assert claim in (DYNAMIC, n)
    static = ml.ReduceWindowOp.of("add", value(f32, *shape), sliding)
    assert static.outputs[0].type.get_shape() == found.shape


@pytest.mark.parametrize("element", ALL, ids=str)
@pytest.mark.parametrize("kind", ["add", "max", "min"])
def test_without_a_start_the_neutral_element_stands_around(element, kind):
    sliding = ml.Sliding((3,), pads=((1, 1),))
    x = filled(element, (4,)) if element is i1 else filled(element, (4,)) + dtype_of(element).type(1)
    (found,) = ml.ReduceWindowOp.of(kind, value(element, 4), sliding).evaluate(x)
    wide = [x[max(0, i - 1) : i + 2] for i in range(4)]
    combine = {"add": np.sum, "max": np.max, "min": np.min}[kind]
    expected = [combine(part.astype(bool if element is i1 else np.float64)) for part in wide]
    assert_same(found, np.array(expected).astype(dtype_of(element)))


def test_the_start_is_combined_once_and_stands_in_the_padding():
    sliding = ml.Sliding((2,), pads=((1, 0),))
    op = ml.ReduceWindowOp.of("add", value(i32, 3), sliding, value(i32))
    (found,) = op.evaluate(np.array([1, 2, 3], np.int32), np.array(10, np.int32))
    assert found.tolist() == [10 + 10 + 1, 10 + 1 + 2, 10 + 2 + 3]


def test_sums_of_f16_are_rounded_once():
    (found,) = ml.ReduceWindowOp.of("add", value(f16, 3000), ml.Sliding((3000,))).evaluate(np.ones(3000, np.float16))
    assert found.tolist() == [3000]


def test_nan_is_seen():
    x = np.array([1, np.nan, 2, 3], np.float32)
    (found,) = ml.ReduceWindowOp.of("max", value(f32, 4), ml.Sliding((2,))).evaluate(x)
    assert_same(found, np.array([np.nan, np.nan, 3], np.float32))


def _greatest_and_place():
    """A body on (value, place): the greater value with its place, the first of equal ones."""
    scalars = [TensorType(f32, []), TensorType(i32, [])]
    block = Block(arg_types=scalars * 2)
    best, at, new, here = block.args
    greater = ml.CompareOp("GT", new, best)
    chosen = [ml.SelectOp(greater, new, best), ml.SelectOp(greater, here, at)]
    block.add_ops([greater, *chosen, ml.ReturnOp(*chosen)])
    return Region(block)


TWO = """
func.func @main(%x: tensor<2x5xf32>, %y: tensor<2x5xi32>, %a: tensor<f32>, %b: tensor<i32>) -> (tensor<2x3xf32>, tensor<2x3xi32>) {
  %r:2 = ml.reduce_window(%x, %y init %a, %b), window = [1, 2], stride = [1, 2], pad = [[0, 0], [0, 1]]
      : (tensor<2x5xf32>, tensor<2x5xi32>, tensor<f32>, tensor<i32>) -> (tensor<2x3xf32>, tensor<2x3xi32>) {
  ^bb0(%best: tensor<f32>, %at: tensor<i32>, %new: tensor<f32>, %here: tensor<i32>):
    %g = ml.compare GT, %new, %best : tensor<f32>
    %v = ml.select %g, %new, %best : tensor<i1>, tensor<f32>
    %p = ml.select %g, %here, %at : tensor<i1>, tensor<i32>
    ml.return %v, %p : tensor<f32>, tensor<i32>
  }
  func.return %r#0, %r#1 : tensor<2x3xf32>, tensor<2x3xi32>
}
"""  # noqa: E501


def test_any_body_combines_several_tensors():
    module = read(TWO)
    assert read(written(module)).is_structurally_equivalent(module)
    x = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]], np.float32)
    y = np.arange(10, dtype=np.int32).reshape(2, 5)
    best, at = run(module, "main", [x, y, np.float32(-99), np.int32(-1)])
    assert best.tolist() == [[3, 4, 5], [9, 6, 3]]
    assert at.tolist() == [[0, 2, 4], [5, 7, 9]]


@FAST
@given(st.data())
def test_pools_are_the_greatest_and_the_mean(data):
    shape = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple))
    dims = data.draw(st.permutations(range(len(shape))))[: data.draw(st.integers(1, len(shape)))]
    each = lambda numbers: tuple(data.draw(numbers) for _ in dims)  # noqa: E731
    window, stride, dilate = each(st.integers(1, 3)), each(st.integers(1, 2)), each(st.integers(1, 2))
    pad = tuple(zip(each(st.integers(-1, 2)), each(st.integers(0, 2)), strict=True))
    x = filled(f32, shape)
    options = (dims, window, stride, pad, dilate)
    greatest = ml.MaxPoolOp(value(f32, *blurred(data.draw, shape)), *options)
    mean = ml.AvgPoolOp(value(f32, *shape), *options)
    whole = ml.AvgPoolOp(value(f32, *shape), *options, count_include_pad=True)
    for op in (greatest, mean, whole):
        op.verify_()
    places = seen(x.shape, mean.sliding)
    lists = [[float(x[index]) for index in indices if index is not None] for indices in places.reshape(-1)]
    try:
        (found,) = greatest.evaluate(x)
    except WeftError as error:
        assert "must fit" in str(error)
        return
    size = np.prod(window)
    meanings = (
        (found, lambda numbers: max(numbers, default=-np.inf)),
        (mean.evaluate(x)[0], lambda numbers: np.sum(numbers) / len(numbers) if numbers else np.nan),
        (whole.evaluate(x)[0], lambda numbers: np.sum(numbers) / size),
    )
    for result, meaning in meanings:
        expected = np.array([meaning(numbers) for numbers in lists], np.float32).reshape(places.shape)
        assert_near(result, expected, 1)


@pytest.mark.parametrize("element", ALL, ids=str)
def test_every_type_has_a_greatest_element(element):
    x = filled(element, (1, 4, 4, 2))
    op = ml.MaxPoolOp(value(element, 1, 4, 4, 2), [1, 2], [2, 2], [2, 2])
    op.verify_()
    expected = x.reshape(1, 2, 2, 2, 2, 2).max(axis=(2, 4))
    assert_same(op.evaluate(x)[0], expected.astype(dtype_of(element)))


@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_every_float_type_has_a_mean(element):
    x = filled(element, (1, 2, 4, 4))
    op = ml.AvgPoolOp(value(element, 1, 2, 4, 4), [2, 3], [2, 2], [2, 2])
    op.verify_()
    expected = x.astype(np.float64).reshape(1, 2, 2, 2, 2, 2).mean(axis=(3, 5))
    assert_same(op.evaluate(x)[0], expected.astype(dtype_of(element)))


REFUSED = [
    ("window needs one entry for each of 2", "reduce_window add %a, window = [2]", "4x4xf32", "3x3xf32"),
    ("stride needs one entry", "reduce_window add %a, window = [2, 2], stride = [1]", "4x4xf32", "3x3xf32"),
    (r"window \[0\] must be 1 or more", "reduce_window add %a, window = [0]", "4xf32", "5xf32"),
    ("they are 3 and 4", "reduce_window add %a, window = [2]", "4xf32", "4xf32"),
    ("elements of the result must be f32", "reduce_window add %a, window = [2]", "4xf32", "3xf16"),
    ("dims .1. must be between 0 and 0", "max_pool %a, dims = [1], window = [2]", "4xf32", "3xf32"),
    ("window needs one entry for each of the 1 dims", "max_pool %a, dims = [0], window = [2, 2]", "4xf32", "3xf32"),
    (r"dilate \[0\] must be 1", "max_pool %a, dims = [0], window = [2], dilate = [0]", "4xf32", "3xf32"),
    ("takes float", "avg_pool %a, dims = [0], window = [2]", "4xi8", "3xi8"),
]


def declared(source, statement):
    return read(f'%a = "test.op"() : () -> tensor<{source}>\n{statement}')


@pytest.mark.parametrize(("message", "text", "source", "target"), REFUSED)
def test_what_does_not_fit_is_refused(message, text, source, target):
    with pytest.raises(VerifyException, match=message):
        declared(source, f"%r = ml.{text} : tensor<{source}> to tensor<{target}>")


def test_padding_that_is_no_pairs_is_refused():
    options = "dimensions = array<i64: 0>, window_dimensions = array<i64: 2>, padding = dense<1> : tensor<2xi64>"
    with pytest.raises(VerifyException, match="padding must be a low and a high"):
        declared("4xf32", f'%r = "ml.max_pool"(%a) <{{{options}}}> : (tensor<4xf32>) -> tensor<5xf32>')


def test_an_option_is_said_once():
    with pytest.raises(ParseError, match="window is given twice"):
        declared("4xf32", "%r = ml.reduce_window add %a, window = [2], window = [2] : tensor<4xf32> to tensor<3xf32>")
    with pytest.raises(ParseError, match=r"expected window = "):
        declared("4xf32", "%r = ml.max_pool %a, dims = [0] : tensor<4xf32> to tensor<3xf32>")


def test_unsigned_elements_compare_unsigned():
    x = np.array([1, 255, 3], np.uint8)
    assert ml.MaxPoolOp(value(UI8, 3), [0], [2]).evaluate(x)[0].tolist() == [255, 255]
    assert ml.MaxPoolOp(value(i8, 3), [0], [2]).evaluate(x.view(np.int8))[0].tolist() == [1, 3]
