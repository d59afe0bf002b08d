"""Every value of the small types: all pairs of bytes, all 16-bit floats."""

import numpy as np
import pytest
from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, i8

from tests.dialects.ml.support import assert_near, assert_same, like
from tests.dialects.ml.test_binary import INTEGER_MEANINGS, wrap
from tests.dialects.ml.test_elementwise import FLOAT_MEANINGS, expected_floats
from weft.dialects.ml.dtypes import dtype_of

pytestmark = pytest.mark.long


@pytest.mark.parametrize("element", [i8, IntegerType(8, Signedness.UNSIGNED)], ids=str)
@pytest.mark.parametrize("op", INTEGER_MEANINGS, ids=lambda op: op.name)
def test_an_integer_op_agrees_with_python_on_all_pairs_of_bytes(op, element):
    values = np.arange(256).astype(np.uint8).view(dtype_of(element))
    a, b = (side.reshape(-1) for side in np.meshgrid(values, values))
    signed = element == i8
    expected = [wrap(INTEGER_MEANINGS[op](int(x), int(y), 8, signed), 8, signed) for x, y in zip(a, b, strict=True)]
    assert_same(op(like(element, a), like(element, b)).evaluate(a, b)[0], np.array(expected, a.dtype))


@pytest.mark.parametrize("element", [f16, bf16], ids=str)
@pytest.mark.parametrize("op", FLOAT_MEANINGS, ids=lambda op: op.name)
def test_a_float_op_agrees_with_python_on_all_16_bit_floats(op, element):
    x = np.arange(65536).astype(np.uint16).view(dtype_of(element))
    expected = expected_floats(FLOAT_MEANINGS[op][0], x)
    assert_near(op(like(element, x)).evaluate(x)[0], expected, 0 if FLOAT_MEANINGS[op][1] == 0 else 1)
