"""sort and top_k against NumPy and Python; their shape rules; and what they refuse."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, f32, i1, i32, i64
from xdsl.ir import Block, Region
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.support import ALL, FLOATS, assert_same, blurred, edges, filled, like, read, shapes, value
from weft.backends import reference
from weft.dialects.ml import CompareOp, ReturnOp, SortOp, TopKOp
from weft.dialects.ml.dims import value_of
from weft.dialects.ml.dtypes import dtype_of


def key(element):
    """What Python compares elements of a type by."""
    if element not in FLOATS:
        return int
    return lambda x: (math.copysign(1, x), math.isnan(x) * math.copysign(1, x), 0 if math.isnan(x) else float(x))


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("element", ALL, ids=str)
def test_every_type_is_sorted_stably_by_its_total_order(element, order):
    x = np.concatenate([edges(element), edges(element)[::-1]])
    if element in FLOATS:
        x = np.append(x, np.array([-math.nan], np.float64).astype(x.dtype))
    places = np.arange(len(x), dtype=np.int32)
    op = SortOp([like(element, x), like(i32, places)], order)
    op.verify_()
    assert op.order == order
    got = op.evaluate(x, places)
    keys, sign = [key(element)(n) for n in x], -1 if order == "descending" else 1
    compare = functools.cmp_to_key(lambda a, b: sign * ((keys[a] > keys[b]) - (keys[a] < keys[b])))
    expected = sorted(places.tolist(), key=compare)
    np.testing.assert_array_equal(got[1], expected)
    assert_same(got[0], x[expected])


@given(shapes(max_rank=3).filter(len), st.data())
@settings(max_examples=60, deadline=None)
def test_each_line_is_sorted_along_its_dimension(shape, data):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = filled(f32, shape, 5)
    op = SortOp([value(f32, *blurred(data.draw, shape))], dim=dim)
    op.verify_()
    assert_same(op.evaluate(x)[0], np.sort(x, axis=dim, kind="stable"))
    assert tuple(value_of(n, (x,)) for n in op.result_dims()[0]) == shape


def test_a_body_sorts_by_several_keys():
    text = """func.func @main(%x: tensor<6xi32>, %y: tensor<6xf32>) -> (tensor<6xi32>, tensor<6xf32>) {
      %r, %s = ml.sort(%x, %y) : (tensor<6xi32>, tensor<6xf32>) -> (tensor<6xi32>, tensor<6xf32>) {
      ^bb0(%a: tensor<i32>, %b: tensor<i32>, %c: tensor<f32>, %d: tensor<f32>):
        %0 = ml.compare EQ, %a, %b : tensor<i32>
        %1 = ml.compare GT, %c, %d : tensor<f32>
        %2 = ml.compare LT, %a, %b : tensor<i32>
        %3 = ml.select %0, %1, %2 : tensor<i1>, tensor<i1>
        ml.return %3 : tensor<i1>
      }
      func.return %r, %s : tensor<6xi32>, tensor<6xf32>
    }"""
    x, y = np.array([2, 1, 2, 1, 0, 2], np.int32), np.array([1, 2, 3, 4, 5, 6], np.float32)
    first, second = reference.run(read(text), "main", [x, y])
    np.testing.assert_array_equal(first, [0, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(second, [5, 4, 2, 6, 3, 1])


@given(shapes(max_rank=3).filter(len), st.data())
@settings(max_examples=60, deadline=None)
def test_top_k_gives_the_first_of_the_sorted(shape, data):
    k = data.draw(st.integers(0, shape[-1]))
    x = filled(f32, shape, 5)
    op = TopKOp(value(f32, *blurred(data.draw, shape)), k, data.draw(st.sampled_from([i32, i64])))
    op.verify_()
    values, places = op.evaluate(x)
    assert_same(values, -np.sort(-x, axis=-1)[..., :k] + 0)
    np.testing.assert_array_equal(places, np.argsort(-x, axis=-1, kind="stable")[..., :k])
    for result, dims in zip((values, places), op.result_dims(), strict=True):
        assert tuple(value_of(n, (x,)) for n in dims) == result.shape


@pytest.mark.parametrize("element", ALL, ids=str)
def test_top_k_of_every_type(element):
    x = edges(element)
    values, places = TopKOp(like(element, x), len(x)).evaluate(x)
    assert_same(values, SortOp([like(element, x)], "descending").evaluate(x)[0])
    assert_same(values, x[places])
    assert values.dtype == dtype_of(element)


def by(types, *result) -> Region:
    block = Block(arg_types=[TensorType(t, []) for t in types])
    if result:
        block.add_op(ReturnOp(block.args[0]))
        return Region(block)
    block.add_op(less := CompareOp("LT", block.args[0], block.args[1]))
    block.add_op(ReturnOp(less))
    return Region(block)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SortOp([value(f32)]), "has no dimension -1"),
        (lambda: SortOp([value(f32, 2)], dim=1), "has no dimension 1"),
        (lambda: SortOp([value(f32, 2), value(f32, 2, 2)]), "must have one rank"),
        (lambda: SortOp([value(f32, 2), value(f32, 3)]), "must have the same sizes: they are 2 and 3"),
        (lambda: SortOp([value(f32, 2)], by([f32, f32, f32])), "must take tensor<f32>, tensor<f32>"),
        (lambda: SortOp([value(f32, 2)], by([f32, f32], "first")), "must return tensor<i1>"),
        (lambda: TopKOp(value(f32, 2), 3), "k must not be greater than the last dimension: they are 3 and 2"),
        (lambda: TopKOp(value(f32, 2), -1), "k must not be negative"),
        (lambda: TopKOp(value(f32, 2), 1, i1), "must be i32 or i64"),
    ],
)
def test_a_wrong_sort_is_refused(make, message):
    SortOp([value(f32, 2)], by([f32, f32])).verify_()
    with pytest.raises(VerifyException, match=message):
        make().verify_()
