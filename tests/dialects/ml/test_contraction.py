"""matmul and dot_general against sums in exact arithmetic."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerType, Signedness, TensorType, bf16, f16, f32, f64, i1, i8, i16, i32

from tests.dialects.ml.support import ALL, FLOATS, assert_same, blurred, filled, value
from weft.diagnostics import WeftError
from weft.dialects.ml import DotGeneralOp, MatmulOp
from weft.dialects.ml.dtypes import dtype_of

FAST = settings(max_examples=60, deadline=None)
SIZES = st.sampled_from([0, 1, 2, 3])


def exact(lhs, rhs, dtype, batch, contract):
    """A contraction as the sum of exact products, element by element."""
    free = [
        [axis for axis in range(x.ndim) if axis not in batch[side] and axis not in contract[side]]
        for side, x in enumerate((lhs, rhs))
    ]
    outer = [lhs.shape[a] for a in (*batch[0], *free[0])] + [rhs.shape[a] for a in free[1]]
    inner = [lhs.shape[a] for a in contract[0]]
    result = np.zeros(outer, dtype)
    for place in np.ndindex(*outer):
        b, left = place[: len(batch[0])], place[len(batch[0]) : len(batch[0]) + len(free[0])]
        right = place[len(batch[0]) + len(free[0]) :]
        sum_ = Fraction(0)
        for k in product(*map(range, inner)):
            index = [
                dict(zip((*batch[s], *free[s], *contract[s]), (*b, *(left, right)[s], *k), strict=True)) for s in (0, 1)
            ]
            x = lhs[tuple(index[0][axis] for axis in range(lhs.ndim))]
            y = rhs[tuple(index[1][axis] for axis in range(rhs.ndim))]
            sum_ += Fraction(float(x)) * Fraction(float(y))
        result[place] = _kept(sum_, dtype)
    return result


def _kept(number, dtype):
    if dtype == np.bool_:
        return number != 0
    if dtype.kind in "iu":
        low = int(number) % 2 ** (8 * dtype.itemsize)
        return low - 2 ** (8 * dtype.itemsize) if low > np.iinfo(dtype).max else low
    return np.float32(float(number)) if dtype.itemsize == 2 else float(number)


@FAST
@given(st.data())
def test_matmul_sums_products_of_rows_and_columns(data):
    batch = data.draw(st.lists(SIZES, max_size=2))
    m, k, n = data.draw(SIZES), data.draw(SIZES), data.draw(SIZES)
    element = data.draw(st.sampled_from(ALL))
    lhs, rhs = filled(element, (*batch, m, k), 1), filled(element, (*batch, k, n), 2)
    op = MatmulOp(value(element, *blurred(data.draw, lhs.shape)), value(element, *blurred(data.draw, rhs.shape)))
    op.verify_()
    (result,) = op.evaluate(lhs, rhs)
    dims = tuple(range(len(batch)))
    expected = exact(lhs, rhs, lhs.dtype, (dims, dims), ((len(batch) + 1,), (len(batch),)))
    assert_same(result, expected)
    assert result.shape == op.concrete_shape((lhs, rhs))


@FAST
@given(st.data())
def test_dot_general_sums_over_any_dimensions(data):
    names = data.draw(st.lists(st.sampled_from("abcklr"), max_size=4, unique=True))
    sizes = {name: data.draw(SIZES) for name in names}
    left = data.draw(st.permutations([name for name in names if name != "r"]))
    right = data.draw(st.permutations([name for name in names if name != "l"]))
    shared = [name for name in names if name in "ab"]
    summed = [name for name in names if name in "ck"]
    batch = ([left.index(n) for n in shared], [right.index(n) for n in shared])
    contract = ([left.index(n) for n in summed], [right.index(n) for n in summed])
    element = data.draw(st.sampled_from(ALL))
    lhs = filled(element, tuple(sizes[n] for n in left), 1)
    rhs = filled(element, tuple(sizes[n] for n in right), 2)
    op = DotGeneralOp(
        value(element, *blurred(data.draw, lhs.shape)),
        value(element, *blurred(data.draw, rhs.shape)),
        batch=batch,
        contract=contract,
    )
    op.verify_()
    (result,) = op.evaluate(lhs, rhs)
    assert_same(result, exact(lhs, rhs, lhs.dtype, batch, contract))
    assert result.shape == op.concrete_shape((lhs, rhs))


@pytest.mark.parametrize(
    ("element", "wider"),
    [(i8, i16), (i8, i32), (IntegerType(8, Signedness.UNSIGNED), IntegerType(32, Signedness.UNSIGNED)), (f32, f64)],
    ids=str,
)
def test_a_contraction_may_widen(element, wider):
    top = np.iinfo(dtype_of(element)).max if element not in FLOATS else 1e30
    x = np.full((2, 3), top, dtype_of(element))
    op = MatmulOp(value(element, 2, 3), value(element, 3, 2), element=wider)
    op.verify_()
    (result,) = op.evaluate(x, x.T)
    assert result.dtype == dtype_of(wider)
    assert float(result[0, 0]) == pytest.approx(3 * float(x[0, 0]) ** 2) or dtype_of(wider).itemsize == 2


def test_narrow_integers_wrap_in_the_type_of_the_result():
    x = np.full((1, 2), 100, np.int8)
    assert MatmulOp(value(i8, 1, 2), value(i8, 2, 1)).evaluate(x, x.T)[0].item() == 20000 % 256 - 256 * (
        20000 % 256 > 127
    )
    assert MatmulOp(value(i8, 1, 2), value(i8, 2, 1), element=i16).evaluate(x, x.T)[0].item() == 20000


@pytest.mark.parametrize(("element", "top"), [(f16, 2048), (bf16, 256)], ids=str)
def test_narrow_floats_are_summed_in_f32(element, top):
    """Adding 1 to `top` in the narrow type would be lost each time."""
    lhs = np.array([[top] + [1] * 64]).astype(dtype_of(element))
    rhs = np.ones((65, 1)).astype(dtype_of(element))
    (result,) = MatmulOp(value(element, 1, 65), value(element, 65, 1)).evaluate(lhs, rhs)
    assert float(result.item()) == top + 64
    (wide,) = MatmulOp(value(element, 1, 65), value(element, 65, 1), element=f32).evaluate(lhs, rhs)
    assert wide.item() == top + 64


def test_truth_values_have_and_for_product_and_or_for_sum():
    lhs, rhs = np.array([[True, True], [True, False]]), np.array([[False, False], [True, False]])
    (result,) = MatmulOp(value(i1, 2, 2), value(i1, 2, 2)).evaluate(lhs, rhs)
    assert result.tolist() == [[True, False], [False, False]]


def test_nan_and_infinity_keep_their_meaning():
    x = np.array([[math.inf, 1.0]], np.float32)
    y = np.array([[0.0], [1.0]], np.float32)
    assert math.isnan(MatmulOp(value(f32, 1, 2), value(f32, 2, 1)).evaluate(x, y)[0].item())


def test_sizes_that_one_operand_says_are_known_in_the_result():
    op = MatmulOp(value(f32, None, 2, None), value(f32, 5, 3, None))
    assert op.result.type == TensorType(f32, [5, 2, -(2**63)])
    assert len(op.requirements()) == 2


def test_sizes_that_differ_are_an_error_at_run_time():
    op = MatmulOp(value(f32, 2, None), value(f32, 3, 2))
    assert op.evaluate(np.ones((2, 3), np.float32), np.ones((3, 2), np.float32))[0].tolist() == [[3, 3], [3, 3]]
    with pytest.raises(WeftError, match="last but one"):
        op.evaluate(np.ones((2, 4), np.float32), np.ones((3, 2), np.float32))


def test_precision_is_ieee_unless_given():
    operands = value(f32, 2, 2), value(f32, 2, 2)
    assert MatmulOp(*operands).exactness == "ieee"
    assert "precision" not in MatmulOp(*operands, precision="ieee").properties
    assert MatmulOp(*operands, precision="tf32").exactness == "tf32"
