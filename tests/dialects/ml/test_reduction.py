"""reduce, argmax and argmin."""

import functools
import math
import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, bf16, f16, f32, i1, i8, i32, i64
from xdsl.ir import Block, Region

from tests.dialects.ml.support import (
    ALL,
    FLOATS,
    INTEGERS,
    assert_same,
    blurred,
    edges,
    filled,
    like,
    of_kinds,
    shapes,
    value,
)
from weft.diagnostics import WeftError
from weft.dialects.ml import AbsOp, AddOp, ArgmaxOp, ArgminOp, MaxOp, ReduceOp, ReturnOp, SubOp
from weft.dialects.ml.dtypes import Kind, dtype_of, greatest, kind_of, least, neutral
from weft.dialects.ml.reduction import REDUCTIONS

EXACT = {"add": np.sum, "mul": np.prod}
"""What reductions whose steps round have to give, up to one rounding of the whole."""
FAST = settings(max_examples=60, deadline=None)


def kinds_of(element):
    """The kinds of reduction that an element type has."""
    return [kind for kind, op in REDUCTIONS.items() if kind_of(element) in op.TAKES]


@FAST
@given(st.data())
def test_a_reduction_by_kind_combines_elements_one_by_one(data):
    shape = data.draw(shapes(max_rank=3))
    dims = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True)) if shape else []
    element = data.draw(st.sampled_from(ALL))
    kind = data.draw(st.sampled_from(kinds_of(element)))
    x = filled(element, shape)
    init = data.draw(st.sampled_from([None, filled(element, ())]))
    op = ReduceOp.of(kind, value(element, *blurred(data.draw, shape)), dims, None if init is None else value(element))
    op.verify_()
    assert op.kind == kind
    (result,) = op.evaluate(x, *([] if init is None else [init]))
    combine = REDUCTIONS[kind](value(element), value(element))
    expected = np.empty(tuple(n for axis, n in enumerate(shape) if axis not in dims), x.dtype)
    for place in np.ndindex(expected.shape):
        kept = iter(place)
        line = x[tuple(slice(None) if axis in dims else next(kept) for axis in range(len(shape)))].reshape(-1)
        start = neutral(kind, element) if init is None else init
        if kind in EXACT and element in FLOATS:
            # rounded after each step, long sums lose what the wide one keeps, and products of one order overflow
            expected[place] = EXACT[kind]([*line.astype(np.float64), np.float64(start)])
            continue
        expected[place] = functools.reduce(lambda a, b: combine.evaluate(a, b)[0], line, start)
    assert result.shape == op.concrete_shape((x,)) == expected.shape
    if kind in EXACT and element in FLOATS:
        np.testing.assert_allclose(result.astype(np.float64), expected.astype(np.float64), rtol=1e-2)
    else:
        assert_same(result, expected)


@pytest.mark.parametrize("element", ALL, ids=str)
def test_neutral_elements_change_nothing(element):
    x = edges(element)
    for kind in kinds_of(element):
        start = np.broadcast_to(neutral(kind, element), x.shape)
        (result,) = REDUCTIONS[kind](like(element, x), like(element, x)).evaluate(start, x)
        np.testing.assert_array_equal(result.astype(np.float64), x.astype(np.float64))


def test_least_and_greatest_bound_every_type():
    for element in FLOATS:
        assert (float(least(element)), float(greatest(element))) == (-math.inf, math.inf)
    for element in INTEGERS:
        info = np.iinfo(dtype_of(element))
        assert (int(least(element)), int(greatest(element))) == (info.min, info.max)
    assert (bool(least(i1)), bool(greatest(i1))) == (False, True)


def test_all_dimensions_are_reduced_unless_given():
    op = ReduceOp.of("add", value(f32, 2, 3))
    assert op.dims == (0, 1)
    assert op.evaluate(np.ones((2, 3), np.float32))[0].item() == 6


def test_no_dimension_is_reduced_where_the_list_is_empty():
    x = filled(f32, (2, 3))
    assert_same(ReduceOp.of("add", like(f32, x), []).evaluate(x)[0], x)


@pytest.mark.parametrize(("element", "top"), [(f16, 2048), (bf16, 256)], ids=str)
def test_narrow_floats_are_summed_in_f32(element, top):
    x = np.array([top] + [1] * 64).astype(dtype_of(element))
    assert float(ReduceOp.of("add", like(element, x)).evaluate(x)[0]) == top + 64


def test_integer_sums_wrap():
    x = np.full(3, 100, np.int8)
    assert ReduceOp.of("add", value(i8, 3)).evaluate(x)[0].item() == 300 - 256


@pytest.mark.parametrize("kind", ["max", "min", "add", "mul"])
def test_nan_is_kept(kind):
    x = np.array([1, math.nan, 2], np.float32)
    assert math.isnan(ReduceOp.of(kind, value(f32, 3)).evaluate(x)[0])


