"""Every elementwise ml op, on every element type that it takes, as a scalar body: edge values first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from tests.passes.loops.kernels import check, tensors
from weft.dialects import ml
from weft.dialects.ml.base import MlOp
from weft.dialects.ml.binary import BinaryOp
from weft.dialects.ml.compare import CompareType, Direction
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Array, Kind, dtype_of, kind_of, width_of
from weft.dialects.ml.elementwise import UnaryOp

ELEMENTS = tuple(ELEMENT_TYPES)
FLOATS = tuple(e for e in ELEMENTS if kind_of(e) is Kind.FLOAT)
UNARY = tuple(op for op in ml.ML.operations if issubclass(op, UnaryOp))
BINARY = tuple(op for op in ml.ML.operations if issubclass(op, BinaryOp))
LOOSE = 1e-5
"""Compositions in f32 lose a few last places against f64 rounded once."""


def named(element: Attribute) -> str:
    return str(element)


def edges(element: Attribute) -> Array:
    """Values at which rules change: zeros, ones, the ends of the type, NaN and the infinities."""
    dtype, kind = dtype_of(element), kind_of(element)
    if kind is Kind.BOOL:
        return np.array([False, True])
    if kind is Kind.FLOAT:
        numbers = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 3.0, -7.25, 30.0, 100.0]
        return np.array([*numbers, np.inf, -np.inf, np.nan]).astype(dtype)
    info, width = np.iinfo(dtype), width_of(element)
    numbers = [0, 1, 2, 3, 7, width - 1, width, width + 1, info.max, info.max - 1, info.min, info.min + 1]
    numbers += [] if kind is Kind.UNSIGNED else [-1, -2, -7]
    return np.array(sorted({n for n in numbers if info.min <= n <= info.max}), dtype)


def pairs(element: Attribute) -> tuple[Array, Array]:
    """All pairs of edge values."""
    left, right = zip(*itertools.product(edges(element), repeat=2), strict=True)
    dtype = dtype_of(element)
    return np.array(left, dtype), np.array(right, dtype)


def taking(ops: tuple[type[MlOp], ...], count: int, element: Attribute) -> list[type[MlOp]]:
    """Those of the ops, with `count` operands, that verify on such elements."""
    return [op for op in ops if _takes(op, count, element)]


def _takes(op: type[MlOp], count: int, element: Attribute) -> bool:
    try:
        tensors([TensorType(element, [2])] * count, op)
    except VerifyException:
        return False
    return True


@pytest.mark.parametrize("element", ELEMENTS, ids=named)
def test_unary_ops_mean_what_they_say(element: Attribute) -> None:
    ops = taking(UNARY, 1, element)
    check(lambda x: [op(x).results[0] for op in ops], edges(element), tolerance=_tolerance(element))


@pytest.mark.parametrize("element", ELEMENTS, ids=named)
def test_binary_ops_mean_what_they_say(element: Attribute) -> None:
    ops = taking(BINARY, 2, element)
    check(lambda x, y: [op(x, y).results[0] for op in ops], *pairs(element), tolerance=_tolerance(element))


def _tolerance(element: Attribute) -> float | None:
    return LOOSE if str(element) == "f32" else None


@pytest.mark.parametrize("element", ELEMENTS, ids=named)
def test_comparisons_mean_what_they_say(element: Attribute) -> None:
    check(lambda x, y: [ml.CompareOp(d.value, x, y).result for d in Direction], *pairs(element))


@pytest.mark.parametrize("element", FLOATS, ids=named)
def test_the_total_order_ranks_zeros_and_nans(element: Attribute) -> None:
    total = CompareType.TOTALORDER.value
    x, y = (np.concatenate([values, -values]) for values in pairs(element))
    check(lambda x, y: [ml.CompareOp(d.value, x, y, total).result for d in Direction], x, y)


@pytest.mark.parametrize("element", ELEMENTS, ids=named)
def test_select_and_clamp_mean_what_they_say(element: Attribute) -> None:
    x, y = pairs(element)
    chosen = np.arange(x.size) % 3 == 0

    def build(p: SSAValue, one: SSAValue, x: SSAValue, y: SSAValue, low: SSAValue) -> list[SSAValue]:
        return [
            ml.SelectOp(p, x, y).result,
            ml.SelectOp(one, x, y).result,
            ml.ClampOp(x, y, x).result,
            ml.ClampOp(low, x, low).result,
        ]

    check(build, chosen, np.array(True), x, y, edges(element)[1:2].reshape(()))


@pytest.mark.parametrize("element", FLOATS, ids=named)
def test_is_finite_means_what_it_says(element: Attribute) -> None:
    check(ml.IsFiniteOp, edges(element))


@pytest.mark.parametrize("source", ELEMENTS, ids=named)
def test_conversions_round_once_saturate_and_wrap(source: Attribute) -> None:
    check(lambda x: [ml.ConvertOp(x, target).result for target in ELEMENTS], edges(source), tolerance=0)


@pytest.mark.parametrize("source", ["i32", "ui32", "i64", "ui64", "f64"])
@pytest.mark.parametrize("target", ["f16", "bf16", "f32"])
def test_wide_numbers_are_rounded_once(source: str, target: str) -> None:
    """Ties that a rounding on the way would break the wrong way."""
    elements = {str(element): element for element in ELEMENTS}
    dtype = dtype_of(elements[source])
    ties = [(1 << 8) + 1, (1 << 11) + 1, (1 << 24) + 1]
    numbers = [
        sign * ((tie << shift) + low) for tie in ties for shift in (0, 3, 7) for low in (-1, 0, 1) for sign in (1, -1)
    ]
    if dtype.itemsize == 8:
        numbers += [((1 << 8) + 1 << 54) + low for low in (-1, 0, 1)]
        numbers += [-((1 << 8) + 1 << 54) + low for low in (-1, 0, 1)]
    if dtype.kind == "u":
        numbers = [abs(n) for n in numbers]
    check(lambda x: ml.ConvertOp(x, elements[target]), np.array(numbers).astype(dtype), tolerance=0)


@pytest.mark.parametrize("source", ELEMENTS, ids=named)
def test_bits_are_read_as_other_types(source: Attribute) -> None:
    if kind_of(source) is Kind.BOOL:
        return
    targets = [e for e in ELEMENTS if kind_of(e) is not Kind.BOOL and width_of(e) <= width_of(source)]
    for target in targets:
        check(lambda x, target=target: ml.BitcastConvertOp(x, target), edges(source))


def test_narrow_elements_join_to_wide_ones() -> None:
    bits = np.arange(16, dtype=np.uint8).reshape(2, 8)
    check(lambda x: ml.BitcastConvertOp(x, ELEMENTS[3]), bits)
    check(lambda x: ml.BitcastConvertOp(x, ELEMENTS[2]), bits.reshape(4, 4))


@pytest.mark.parametrize("exponent", [-2, -1, 0, 1, 2, 3, 5, 10])
@pytest.mark.parametrize("element", [e for e in ELEMENTS if kind_of(e) is not Kind.BOOL], ids=named)
def test_powers_of_a_constant_need_few_products(element: Attribute, exponent: int) -> None:
    if exponent < 0 and kind_of(element) is Kind.UNSIGNED:
        return
    values = edges(element)
    constant = np.full(values.shape, exponent).astype(values.dtype)
    loops = check(lambda x: ml.PowOp(x, ml.ConstantOp.of(constant)), values, tolerance=_tolerance(element))
    if kind_of(element) is not Kind.FLOAT:
        assert sum(op.name == "arith.muli" for op in loops.walk()) <= 6


@pytest.mark.parametrize("element", [e for e in ELEMENTS if kind_of(e) is not Kind.BOOL], ids=named)
def test_iota_counts_in_every_type(element: Attribute) -> None:
    check(lambda: ml.IotaOp(1, TensorType(element, [3, 300])))
