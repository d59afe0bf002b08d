"""scatter: its meaning, its shape rule, and what it refuses."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, f32, i1, i32, i64
from xdsl.ir import Block, Region
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.places import random_places
from tests.dialects.ml.support import ALL, INTEGERS, assert_same, blurred, filled, like, read, value
from weft.backends import reference
from weft.dialects.ml import ReturnOp, ScatterOp, SubOp
from weft.dialects.ml.dims import value_of

KINDS = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "set": lambda old, new: new,
}


@given(st.integers(0, 1 << 30), st.sampled_from(INTEGERS), st.sampled_from(sorted(KINDS)))
@settings(max_examples=150, deadline=None)
def test_a_scatter_means_what_stablehlo_says(seed, element, kind):
    rng = random.Random(seed)
    at = random_places(rng)
    x, updates, ids = filled(i32, at.operand, 1), filled(i32, at.result, seed), at.random_indices(rng, element)
    op = at.scatter([like(i32, x)], like(element, ids), [like(i32, updates)], kind)
    op.verify_()
    assert op.kind == kind
    assert_same(op.evaluate(x, ids, updates)[0], at.scattered(x, ids, updates, KINDS[kind]))


@pytest.mark.parametrize("element", ALL, ids=str)
@pytest.mark.parametrize("kind", ["add", "set", "max"])
def test_every_type_is_scattered_in_order(element, kind):
    x, ids = filled(element, (3, 2)), np.array([2, 0, 2, 5, -1], np.int32)
    updates = filled(element, (5, 2), 1)
    op = rows(like(element, x), like(i32, ids), like(element, updates), kind)
    (result,) = op.evaluate(x, ids, updates)
    expected = x.copy()
    for row, update in zip(ids, updates, strict=True):
        if 0 <= row < 3:
            expected[row] = np.asarray(KINDS[kind](expected[row], update)).astype(x.dtype)
    assert_same(result, expected)


def rows(x, ids, updates, body="add", **changes):
    """A scatter of rows."""
    numbers = {"update_window_dims": [1], "inserted": [0], "scatter_dims": [0], "index_vector_dim": 1}
    return ScatterOp([x], ids, [updates], body, **numbers | changes)


def test_the_last_of_several_updates_of_a_place_stays():
    x, ids, updates = np.zeros(2, np.float32), np.array([1, 1, 1], np.int32), np.array([3, 1, 2], np.float32)
    op = rows(like(f32, x), like(i32, ids), like(f32, updates), "set", update_window_dims=[])
    op.verify_()
    assert_same(op.evaluate(x, ids, updates)[0], np.array([0, 2], np.float32))


def test_a_body_may_swap_several_tensors():
    text = """func.func @main(%x: tensor<3xf32>, %y: tensor<3xi32>, %i: tensor<2xi64>,
                               %u: tensor<2xf32>, %v: tensor<2xi32>)
        -> (tensor<3xf32>, tensor<3xi32>) {
      %r, %s = ml.scatter(%x, %y, %i, %u, %v), update_window_dims = [], inserted_window_dims = [0],
        scatter_dims_to_operand_dims = [0], index_vector_dim = 1
        : (tensor<3xf32>, tensor<3xi32>, tensor<2xi64>, tensor<2xf32>, tensor<2xi32>)
        -> (tensor<3xf32>, tensor<3xi32>) {
      ^bb0(%a: tensor<f32>, %b: tensor<i32>, %c: tensor<f32>, %d: tensor<i32>):
        %e = ml.sub %c, %a : tensor<f32>
        %f = ml.mul %b, %d : tensor<i32>
        ml.return %e, %f : tensor<f32>, tensor<i32>
      }
      func.return %r, %s : tensor<3xf32>, tensor<3xi32>
    }"""
    x, y = np.array([1, 2, 3], np.float32), np.array([4, 5, 6], np.int32)
    got = reference.run(read(text), "main", [x, y, np.array([2, 0]), x[:2], y[:2]])
    np.testing.assert_array_equal(got[0], [1, 2, -2])
    np.testing.assert_array_equal(got[1], [20, 5, 24])


@given(st.data(), st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_the_shape_rule_of_scatter_says_the_shape_of_its_result(data, seed):
    rng = random.Random(seed)
    at = random_places(rng)
    shapes = (at.operand, at.indices, at.result)
    types = [blurred(data.draw, shape) for shape in shapes]
    op = at.scatter([value(f32, *types[0])], value(i64, *types[1]), [value(f32, *types[2])], "add")
    op.verify_()
    arrays = (filled(f32, at.operand), at.random_indices(rng, i64), filled(f32, at.result))
    (result,) = op.evaluate(*arrays)
    assert tuple(value_of(dim, arrays) for dim in op.result_dims()[0]) == result.shape


def two_for_one() -> Region:
    scalar = TensorType(f32, [])
    block = Block(arg_types=[scalar, scalar])
    block.add_op(ReturnOp(*block.args))
    return Region(block)


def ends_badly() -> Region:
    scalar = TensorType(f32, [])
    block = Block(arg_types=[scalar, scalar])
    block.add_op(SubOp(*block.args))
    return Region(block)


X, IDS, NEW = value(f32, 3, 2), value(i32, 5), value(f32, 5, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rows(X, IDS, value(f32, 5, 3)), "greater than dimension 1: they are 3 and 2"),
        (lambda: rows(X, IDS, value(f32, 4, 2)), "a window of updates for each index vector: they are 4 and 5"),
        (lambda: rows(X, IDS, value(i32, 5, 2)), "must be f32 of rank 2"),
        (lambda: rows(X, IDS, value(f32, 5)), "must be f32 of rank 2"),
        (lambda: rows(X, value(f32, 5), NEW), "the indices must be integers"),
        (lambda: rows(X, IDS, NEW, inserted=[]), "a window has 2 dimensions"),
        (lambda: rows(X, IDS, NEW, inserted=[1, 0]), "must be sorted"),
        (lambda: rows(X, IDS, NEW, update_window_dims=[2]), "must be between 0 and 1"),
        (lambda: rows(X, IDS, NEW, scatter_dims=[0, 1]), "has 1 components, but points into 2 dimensions"),
        (lambda: rows(X, IDS, NEW, batching=([0], [0])), "is indexed and a batching dimension at once"),
        (lambda: rows(X, IDS, NEW, two_for_one()), "the body must return tensor<f32>"),
        (lambda: rows(X, IDS, NEW, ends_badly()), "must end with ml.return"),
        (lambda: ScatterOp([X], IDS, [NEW, NEW], "add", scatter_dims=[0], index_vector_dim=1), "4 operands for 1"),
        (
            lambda: rows(value(i1, 3, 2), IDS, value(i1, 5, 2), rows(X, IDS, NEW).update_computation.clone()),
            "must take",
        ),
    ],
)
def test_a_wrong_scatter_is_refused(make, message):
    rows(X, IDS, NEW).verify_()
    with pytest.raises(VerifyException, match=message):
        make().verify_()


def test_an_unknown_combination_is_refused():
    with pytest.raises(Exception, match="a combination is one of add, mul, max, min, and, or, set"):
        read(
            '%x, %i, %u = "test.op"() : () -> (tensor<3xf32>, tensor<2xi32>, tensor<2xf32>)\n'
            "%r = ml.scatter(%x, %i, %u), update_window_dims = [], inserted_window_dims = [0], "
            "scatter_dims_to_operand_dims = [0], index_vector_dim = 1 "
            ": (tensor<3xf32>, tensor<2xi32>, tensor<2xf32>) -> tensor<3xf32> by sub"
        )
