"""Data that is one element over and over."""

import numpy as np
import pytest

from weft.passes.repetition import repeats


@pytest.mark.parametrize("count", [1, 2, 3, 1000, 16384, 16385, 65537])
def test_equal_elements_repeat_and_one_other_is_found(count):
    data = np.full(count, 7, np.int32).tobytes()
    assert repeats(data, 4)
    if count > 1:
        for place in (0, len(data) // 2, len(data) - 1):
            other = bytearray(data)
            other[place] ^= 1
            assert not repeats(bytes(other), 4)


def test_nothing_does_not_repeat():
    assert not repeats(b"", 4)
