"""Elements at computed places: loops compute what the tensors mean."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, TensorType, f32, i1
from xdsl.ir import Attribute

from tests.dialects.ml.places import random_places
from tests.passes.loops.kernels import check
from weft.dialects import ml
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Array, Kind, dtype_of, kind_of

ELEMENTS = tuple(ELEMENT_TYPES)
INTEGERS = tuple(e for e in ELEMENTS if kind_of(e) in Kind.INTEGER)


def numbers(shape: Sequence[int], element: Attribute = f32, seed: int = 0) -> Array:
    """Small numbers of an element type."""
    rng = np.random.default_rng((seed, *shape))
    return rng.integers(0, 5, shape).astype(dtype_of(element)) * dtype_of(element).type(1)


def places(shape: Sequence[int], element: Attribute = INTEGERS[0], seed: int = 0) -> Array:
    """Indices into 7 places; some are outside."""
    low = 0 if dtype_of(element).kind == "u" else -2
    return np.random.default_rng((seed, *shape)).integers(low, 9, shape).astype(dtype_of(element))


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_rows_of_every_type_are_taken(element: Attribute) -> None:
    check(ml.TakeOp, numbers((7, 5), element), places((3,)))


@pytest.mark.parametrize("element", INTEGERS, ids=str)
def test_indices_of_every_type_are_clamped(element: Attribute) -> None:
    info = np.iinfo(dtype_of(element))
    ids = np.array([info.min, info.max, 3, 6, 7, info.max // 2 + 1], dtype_of(element))
    check(ml.TakeOp, numbers((7, 2)), ids)
    check(lambda i: ml.OneHotOp(i, TensorType(f32, [6, 4]), 1), ids)


@given(
    st.lists(st.sampled_from([1, 2, 17]), min_size=1, max_size=3),
    st.lists(st.sampled_from([0, 1, 3]), max_size=2),
    st.data(),
)
@settings(max_examples=25, deadline=None)
def test_takes_of_any_shape(shape: list[int], ids: list[int], data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    dynamic = (tuple(range(len(shape))), tuple(range(len(ids)))) if data.draw(st.booleans()) else ()
    check(lambda x, i: ml.TakeOp(x, i, axis), numbers(shape), places(ids), dynamic=dynamic)


@given(st.integers(0, 1 << 30), st.sampled_from(INTEGERS), st.booleans())
@settings(max_examples=40, deadline=None)
def test_gathers_of_any_shape(seed: int, element: Attribute, dynamic: bool) -> None:
    rng = random.Random(seed)
    at = random_places(rng)
    ids = at.random_indices(rng, element)
    batching = [axis for axis in at.batch_axes if rng.random() < 0.5]
    axes = (tuple(range(len(at.operand))), tuple(batching)) if dynamic else ()
    check(at.gather, numbers(at.operand), ids, dynamic=axes)


def test_a_gather_is_fused_with_what_is_before_and_after_it() -> None:
    def build(x, i, b):
        moved = ml.TransposeOp(x, [1, 0])
        doubled = ml.AddOp(moved, moved)
        places = ml.AddOp(i, i)
        return ml.MulOp(ml.TakeOp(doubled, places), b)

    loops = check(build, numbers((5, 7)), places((3,)), numbers((3, 5)))
    assert "loop.gather" in str(loops)


def test_places_of_places_are_computed_too() -> None:
    def build(i, x):
        first = ml.TakeOp(ml.IotaOp(0, TensorType(ELEMENTS[6], [7])), i)
        return ml.TakeOp(x, ml.TakeOp(ml.AddOp(first, first), i))

    check(build, places((3,)), numbers((5, 2)))


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_one_hot_and_triangles_of_every_type(element: Attribute) -> None:
    check(lambda i: ml.OneHotOp(i, TensorType(element, [4, 3]), 0), places((3,)))
    check(lambda: ml.TriOp(TensorType(element, [2, 4, 3]), -1))
    check(lambda x: [ml.TrilOp(x, 1).result, ml.TriuOp(x, 1).result], numbers((2, 4, 5), element))


@pytest.mark.parametrize("diagonal", [-7, -1, 0, 3, 7])
def test_diagonals(diagonal: int) -> None:
    x = np.full((4, 5), np.nan, np.float32)
    check(lambda x: [ml.TrilOp(x, diagonal).result, ml.TriuOp(x, diagonal).result], x, dynamic=((0, 1),))
    check(lambda: ml.TriOp(TensorType(i1, [5, 4]), diagonal))


def test_sizes_that_only_the_run_knows() -> None:
    size = [(IndexType(), 5)]
    check(lambda n: ml.TriOp(TensorType(f32, [DYNAMIC_INDEX, 3]), 0, [n]), extra=size)
    check(
        lambda i, n: ml.OneHotOp(i, TensorType(f32, [DYNAMIC_INDEX, DYNAMIC_INDEX]), 1, [n]),
        places((3,)),
        dynamic=((0,),),
        extra=size,
    )
