"""Ops with windows: loops compute what the tensors mean."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Attribute, Block, Region, SSAValue

from tests.dialects.ml.support import value
from tests.passes.loops.kernels import check
from tests.passes.loops.test_ml_to_loop_nests import ELEMENTS, floats, ops, values
from weft.dialects import ml
from weft.dialects.ml.dims import static_shape
from weft.dialects.ml.dtypes import Kind, dtype_of, kind_of
from weft.dialects.ml.sliding import Sliding

SLIDING = {
    "plain": (Sliding((2, 3)), (4, 7)),
    "strided": (Sliding((2, 3), (2, 2)), (5, 8)),
    "padded": (Sliding((2, 3), (1, 2), pads=((1, 0), (2, 1))), (3, 5)),
    "cropped": (Sliding((2, 2), pads=((-1, 0), (0, -2))), (4, 5)),
    "dilated": (Sliding((2, 3), (1, 1), (1, 2), (2, 1), ((0, 1), (1, 1))), (4, 5)),
    "both ways": (Sliding((3, 2), (2, 1), (3, 1), (2, 3), ((-2, 1), (0, 3))), (4, 5)),
    "one element": (Sliding((1, 1)), (3, 4)),
    "one place": (Sliding((3, 4)), (3, 4)),
    "no place": (Sliding((4, 1)), (3, 4)),
    "four dimensions": (Sliding((1, 2, 2, 1), (1, 2, 2, 1), (), (), ((0, 0), (1, 1), (1, 1), (0, 0))), (2, 5, 4, 3)),
    "no dimension": (Sliding(()), ()),
    "nothing": (Sliding((2, 2), pads=((1, 1), (1, 1))), (0, 3)),
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", list(SLIDING))
def test_windows_with_all_options(name: str, dynamic: bool) -> None:
    sliding, shape = SLIDING[name]
    if dynamic and name == "no place":
        return
    axes = range(len(shape)) if dynamic else ()
    check(
        lambda x: [ml.ReduceWindowOp.of(kind, x, sliding).results[0] for kind in ("add", "max")],
        floats(shape),
        dynamic=(axes,),
    )


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_windows_of_every_kind_and_type(element: Attribute) -> None:
    kinds = ["add", "mul", "max", "min", *(["and", "or"] if kind_of(element) is not Kind.FLOAT else [])]
    sliding = Sliding((3,), (2,), pads=((1, 1),))
    check(lambda x: [ml.ReduceWindowOp.of(kind, x, sliding).results[0] for kind in kinds], values((7,), element))


@pytest.mark.parametrize("kind", ["add", "mul", "min"])
def test_a_start_stands_around_too(kind: str) -> None:
    sliding = Sliding((3,), pads=((1, 2),))
    check(lambda x, z: ml.ReduceWindowOp.of(kind, x, sliding, z), floats((5,)), np.array(3, np.float32))


def test_a_window_over_places_without_padding_needs_no_copy() -> None:
    loops = check(lambda x: ml.ReduceWindowOp.of("max", x, Sliding((2, 2), (2, 2))), floats((6, 8)))
    assert ops(loops, "loop.alloc") == 0
    loops = check(lambda x: ml.ReduceWindowOp.of("max", x, Sliding((2,), pads=((1, 0),))), floats((6,)))
    assert ops(loops, "loop.alloc") == 1


def test_what_is_computed_is_stored_where_windows_overlap() -> None:
    apart = check(lambda x: ml.ReduceWindowOp.of("max", ml.ExpOp(x), Sliding((5,), (5,))), floats((25,)))
    assert ops(apart, "loop.alloc") == 0
    together = check(lambda x: ml.ReduceWindowOp.of("max", ml.ExpOp(x), Sliding((5,))), floats((25,)))
    assert ops(together, "loop.alloc") == 1


def test_nan_and_infinity_are_seen() -> None:
    x = np.array([1, np.nan, 2, np.inf, -np.inf, 0, -np.inf], np.float32)
    sliding = Sliding((2,), pads=((1, 1),))
    check(lambda x: [ml.ReduceWindowOp.of(kind, x, sliding).results[0] for kind in ("add", "max", "min")], x)


def _body() -> Region:
    """(sum of sizes, greatest difference to the first input)."""
    scalar = TensorType(f32, [])
    block = Block(arg_types=[scalar] * 4)
    total, best, a, b = block.args
    block.add_ops([size := ml.AbsOp(a), added := ml.AddOp(total, size), most := ml.MaxOp(best, b)])
    block.add_op(ml.ReturnOp(added, most))
    return Region(block)


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", [name for name in SLIDING if name != "no place"])
def test_any_body_sees_windows_of_several_tensors(name: str, dynamic: bool) -> None:
    sliding, shape = SLIDING[name]

    def build(x: SSAValue, y: SSAValue, zero: SSAValue, least: SSAValue) -> ml.ReduceWindowOp:
        return ml.ReduceWindowOp([x, ml.NegOp(y)], [zero, least], _body(), sliding)

    axes = range(len(shape)) if dynamic else ()
    starts = np.array(1.5, np.float32), np.array(-9, np.float32)
    check(build, floats(shape), floats(shape, 1), *starts, dynamic=(axes, axes))


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_a_body_of_every_type(element: Attribute) -> None:
    def build(x: SSAValue, start: SSAValue) -> ml.ReduceWindowOp:
        scalar = TensorType(element, [])
        block = Block(arg_types=[scalar, scalar])
        block.add_ops([most := ml.MaxOp(*block.args), twice := ml.MinOp(most, block.args[1]), ml.ReturnOp(twice)])
        return ml.ReduceWindowOp([x], [start], Region(block), Sliding((2, 2), pads=((1, 0), (0, 1))))

    check(build, values((3, 4), element), np.array(1, dtype_of(element)))


# slices at places that the run knows


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("starts", [(0, 0), (1, 2), (9, 9), (-3, 1)])
def test_dynamic_slices_are_clamped(starts: tuple[int, int], dynamic: bool) -> None:
    numbers = [np.array(n, np.int32) for n in starts]
    axes = [(0, 1) if dynamic else ()]
    check(lambda x, i, j: ml.DynamicSliceOp(ml.NegOp(x), [i, j], [2, 3]), floats((5, 7)), *numbers, dynamic=axes)


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("starts", [(0, 0), (1, 2), (9, 9), (-3, 1)])
def test_dynamic_updates_are_clamped(starts: tuple[int, int], dynamic: bool) -> None:
    numbers = [np.array(n, np.int32) for n in starts]
    axes = [(0, 1) if dynamic else ()] * 2
    check(
        lambda x, u, i, j: ml.DynamicUpdateSliceOp(ml.NegOp(x), ml.AbsOp(u), [i, j]),
        floats((5, 7)),
        floats((2, 3), 1),
        *numbers,
        dynamic=axes,
    )


@pytest.mark.parametrize("element", [e for e in ELEMENTS if kind_of(e) in Kind.INTEGER], ids=str)
def test_starts_of_every_type(element: Attribute) -> None:
    info = np.iinfo(dtype_of(element))
    for number in (info.min, info.max, 1):
        start = np.array(number, dtype_of(element))
        check(lambda x, i: ml.DynamicSliceOp(x, [i], [2]), floats((5,)), start)
        check(lambda x, u, i: ml.DynamicUpdateSliceOp(x, u, [i]), floats((5,)), floats((2,), 1), start)


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_elements_of_every_type_are_moved(element: Attribute) -> None:
    start = np.array(1, np.int64)

    def build(x: SSAValue, u: SSAValue, i: SSAValue) -> list[SSAValue]:
        cut = ml.DynamicSliceOp(x, [i, i], [2, 2]).result
        return [cut, ml.DynamicUpdateSliceOp(x, u, [i, i]).result, ml.ReverseOp(x, [1]).result]

    check(build, values((3, 4), element), values((2, 2), element, 1), start)


@pytest.mark.parametrize("shape", [(0,), (1,), (0, 3), (3, 0), (7, 5), ()])
def test_reverse_of_any_shape(shape: tuple[int, ...]) -> None:
    for dynamic in ((), range(len(shape))):
        check(lambda x: ml.ReverseOp(x, list(range(len(shape)))), floats(shape), dynamic=(dynamic,))


def test_empty_slices_and_updates() -> None:
    start = np.array(2, np.int32)
    for n in (0, 3):
        check(lambda x, i: ml.DynamicSliceOp(x, [i], [0]), floats((n,)), start)
        check(lambda x, u, i: ml.DynamicUpdateSliceOp(x, u, [i]), floats((n,)), floats((0,)), start)
    check(lambda x: ml.DynamicSliceOp(x, [], []), floats(()))
    check(lambda x, u: ml.DynamicUpdateSliceOp(x, u, []), floats(()), floats((), 1))


def test_a_start_is_clamped_once_outside_of_the_loops() -> None:
    def build(x: SSAValue, w: SSAValue, i: SSAValue, zero: SSAValue) -> ml.MatmulOp:
        after = ml.AddOp(i, i)
        layer = ml.DynamicSliceOp(w, [after, zero], [3, 4])
        return ml.MatmulOp(x, layer)

    loops = check(build, floats((2, 3)), floats((6, 4), 1), np.array(1, np.int32), np.array(0, np.int32))
    assert ops(loops, "loop.gather") == 0
    assert ops(loops, "loop.alloc") == 0
    assert ops(loops, "arith.maxsi") == 1


def test_a_start_that_the_kernel_makes_in_memory_is_read_there() -> None:
    def build(x: SSAValue, w: SSAValue) -> list[SSAValue]:
        start = ml.ArgmaxOp(x, 0).result
        return [
            ml.DynamicSliceOp(w, [start], [2]).result,
            ml.DynamicUpdateSliceOp(w, ml.SliceOp(w, [0], [2]), [start]).result,
        ]

    x = np.array([1, 5, 2, 0], np.float32)
    loops = check(build, x, floats((6,), 1))
    assert ops(loops, "loop.gather") == 1
    assert ops(loops, "loop.scatter") == 1


# windows that select


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", ["plain", "strided", "padded", "cropped", "one element", "four dimensions", "nothing"])
def test_windows_select_and_scatter(name: str, dynamic: bool) -> None:
    sliding, shape = SLIDING[name]
    places = static_shape(sliding.result_dims(shape))
    axes = [range(len(shape)) if dynamic else ()] * 2
    check(
        lambda x, s, z: ml.SelectAndScatterOp.of("GE", "add", x, s, z, sliding),
        values(shape),
        floats(places),
        np.array(0.5, np.float32),
        dynamic=axes,
    )


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_every_type_is_selected(element: Attribute) -> None:
    sliding = Sliding((3,), (2,), pads=((1, 1),))
    check(
        lambda x, s, z: ml.SelectAndScatterOp.of("GE", "max", x, s, z, sliding),
        values((7,), element),
        values((4,), element, 1),
        np.array(0, dtype_of(element)),
    )


def test_padding_is_never_selected() -> None:
    x, source = np.array([-5, -1, -3], np.float32), np.array([1, 2, 4, 8, 16], np.float32)
    sliding = Sliding((1,), pads=((1, 1),))
    check(lambda x, s, z: ml.SelectAndScatterOp.of("GE", "add", x, s, z, sliding), x, source, np.array(0, np.float32))


# running reductions

SCANS = (ml.CumsumOp, ml.CumprodOp, ml.CummaxOp, ml.CumminOp)


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_running_reductions_of_every_type(element: Attribute) -> None:
    check(lambda x: [op(x, axis).result for op in SCANS for axis in (0, 1)], values((3, 4), element))


@pytest.mark.parametrize("shape", [(0,), (1,), (5,), (2, 0), (0, 3), (2, 3, 5), (1, 17, 3)])
@pytest.mark.parametrize("dynamic", [False, True])
def test_running_sums_along_any_axis(shape: tuple[int, ...], dynamic: bool) -> None:
    axes = range(len(shape)) if dynamic else ()
    for options in ({}, {"exclusive": True}, {"reverse": True}, {"exclusive": True, "reverse": True}):
        check(
            lambda x: [ml.CumsumOp(ml.NegOp(x), axis, **options).result for axis in range(len(shape))],  # noqa: B023
            floats(shape),
            dynamic=(axes,),
        )


def test_running_extremes_see_nan_and_infinity() -> None:
    x = np.array([[1, -np.inf], [np.nan, np.inf], [3, 0], [np.inf, -np.inf]], np.float32)
    check(lambda x: [op(x, 0, exclusive=flag).result for op in SCANS for flag in (False, True)], x)


def test_narrow_running_sums_are_kept_in_f32() -> None:
    check(lambda x: ml.CumsumOp(x), np.ones((2050,), np.float16))


# convolutions


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(
    ("source", "target"), [("i8", "i32"), ("ui8", "ui32"), ("i16", "i64"), ("bf16", "f32"), ("f16", "f32")]
)
def test_convolutions_may_widen(source: str, target: str, dynamic: bool) -> None:
    elements = {str(element): element for element in ELEMENTS}
    dims = ml.ConvDims(("b", "0", "f"), ("0", "i", "o"), ("b", "0", "f"))
    window = ml.Window(dims, pads=((1, 1),))
    rng = np.random.default_rng(0)
    dtype = dtype_of(elements[source])
    x, w = (rng.integers(-120, 120, shape).astype(dtype) for shape in ((2, 6, 3), (3, 3, 4)))
    axes = [(0, 1, 2) if dynamic else ()] * 2
    check(lambda x, w: ml.ConvolutionOp(x, w, window, element=elements[target]), x, w, dynamic=axes)


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_transposed_convolution_spreads_each_element(spatial: int, dynamic: bool) -> None:
    stride, pad, sizes, reach = (2, 3, 1)[:spatial], (1, 0, 1)[:spatial], (4, 3, 2)[:spatial], (3, 2, 2)[:spatial]
    axes = [str(axis) for axis in range(spatial)]
    window = ml.Window(
        ml.ConvDims(("b", "f", *axes), ("i", "o", *axes), ("b", "f", *axes)),
        pads=tuple((n - 1 - p, n - 1 - p) for n, p in zip(reach, pad, strict=True)),
        lhs_dilation=stride,
        reversal=(True,) * spatial,
    )
    x, w = floats((2, 3, *sizes)), floats((3, 2, *reach), 1)
    hidden = [range(2 + spatial) if dynamic else ()] * 2
    check(lambda x, w: ml.ConvolutionOp(x, w, window), x, w, dynamic=hidden)
    full = [(n - 1) * s + k for n, s, k in zip(sizes, stride, reach, strict=True)]
    expected = np.zeros((2, 2, *full), np.float64)
    for place in np.ndindex(*sizes):
        spot = tuple(slice(i * s, i * s + k) for i, s, k in zip(place, stride, reach, strict=True))
        part = np.einsum("bi,io...->bo...", x[(..., *place)].astype(np.float64), w)
        expected[(slice(None), slice(None), *spot)] += part
    inside = tuple(slice(p, n - p) for p, n in zip(pad, full, strict=True))
    op = ml.ConvolutionOp(value(f32, *x.shape), value(f32, *w.shape), window)
    np.testing.assert_allclose(op.evaluate(x, w)[0], expected[(slice(None), slice(None), *inside)], atol=1e-5)
