"""gather and take: their meaning, their shape rule, and what they refuse."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import f32, i1, i8, i32, i64
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.places import random_places
from tests.dialects.ml.support import ALL, INTEGERS, assert_same, blurred, filled, like, read, value
from weft.diagnostics import WeftError
from weft.dialects.ml import GatherOp, TakeOp
from weft.dialects.ml.dims import DYNAMIC, value_of
from weft.dialects.ml.dtypes import dtype_of


@given(st.integers(0, 1 << 30), st.sampled_from(INTEGERS))
@settings(max_examples=150, deadline=None)
def test_a_gather_means_what_stablehlo_says(seed, element):
    rng = random.Random(seed)
    places = random_places(rng)
    x, indices = filled(i32, places.operand, seed), places.random_indices(rng, element)
    op = places.gather(value(i32, *places.operand), value(element, *places.indices))
    op.verify_()
    assert op.result.type.get_shape() == places.result
    assert_same(op.evaluate(x, indices)[0], places.gathered(x, indices))


@given(st.data(), st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_the_shape_rule_of_gather_says_the_shape_of_its_result(data, seed):
    rng = random.Random(seed)
    places = random_places(rng)
    operand = data.draw(st.just(blurred(data.draw, places.operand)))
    indices = blurred(data.draw, places.indices)
    op = places.gather(value(f32, *operand), value(i64, *indices))
    op.verify_()
    arrays = (filled(f32, places.operand), places.random_indices(rng, i64))
    (result,) = op.evaluate(*arrays)
    assert tuple(value_of(dim, arrays) for dim in op.result_dims()[0]) == result.shape == places.result


@pytest.mark.parametrize("element", ALL, ids=str)
def test_take_gives_rows_of_every_type(element):
    table, ids = filled(element, (5, 3)), np.array([[4, 0], [-1, 9]], np.int32)
    (result,) = TakeOp(like(element, table), like(i32, ids)).evaluate(table, ids)
    assert_same(result, table[[[4, 0], [0, 4]]])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_take_agrees_with_numpy(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 5]), min_size=1, max_size=3))
    places = data.draw(st.lists(st.sampled_from([0, 1, 3]), max_size=2))
    axis, element = data.draw(st.integers(0, len(shape) - 1)), data.draw(st.sampled_from(INTEGERS))
    x = filled(f32, tuple(shape))
    low = 0 if dtype_of(element).kind == "u" else -3
    ids = np.random.default_rng(0).integers(low, 7, places).astype(dtype_of(element))
    op = TakeOp(value(f32, *blurred(data.draw, tuple(shape))), value(element, *blurred(data.draw, tuple(places))), axis)
    op.verify_()
    (result,) = op.evaluate(x, ids)
    assert_same(result, np.take(x, ids.astype(np.int64), axis, mode="clip"))
    assert tuple(value_of(dim, (x, ids)) for dim in op.result_dims()[0]) == result.shape


def test_indices_beyond_i64_are_the_last():
    ids = np.array([(1 << 64) - 1, 1 << 63, 1], np.uint64)
    x = np.arange(4, dtype=np.float32)
    op = read(
        '%x, %i = "test.op"() : () -> (tensor<4xf32>, tensor<3xui64>)\n'
        "%r = ml.take %x, %i : tensor<4xf32>, tensor<3xui64> to tensor<3xf32>"
    ).body.block.last_op
    assert_same(op.evaluate(x, ids)[0], np.array([3, 3, 1], np.float32))


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ("start_index_map = array<i64: 2>", r"point into, \[2\] must be between 0 and 1"),
        ("start_index_map = array<i64: 0, 1>", "has 1 components, but points into 2 dimensions"),
        ("index_vector_dim = 3 : i64", "index_vector_dim 3 must be between 0 and 2"),
        ("slice_sizes = array<i64: 1>", "slice_sizes needs one entry for each dimension"),
        ("slice_sizes = array<i64: -2, 8>", "must not be negative"),
        ("slice_sizes = array<i64: 2, 8>", "dimension 0 is left out of the slice, so its slice size must be 1"),
        ("slice_sizes = array<i64: 1, 9>", "the slice is greater than dimension 1: they are 9 and 8"),
        ("collapsed_slice_dims = array<i64: 1, 0>", r"collapsed_slice_dims \[1, 0\] must be sorted"),
        ("offset_dims = array<i64: 0, 1>", r"a slice has 1 dimensions, so offset_dims \[0, 1\] must name as many"),
        ("offset_dims = array<i64: 2>", r"offset_dims \[2\] must be between 0 and 1"),
        (
            "operand_batching_dims = array<i64: 0>, start_indices_batching_dims = array<i64: 0>",
            "dimension 0 is indexed and a batching dimension at once",
        ),
        ("operand_batching_dims = array<i64: 1>", "the same number of batching dimensions"),
        (
            "operand_batching_dims = array<i64: 1>, start_indices_batching_dims = array<i64: 1>",
            "index_vector_dim 1 cannot be a batching dimension",
        ),
    ],
)
def test_dimension_numbers_that_do_not_fit_are_refused(properties, message):
    given = {
        "offset_dims": "array<i64: 1>",
        "collapsed_slice_dims": "array<i64: 0>",
        "start_index_map": "array<i64: 0>",
        "index_vector_dim": "1 : i64",
        "slice_sizes": "array<i64: 1, 8>",
    }
    given |= dict(part.split(" = ") for part in properties.replace(">, ", ">;").split(";"))
    text = ", ".join(f"{name} = {attr}" for name, attr in given.items())
    with pytest.raises(VerifyException, match=message):
        read(
            '%x, %i = "test.op"() : () -> (tensor<10x8xf32>, tensor<4x1xi32>)\n'
            f'%r = "ml.gather"(%x, %i) <{{{text}}}> : (tensor<10x8xf32>, tensor<4x1xi32>) -> tensor<4x8xf32>'
        )


def test_batching_dimensions_have_one_size():
    numbers = {"collapsed": [0], "batching": ([1], [0]), "start_index_map": [0], "index_vector_dim": 1}
    GatherOp(value(f32, 10, 4), value(i32, 4, 1), (1, 1), **numbers).verify_()
    with pytest.raises(VerifyException, match="must have the same size: they are 8 and 4"):
        GatherOp(value(f32, 10, 8), value(i32, 4, 1), (1, 1), **numbers).verify_()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TakeOp(value(f32, 3), value(f32, 2)), "the indices must be integers"),
        (lambda: TakeOp(value(f32, 3), value(i1, 2)), "the indices must be integers"),
        (lambda: TakeOp(value(f32, 0), value(i32, 2)), "axis 0 must not be empty"),
        (lambda: TakeOp(value(f32, 3), value(i32, 2), 1), "has no axis 1"),
    ],
)
def test_a_wrong_take_is_refused(make, message):
    with pytest.raises(VerifyException, match=message):
        make().verify_()


def test_an_empty_axis_is_found_at_run_time():
    op = TakeOp(value(f32, None), value(i8, 2))
    op.verify_()
    with pytest.raises(WeftError, match="axis 0 must not be empty"):
        op.evaluate(np.zeros(0, np.float32), np.zeros(2, np.int8))


def test_a_slice_of_a_whole_run_time_dimension_keeps_it():
    op = GatherOp(
        value(f32, 10, None),
        value(i32, 4),
        (1, -1),
        offset_dims=[1],
        collapsed=[0],
        start_index_map=[0],
        index_vector_dim=1,
    )
    assert op.result.type.get_shape() == (4, DYNAMIC)
    assert "slice_sizes = [1, ?]" in str(op)
