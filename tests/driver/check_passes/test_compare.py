"""Answers that are complex numbers are compared in both parts."""

import warnings

import numpy as np
import pytest

from weft.driver.check_passes.compare import Tolerance, answer_of, difference


@pytest.mark.parametrize("wrong", [3 + 1j, 2 + 2j, complex(2, np.nan)])
def test_each_part_of_a_complex_number_counts(wrong):
    values = [np.array([1j, 2 + 1j], np.complex64)]
    answer = answer_of(values, values, [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert difference(answer, [np.array([1j, 2 + 1.000001j], np.complex64)], Tolerance(1e-5)) is None
        said = difference(answer, [np.array([1j, wrong], np.complex64)], Tolerance(1e-5))
    assert said is not None and said.startswith("result 0 at [1] is")