def body_of(element, *ops, arguments=2):
    """A body of ops, each a function from the block's arguments and earlier results to an op."""
    block = Block(arg_types=[TensorType(element, [])] * arguments)
    values = [*block.args]
    for make in ops:
        block.add_op(op := make(*values))
        values += op.results
    return Region(block)


SUM_OF_SIZES = (lambda a, b: AbsOp(b), lambda a, b, c: AddOp(a, c), lambda a, b, c, d: ReturnOp(d))


def test_a_body_that_is_not_one_op_is_run_for_each_element():
    op = ReduceOp([value(f32, 2, 3)], [value(f32)], body_of(f32, *SUM_OF_SIZES), [1])
    op.verify_()
    assert op.kind is None
    x = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)
    (result,) = op.evaluate(x, np.array(10, np.float32), body=lambda a, b: (a + abs(b),))
    assert_same(result, np.array([16, 25], np.float32))


def test_a_body_sees_elements_in_row_major_order():
    op = ReduceOp([value(i32, 2, 2)], [value(i32)], body_of(i32, *SUM_OF_SIZES))
    x = np.array([[1, 2], [3, 4]], np.int32)
    (result,) = op.evaluate(x, np.array(0, np.int32), body=lambda a, b: (np.int32(10 * a + b),))
    assert result.item() == 1234


def test_several_inputs_are_reduced_together():
    make = (
        lambda a, b, c, d: MaxOp(a, c),
        lambda a, b, c, d, e: AddOp(b, d),
        lambda a, b, c, d, e, f: ReturnOp(e, f),
    )
    op = ReduceOp([value(f32, 3), value(f32, 3)], [value(f32), value(f32)], body_of(f32, *make, arguments=4))
    op.verify_()
    assert op.kind is None
    x, y, start = np.array([1, 7, 3], np.float32), np.ones(3, np.float32), np.array(0, np.float32)
    result = op.evaluate(x, y, start, start, body=lambda a, b, c, d: (max(a, c), b + d))
    assert [r.item() for r in result] == [7, 3]


def test_the_meaning_of_a_free_body_must_be_given():
    op = ReduceOp([value(f32, 2)], [value(f32)], body_of(f32, *SUM_OF_SIZES))
    with pytest.raises(TypeError, match="body"):
        op.evaluate(np.ones(2, np.float32), np.array(0, np.float32))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        ((lambda a, b: AddOp(a, b), lambda a, b, c: ReturnOp(c)), "add"),
        ((lambda a, b: AddOp(b, a), lambda a, b, c: ReturnOp(c)), "add"),
        ((lambda a, b: AddOp(a, a), lambda a, b, c: ReturnOp(c)), None),
        ((lambda a, b: SubOp(a, b), lambda a, b, c: ReturnOp(c)), None),
        ((lambda a, b: AddOp(a, b), lambda a, b, c: ReturnOp(a)), None),
        ((lambda a, b: ReturnOp(b),), None),
    ],
    ids=["add", "add of exchanged arguments", "twice one", "sub", "another result", "no op"],
)
def test_the_kind_is_known_where_the_body_is_one_op_of_both_arguments(make, kind):
    assert ReduceOp([value(f32, 2)], [value(f32)], body_of(f32, *make)).kind == kind


@FAST
@given(st.data())
def test_argmax_and_argmin_find_the_first_extreme(data):
    shape = data.draw(st.integers(1, 3).flatmap(shapes))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    element = data.draw(st.sampled_from(of_kinds(Kind.ANY)))
    target = data.draw(st.sampled_from([i32, i64]))
    x = filled(element, shape)
    for make, better in ((ArgmaxOp, operator.gt), (ArgminOp, operator.lt)):
        op = make(value(element, *blurred(data.draw, shape)), dim, target)
        op.verify_()
        (result,) = op.evaluate(x)
        assert (result.shape, result.dtype) == (op.concrete_shape((x,)), dtype_of(target))
        lines = np.moveaxis(x, dim, -1)
        for place in np.ndindex(result.shape):
            best = 0
            for i, element_ in enumerate(lines[place]):
                best = i if better(element_, lines[place][best]) else best
            assert result[place] == best


@pytest.mark.parametrize("element", FLOATS, ids=str)
@pytest.mark.parametrize("op", [ArgmaxOp, ArgminOp], ids=lambda op: op.name)
def test_the_first_nan_counts_as_extreme(op, element):
    x = np.array([1, math.inf, math.nan, -math.inf, math.nan]).astype(dtype_of(element))
    assert op(like(element, x)).evaluate(x)[0].item() == 2


def test_reductions_of_different_sizes_are_an_error_at_run_time():
    make = (lambda a, b, c, d: AddOp(a, c), lambda a, b, c, d, e: ReturnOp(e, b))
    op = ReduceOp([value(f32, None), value(f32, 3)], [value(f32), value(f32)], body_of(f32, *make, arguments=4))
    zero = np.array(0, np.float32)
    with pytest.raises(WeftError, match="same sizes"):
        op.evaluate(np.ones(2, np.float32), np.ones(3, np.float32), zero, zero, body=lambda *a: a[:2])
