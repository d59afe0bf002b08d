"""Random bits and reduced precision: loops compute what the tensors mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Attribute

from tests.dialects.ml.support import FLOATS, INTEGERS, edges
from tests.passes.loops.kernels import check
from weft.dialects import ml

STATES = {
    "THREE_FRY": np.array([0x0123456789ABCDEF, (1 << 64) - 3], np.uint64),
    "PHILOX": np.array([0xFEDCBA9876543210, (1 << 64) - 3, 5], np.uint64),
    "DEFAULT": np.array([17, (1 << 64) - 3], np.uint64),
}


@pytest.mark.parametrize("element", INTEGERS, ids=str)
@pytest.mark.parametrize("algorithm", STATES)
def test_bits_of_every_type(algorithm: str, element: Attribute) -> None:
    check(lambda s: ml.RngBitGeneratorOp(algorithm, s, TensorType(element, [3, 5])), STATES[algorithm])


@given(st.sampled_from(sorted(STATES)), st.lists(st.sampled_from([0, 1, 2, 4, 7]), max_size=2))
@settings(max_examples=8, deadline=None)
def test_bits_of_any_shape(algorithm: str, shape: Sequence[int]) -> None:
    for element in (INTEGERS[2], INTEGERS[3]):
        check(lambda s, e=element: ml.RngBitGeneratorOp(algorithm, s, TensorType(e, shape)), STATES[algorithm])


def test_bits_become_numbers_where_they_are_made() -> None:
    def build(state):
        bits = ml.RngBitGeneratorOp("THREE_FRY", state, TensorType(INTEGERS[6], [6, 16]))
        return [bits.output_state, ml.ConvertOp(bits.output, f32).result]

    check(build, STATES["THREE_FRY"])


@pytest.mark.parametrize("element", FLOATS, ids=str)
@pytest.mark.parametrize(("exponent", "mantissa"), [(5, 10), (8, 7), (4, 3), (1, 0), (8, 0), (2, 23), (11, 52)])
def test_precision_is_reduced(element: Attribute, exponent: int, mantissa: int) -> None:
    x = edges(element)
    rng = np.random.default_rng(0)
    more = rng.integers(0, 1 << 16, (4, 16), np.uint16).view(np.uint8).reshape(-1).view(x.dtype)
    with np.errstate(invalid="ignore"):
        more = np.where(np.isnan(more), x[:1], more)
    for values in (x, more):
        check(lambda x: ml.ReducePrecisionOp(x, exponent, mantissa), values, tolerance=0)
