"""Elements at computed places: loops compute what the tensors mean."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, TensorType, f32, i1
from xdsl.ir import Attribute, Block, Region

from tests.dialects.ml.places import random_places
from tests.passes.loops.kernels import check
from weft.dialects import ml
from weft.dialects.loop.schedule import Rfactor, Vectorize
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Array, Kind, dtype_of, kind_of
from weft.dialects.target import Cpu
from weft.passes.loops.choose_schedule import choose

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
@settings(max_examples=15, deadline=None)
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


@pytest.mark.parametrize(("rows", "nests"), [(3, 1), (70, 2)])
def test_a_table_is_computed_first_where_its_elements_are_read_often(rows: int, nests: int) -> None:
    loops = check(lambda x, i: ml.TakeOp(ml.AddOp(x, x), i), numbers((7, 5)), places((rows,)))
    assert sum(op.name == "loop.store" for op in loops.walk()) == nests


def test_sums_of_rows_at_computed_places_are_vectors() -> None:
    loops = check(lambda x, i: ml.ReduceOp.of("add", ml.TakeOp(x, i), [1]), numbers((7, 64)), places((5,)))
    kernel = next(op for op in loops.walk() if op.name == "func.func")
    assert any(isinstance(step, Rfactor) for step in choose(kernel, Cpu()))


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


KINDS = ("add", "mul", "max", "min", "set")


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_updates_of_every_type_are_scattered_in_order(element: Attribute, kind: str) -> None:
    def build(x, i, u):
        numbers = {"update_window_dims": [1], "inserted": [0], "scatter_dims": [0], "index_vector_dim": 1}
        return ml.ScatterOp([x], i, [u], kind, **numbers)

    check(build, numbers((7, 9), element), places((12,)), numbers((12, 9), element, 1))


@given(st.integers(0, 1 << 30), st.sampled_from(INTEGERS), st.booleans(), st.sampled_from(KINDS))
@settings(max_examples=15, deadline=None)
def test_scatters_of_any_shape(seed: int, element: Attribute, dynamic: bool, kind: str) -> None:
    rng = random.Random(seed)
    at = random_places(rng)
    ids = at.random_indices(rng, element)
    axes = (tuple(range(len(at.operand))), tuple(at.batch_axes), tuple(range(len(at.result)))) if dynamic else ()
    check(
        lambda x, i, u: at.scatter([x], i, [u], kind),
        numbers(at.operand, ELEMENTS[0]),
        ids,
        numbers(at.result, ELEMENTS[0], 1),
        dynamic=axes,
    )


def test_rows_are_scattered_along_their_elements() -> None:
    def build(x, i, u):
        numbers = {"update_window_dims": [1], "inserted": [0], "scatter_dims": [0], "index_vector_dim": 1}
        return ml.ReluOp(ml.ScatterOp([x], i, [ml.AddOp(u, u)], "add", **numbers).outputs[0])

    loops = check(build, numbers((7, 64)), places((100,)), numbers((100, 64)))
    kernel = next(op for op in loops.walk() if op.name == "func.func")
    assert Vectorize("juv", 8) in choose(kernel, Cpu())


def test_several_tensors_are_scattered_by_one_body() -> None:
    def build(x, y, i, u, v):
        f, n = TensorType(f32, []), TensorType(ELEMENTS[6], [])
        block = Block(arg_types=[f, n, f, n])
        a, b, c, d = block.args
        block.add_op(less := ml.CompareOp("LT", a, c))
        block.add_op(first := ml.SelectOp(less, c, a))
        block.add_op(second := ml.SelectOp(less, d, b))
        block.add_op(ml.ReturnOp(first, second))
        return ml.ScatterOp([x, y], i, [u, v], Region(block), inserted=[0], scatter_dims=[0], index_vector_dim=1)

    integers = ELEMENTS[6]
    check(
        build,
        numbers((7,)),
        numbers((7,), integers),
        places((20,)),
        numbers((20,), seed=1),
        np.arange(20).astype(dtype_of(integers)),
    )
