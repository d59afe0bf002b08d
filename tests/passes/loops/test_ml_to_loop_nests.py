"""Ops with nests of their own, index maps, run-time and empty sizes: loops compute what the tensors mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, TensorType, f32, i32, i64
from xdsl.ir import Attribute, Block, Region, SSAValue

from tests.passes.loops.kernels import buffers, check, lowered, tensors
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.dialects.ml.convolution_dims import ConvDims
from weft.dialects.ml.convolution_window import Window
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Array, Kind, dtype_of, kind_of
from weft.dialects.ml.reduction import REDUCTIONS
from weft.passes.loops.convert_ml_to_loop import DEEPEST

ELEMENTS = tuple(ELEMENT_TYPES)
FLOATS = tuple(e for e in ELEMENTS if kind_of(e) is Kind.FLOAT)
SIZES = (0, 1, 2, 3, 7)


def values(shape: Sequence[int], element: Attribute = f32, seed: int = 0) -> Array:
    """Small numbers of an element type."""
    rng = np.random.default_rng((seed, *shape))
    return rng.integers(0, 5, shape).astype(dtype_of(element)) * dtype_of(element).type(1)


def floats(shape: Sequence[int], seed: int = 0) -> Array:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def ops(module: object, name: str) -> int:
    return sum(op.name == name for op in module.walk())  # type: ignore[attr-defined]


# contractions


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_products_of_every_type(element: Attribute) -> None:
    loops = check(ml.MatmulOp, values((3, 5), element), values((5, 4), element, 1))
    assert ops(loops, "loop.reduce") == 1


@pytest.mark.parametrize(
    ("source", "target"), [("i8", "i32"), ("ui8", "ui32"), ("bf16", "f32"), ("f16", "f64"), ("i16", "i64")]
)
def test_products_may_widen(source: str, target: str) -> None:
    elements = {str(element): element for element in ELEMENTS}
    a = np.array([[200, 100, 7], [255, 3, 130]]).astype(dtype_of(elements[source]))
    check(lambda x, y: ml.MatmulOp(x, y, element=elements[target]), a, a.T.copy())


def test_sums_of_narrow_floats_are_kept_in_f32() -> None:
    ones = np.ones((1, 3000), np.float16)
    check(ml.MatmulOp, ones, ones.T.copy())
    check(lambda x: ml.ReduceOp.of("add", x), ones)


@given(st.lists(st.sampled_from(SIZES), min_size=3, max_size=3), st.booleans(), st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_products_of_any_size(mkn: list[int], dynamic: bool, batch: int) -> None:
    m, k, n = mkn
    axes = tuple(range(batch, batch + 2)) if dynamic else ()
    lead = (2, 3)[:batch]
    check(ml.MatmulOp, floats((*lead, m, k)), floats((*lead, k, n), 1), dynamic=(axes, axes))


@pytest.mark.parametrize(
    ("left", "right", "batch", "contract"),
    [
        ((3, 2, 4), (2, 5, 4), ([1], [0]), ([2], [2])),
        ((3, 4), (4, 3), ([], []), ([0, 1], [1, 0])),
        ((3,), (4,), ([], []), ([], [])),
        ((2, 3), (2, 3), ([0, 1], [0, 1]), ([], [])),
        ((2, 3, 4, 5), (4, 6, 2, 3), ([0], [2]), ([2, 1], [0, 3])),
        ((), (3,), ([], []), ([], [])),
    ],
)
def test_contractions_over_any_dimensions(
    left: tuple[int, ...],
    right: tuple[int, ...],
    batch: tuple[list[int], list[int]],
    contract: tuple[list[int], list[int]],
) -> None:
    check(lambda x, y: ml.DotGeneralOp(x, y, batch=batch, contract=contract), floats(left), floats(right, 1))


def test_a_computed_factor_is_stored_when_it_is_read_often() -> None:
    def build(x: SSAValue, w: SSAValue) -> ml.MatmulOp:
        return ml.MatmulOp(ml.ReluOp(x), w)

    often = check(build, floats((4, 5)), floats((5, 8), 1))
    assert ops(often, "loop.alloc") == 1
    once = check(build, floats((4, 5)), floats((5, 1), 1))
    assert ops(once, "loop.alloc") == 0


def test_a_moved_factor_is_an_index_map() -> None:
    def build(x: SSAValue, w: SSAValue) -> ml.MatmulOp:
        return ml.MatmulOp(ml.TransposeOp(x, [1, 0]), w)

    assert ops(check(build, floats((5, 4)), floats((5, 8), 1)), "loop.alloc") == 0


# reductions


def _kinds(element: Attribute) -> list[str]:
    kinds = ["add", "mul", "max", "min", "and", "or"]
    return [kind for kind in kinds if kind_of(element) is not Kind.FLOAT or kind not in ("and", "or")]


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_reductions_of_every_kind_and_type(element: Attribute) -> None:
    x = values((3, 4), element)
    check(lambda x: [ml.ReduceOp.of(kind, x, [1]).results[0] for kind in _kinds(element)], x)


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_empty_reductions_give_the_start(element: Attribute) -> None:
    x = np.empty((3, 0), dtype_of(element))
    for dynamic in ((), (1,)):
        check(
            lambda x: [ml.ReduceOp.of(kind, x, [1]).results[0] for kind in _kinds(element)],
            x,
            dynamic=(dynamic,),
        )


@pytest.mark.parametrize("kind", list(REDUCTIONS))
def test_a_start_is_combined(kind: str) -> None:
    start = np.array(3, np.int32)
    for shape in ((3, 4), (3, 0)):
        check(lambda x, z: ml.ReduceOp.of(kind, x, [1], z), values(shape, i32), start)


def test_a_neutral_start_costs_nothing() -> None:
    def build(x: SSAValue, value: float) -> ml.ReduceOp:
        return ml.ReduceOp.of("add", x, [1], ml.ConstantOp.of(np.array(value, np.float32)))

    assert ops(check(lambda x: build(x, 0.0), floats((3, 4))), "loop.alloc") == 0
    assert ops(check(lambda x: build(x, 2.0), floats((3, 4))), "loop.alloc") == 1


def test_reductions_propagate_nan_and_infinity() -> None:
    x = np.array([[1, np.nan], [np.inf, -np.inf], [-np.inf, -np.inf]], np.float32)
    check(lambda x: [ml.ReduceOp.of(kind, x, [1]).results[0] for kind in ("add", "max", "min")], x)


@given(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3), st.data())
@settings(max_examples=25, deadline=None)
def test_reductions_along_any_dimensions(shape: list[int], data: st.DataObject) -> None:
    dims = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True))
    dynamic = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True))
    check(lambda x: ml.ReduceOp.of("add", x, dims), floats(shape), dynamic=(dynamic,))


def _sum_and_greatest(x: SSAValue, y: SSAValue, zero: SSAValue, least: SSAValue) -> ml.ReduceOp:
    scalar = TensorType(f32, [])
    block = Block(arg_types=[scalar] * 4)
    total, best, a, b = block.args
    block.add_ops([size := ml.AbsOp(a), added := ml.AddOp(total, size), most := ml.MaxOp(best, b)])
    block.add_op(ml.ReturnOp(added, most))
    return ml.ReduceOp([x, y], [zero, least], Region(block), [2, 0])


@pytest.mark.parametrize("shape", [(2, 3, 4), (0, 3, 4), (2, 0, 4), (1, 1, 1)])
def test_any_body_reduces_several_tensors_in_order(shape: tuple[int, ...]) -> None:
    check(_sum_and_greatest, floats(shape), floats(shape, 1), np.float32(1.5).reshape(()), np.array(-9, np.float32))


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_the_first_extreme_element_is_found(element: Attribute) -> None:
    x = values((4, 9), element)
    check(lambda x: [ml.ArgmaxOp(x, 1).result, ml.ArgminOp(x, 0, i64).result], x)


def test_the_first_nan_is_the_extreme_element() -> None:
    nan, inf = np.nan, np.inf
    x = np.array([[1, nan, 3, nan], [-inf, -inf, -inf, -inf], [inf, 0, inf, 1], [-0.0, 0, 0, 0]], np.float32)
    check(lambda x: [ml.ArgmaxOp(x, 1).result, ml.ArgminOp(x, 1).result], x)


def test_the_index_into_an_empty_line_is_0() -> None:
    for dynamic in ((), (1,)):
        check(lambda x: ml.ArgmaxOp(x, 1), np.empty((3, 0), np.float32), dynamic=(dynamic,))


# softmax


@pytest.mark.parametrize("element", FLOATS, ids=str)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_along_any_axis(element: Attribute, axis: int) -> None:
    check(lambda x: ml.SoftmaxOp(x, axis), floats((3, 4, 5)).astype(dtype_of(element)))


@pytest.mark.parametrize("shape", [(1,), (0,), (3, 0), (0, 3), (1, 1)])
def test_softmax_of_small_and_empty_tensors(shape: tuple[int, ...]) -> None:
    for dynamic in ((), range(len(shape))):
        check(lambda x: ml.SoftmaxOp(x), floats(shape), dynamic=(dynamic,))


def test_softmax_of_great_and_special_numbers() -> None:
    nan, inf = np.nan, np.inf
    check(
        lambda x: ml.SoftmaxOp(x), np.array([[1e4, 1e4 - 1], [nan, 0], [inf, 0], [-inf, 0], [-inf, -inf]], np.float32)
    )


# index maps


@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 1, 3)])
def test_broadcasts_repeat_and_move(shape: tuple[int, ...]) -> None:
    rank = len(shape)
    target = TensorType(f32, [4, *shape])
    check(lambda x: ml.BroadcastInDimOp(x, list(range(1, rank + 1)), target), floats(shape))


def test_broadcasts_permute_and_stretch() -> None:
    check(lambda x: ml.BroadcastInDimOp(x, [2, 0], TensorType(f32, [3, 4, 5])), floats((1, 3)))


def test_sizes_may_be_arguments() -> None:
    target = TensorType(f32, [DYNAMIC_INDEX, 3])
    for size in (0, 1, 5):
        check(
            lambda x, n: ml.ReluOp(ml.BroadcastInDimOp(x, [1], target, [n])),
            floats((3,)),
            extra=((IndexType(), size),),
        )


@pytest.mark.parametrize(
    ("starts", "limits", "steps"),
    [([0, 0], [4, 7], [1, 1]), ([1, 2], [4, 7], [2, 3]), ([4, 0], [4, 7], [1, 1]), ([0, 6], [3, 7], [5, 1])],
)
def test_slices_step(starts: list[int], limits: list[int], steps: list[int]) -> None:
    check(lambda x: ml.SliceOp(x, starts, limits, steps), floats((4, 7)))


def test_slices_of_run_time_sizes_go_to_the_end() -> None:
    for size in (1, 2, 7):
        check(lambda x: ml.SliceOp(x, [1], [-1], [2]), floats((size,)), dynamic=((0,),))


def test_maps_of_maps_are_one_access() -> None:
    def build(x: SSAValue) -> ml.NegOp:
        turned = ml.TransposeOp(ml.SliceOp(x, [1, 0], [4, 6], [1, 2]), [1, 0])
        return ml.NegOp(ml.BroadcastInDimOp(turned, [0, 2], TensorType(f32, [3, 2, 3])))

    loops = check(build, floats((4, 7)))
    assert ops(loops, "loop.load") == 1


@pytest.mark.parametrize("sizes", [(1,), (2, 3), (0, 2, 0), (3, 0)])
@pytest.mark.parametrize("dim", [0, 1])
def test_concatenations_lay_pieces_side_by_side(sizes: tuple[int, ...], dim: int) -> None:
    pieces = [floats((n, 3) if dim == 0 else (3, n), n) for n in sizes]
    for dynamic in ((), (dim,)):
        check(
            lambda *parts: ml.ConcatenateOp([ml.NegOp(part) for part in parts], dim),
            *pieces,
            dynamic=[dynamic] * len(pieces),
        )


# kernels


def test_several_results_of_one_shape_are_one_nest() -> None:
    def build(x: SSAValue) -> list[SSAValue]:
        e = ml.ExpOp(x).result
        return [e, ml.NegOp(e).result, x]

    loops = check(build, floats((3, 4)))
    assert ops(loops, "loop.for") == 2
    assert ops(loops, "math.exp") == 1


def test_a_value_that_is_two_results_is_written_twice() -> None:
    def build(x: SSAValue) -> list[SSAValue]:
        total = ml.ReduceOp.of("add", x, [0]).results[0]
        return [total, total]

    check(build, floats((3, 4)))


def test_a_truth_value_reduction_feeds_a_selection() -> None:
    def build(x: SSAValue, y: SSAValue) -> ml.SelectOp:
        return ml.SelectOp(ml.ReduceOp.of("and", ml.CompareOp("LT", x, y)), x, y)

    check(build, floats((3, 4)), floats((3, 4), 1))


def test_a_very_long_chain_is_no_deep_recursion() -> None:
    def build(x: SSAValue) -> SSAValue:
        for _ in range(2 * DEEPEST + 5):
            x = ml.NegOp(x).result
        return x

    loops = check(build, floats((3,)))
    assert ops(loops, "loop.alloc") == 2


def test_a_constant_that_is_no_splat_is_refused() -> None:
    module = tensors([TensorType(f32, [2])], lambda x: ml.AddOp(x, ml.ConstantOp.of(np.array([1, 2], np.float32))))
    with pytest.raises(WeftError, match="one repeated element"):
        lowered(buffers(module))


def test_a_reshape_is_refused() -> None:
    module = tensors([TensorType(f32, [2])], lambda x: ml.ReshapeOp(x, TensorType(f32, [1, 2])))
    with pytest.raises(WeftError, match=r"ml\.reshape cannot stand in a kernel"):
        lowered(buffers(module))


def test_empty_and_single_booleans_pass_through() -> None:
    for shape in ((), (0,), (1,)):
        check(ml.NotOp, np.ones(shape, np.bool_))


# padding and convolutions


@pytest.mark.parametrize("dynamic", [(), (0, 1)])
@pytest.mark.parametrize(
    ("low", "high", "interior"),
    [((1, 0), (0, 2), (0, 0)), ((-1, 2), (1, -3), (1, 2)), ((0, 0), (0, 0), (0, 0)), ((-2, -3), (-1, 0), (0, 1)),
     ((0, -1), (-2, -2), (2, 0))],
)  # fmt: skip
def test_padding_goes_around_and_between(
    low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...], dynamic: tuple[int, ...]
) -> None:
    value = np.array(-1.5, np.float32)
    check(lambda x, v: ml.PadOp(ml.NegOp(x), v, low, high, interior), floats((4, 5)), value, dynamic=(dynamic,))


def test_padding_makes_something_of_nothing() -> None:
    value = np.array(3, np.int32)
    check(lambda x, v: ml.PadOp(x, v, (1, 0), (1, 2), (2, 0)), np.empty((0, 0), np.int32), value)


NHWC = ConvDims(("b", "0", "1", "f"), ("0", "1", "i", "o"), ("b", "0", "1", "f"))
NCHW = ConvDims(("b", "f", "0", "1"), ("o", "i", "0", "1"), ("b", "f", "0", "1"))
NWC = ConvDims(("b", "0", "f"), ("0", "i", "o"), ("0", "f", "b"))
DOT = ConvDims(("b", "f"), ("i", "o"), ("f", "b"))
DEEP = ConvDims(("b", "0", "1", "2", "f"), ("0", "1", "2", "i", "o"), ("b", "0", "1", "2", "f"))

WINDOWS = {
    "plain": (Window(NHWC), (2, 5, 6, 3), (3, 2, 3, 4)),
    "padded": (Window(NHWC, pads=((1, 1), (0, 2))), (1, 4, 5, 2), (3, 3, 2, 3)),
    "cropped": (Window(NHWC, pads=((-1, 0), (0, -1))), (1, 6, 5, 2), (3, 3, 2, 3)),
    "strided": (Window(NCHW, strides=(2, 3), pads=((1, 0), (2, 1))), (2, 3, 7, 8), (4, 3, 3, 2)),
    "dilated": (Window(NHWC, (), ((1, -1), (2, 1)), (2, 1), (1, 2)), (1, 4, 5, 2), (2, 3, 2, 3)),
    "reversed": (Window(NHWC, reversal=(True, False)), (1, 5, 5, 2), (2, 3, 2, 3)),
    "feature groups": (Window(NHWC, pads=((1, 1), (1, 1)), feature_groups=2), (1, 4, 4, 4), (3, 3, 2, 6)),
    "depthwise": (Window(NHWC, feature_groups=3), (1, 4, 4, 3), (2, 2, 1, 3)),
    "batch groups": (Window(NHWC, batch_groups=2), (4, 4, 4, 3), (2, 2, 3, 4)),
    "one dimension": (Window(NWC, pads=((2, 0),)), (2, 7, 3), (3, 3, 4)),
    "no dimension": (Window(DOT), (2, 3), (3, 4)),
    "three dimensions": (Window(DEEP), (1, 3, 4, 3, 2), (2, 2, 2, 2, 3)),
    "no room": (Window(NHWC), (1, 2, 5, 2), (3, 3, 2, 3)),
    "no window": (Window(NHWC), (1, 4, 5, 0), (3, 3, 0, 3)),
    "no batch": (Window(NHWC, pads=((1, 1), (1, 1))), (0, 4, 5, 2), (3, 3, 2, 3)),
    "nothing but padding": (Window(NHWC, pads=((3, 0), (0, 0))), (1, 0, 5, 2), (3, 3, 2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", list(WINDOWS))
def test_convolutions_with_all_options(name: str, dynamic: bool) -> None:
    window, left, right = WINDOWS[name]
    if dynamic and name in ("no room", "nothing but padding"):
        return
    axes = [range(len(shape)) if dynamic else () for shape in (left, right)]
    check(lambda x, w: ml.ConvolutionOp(x, w, window), floats(left), floats(right, 1), dynamic=axes)


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_convolutions_of_every_type(element: Attribute) -> None:
    window = Window(NHWC, pads=((1, 0), (0, 1)))
    check(
        lambda x, w: ml.ConvolutionOp(x, w, window),
        values((1, 3, 4, 2), element),
        values((2, 2, 2, 3), element, 1),
    )


def test_a_convolution_without_padding_needs_no_copy() -> None:
    window, left, right = WINDOWS["plain"]
    loops = check(lambda x, w: ml.ConvolutionOp(x, w, window), floats(left), floats(right, 1))
    assert ops(loops, "loop.alloc") == 0
