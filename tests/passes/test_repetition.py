"""Data that is one element over and over."""

from typing import cast

import numpy as np
import pytest

from weft.dialects.ml.constant import dense
from weft.passes import repetition
from weft.passes.repetition import in_short, is_repetition, repeats


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


def test_an_attribute_is_looked_at_once_and_forgotten_with_it(monkeypatch):
    same, other = dense(np.full(5000, 7, np.int32)), dense(np.arange(5000, dtype=np.int32))
    before = len(repetition._KNOWN)
    assert is_repetition(same) and not is_repetition(other)
    monkeypatch.setattr(repetition, "repeats", None)
    assert is_repetition(same) and not is_repetition(other)
    del same, other
    assert len(repetition._KNOWN) == before


def test_large_data_that_repeats_is_told_apart_in_short():
    seven, again = dense(np.full(5000, 7, np.int32)), dense(np.full(5000, 7, np.int32))
    assert in_short(seven) == in_short(again)
    for other in (np.full(4999, 7, np.int32), np.full(5000, 8, np.int32), np.full(5000, 7, np.uint32)):
        assert in_short(seven) != in_short(dense(other))
    key = cast("tuple[object, bytes, int]", in_short(seven))
    assert len(key[1]) == 4
    mixed = dense(np.arange(5000, dtype=np.int32))
    assert in_short(mixed) is mixed
