"""Sorts: loops compute what the tensors mean, in order, on threads where there are lines enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, f32, i32
from xdsl.ir import Attribute, Block, Region

from tests.dialects.ml.support import ALL, FLOATS, edges
from tests.passes.loops.kernels import buffers, check, lowered, tensors
from weft.dialects import ml
from weft.dialects.loop.schedule import Parallelize
from weft.dialects.ml.dtypes import Array, dtype_of
from weft.dialects.target import Cpu
from weft.passes.loops.choose_schedule import choose
from weft.passes.loops.ml_to_loop.sort import FEW_KEPT


def numbers(shape: Sequence[int], element: Attribute = f32) -> Array:
    """Small numbers, many of them equal."""
    return np.random.default_rng((7, *shape)).integers(0, 9, shape).astype(dtype_of(element))


def places(shape: Sequence[int]) -> Array:
    """The place of each element."""
    return np.arange(math.prod(shape), dtype=np.int32).reshape(shape)


@pytest.mark.parametrize("element", ALL, ids=str)
def test_elements_of_every_type_are_sorted(element: Attribute) -> None:
    x = np.concatenate([edges(element), edges(element)[::-1]])
    check(lambda x, i: ml.SortOp([x, i], "descending"), x, places(x.shape), tolerance=0)
    check(lambda x: ml.TopKOp(x, 4), x, tolerance=0)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 16, 17, 63])
@pytest.mark.parametrize("dynamic", [False, True])
def test_lines_of_any_length_are_sorted(size: int, dynamic: bool) -> None:
    axes = ((0,), (0,)) if dynamic else ()
    check(lambda x, i: ml.SortOp([x, i]), numbers((size,)), places((size,)), dynamic=axes)


@given(st.lists(st.sampled_from([0, 1, 2, 3, 11]), min_size=1, max_size=3), st.data())
@settings(max_examples=10, deadline=None)
def test_lines_along_any_dimension_are_sorted(shape: list[int], data: st.DataObject) -> None:
    dim = data.draw(st.integers(0, len(shape) - 1))
    axes = (tuple(range(len(shape))),) * 2 if data.draw(st.booleans()) else ()
    x, i = numbers(shape), places(shape)
    check(lambda x, i: ml.SortOp([x, i], dim=dim), x, i, dynamic=axes)
    if shape[-1]:
        check(lambda x: ml.TopKOp(x, data.draw(st.integers(0, shape[-1]))), x, dynamic=axes[:1])


@pytest.mark.parametrize("count", [1, 2, 5, FEW_KEPT, FEW_KEPT + 1, 40])
@pytest.mark.parametrize("dynamic", [False, True])
def test_few_are_inserted_and_many_are_sorted(count: int, dynamic: bool) -> None:
    axes = ((0, 1),) if dynamic else ()
    loops = check(lambda x: ml.TopKOp(x, count), numbers((3, 40)), dynamic=axes)
    assert ("round" in str(loops)) == (count > FEW_KEPT)


@pytest.mark.parametrize("element", ALL, ids=str)
def test_the_least_elements_keep_their_places(element: Attribute) -> None:
    least = np.concatenate([edges(element)[:2], np.full(5, np.sort(edges(element))[0])])
    check(lambda x: ml.TopKOp(x, len(least)), least, tolerance=0)


def by_size_then_place(*, broken: bool = False) -> Region:
    """A body with ops of its own; a broken one is no order."""
    float_, integer = TensorType(f32, []), TensorType(i32, [])
    block = Block(arg_types=[float_, float_, integer, integer])
    a, b, c, d = block.args
    for op in (
        one := ml.AbsOp(a),
        two := ml.AbsOp(b),
        less := ml.CompareOp("LE" if broken else "LT", one, two),
        same := ml.CompareOp("EQ", one, two),
        later := ml.CompareOp("GT", c, d),
        result := ml.SelectOp(same, less if broken else later, less),
        ml.ReturnOp(result),
    ):
        block.add_op(op)
    return Region(block)


@pytest.mark.parametrize("broken", [False, True])
def test_any_body_sorts_as_its_meaning_does(broken: bool) -> None:
    x = numbers((3, 13)) - 4
    x[1, ::3] = np.nan
    check(lambda x, i: ml.SortOp([x, i], by_size_then_place(broken=broken)), x, places((3, 13)))


def test_a_sort_is_fused_with_what_is_after_it() -> None:
    check(lambda x: ml.NegOp(ml.SortOp([ml.AddOp(x, x)]).outputs[0]), numbers((4, 9)))


def test_lines_are_shared_among_threads_but_one_line_is_not() -> None:
    for shape, wanted in (((512, 1000), {"i"}), ((1 << 20,), set())):
        module = lowered(buffers(tensors([TensorType(f32, shape)], lambda x: ml.SortOp([x]))))
        kernel = next(op for op in module.walk() if op.name == "func.func")
        steps = choose(kernel, Cpu(threads=4))
        assert {step.loop for step in steps if isinstance(step, Parallelize)} - {"in", "out"} == wanted


@pytest.mark.parametrize("element", FLOATS, ids=str)
def test_nan_and_zeros_are_in_total_order(element: Attribute) -> None:
    x = np.array([math.nan, 0.0, -0.0, -math.nan, math.inf, -math.inf, 0.0, -0.0], np.float64).astype(dtype_of(element))
    check(lambda x, i: ml.SortOp([x, i]), x, places(x.shape), tolerance=0)
