"""Files are written whole or not at all."""

import os
import stat

import pytest

from weft.diagnostics import WeftError
from weft.driver.output import write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "out"
    for data in (b"one", b"two"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "out"
    path.write_bytes(b"before")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(WeftError, match="No space left on device"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_mode(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"")
    path.chmod(0o640)
    write_whole(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("place", ["/dev/full", "/nosuch/folder/file", "/"])
def test_an_impossible_place_is_a_clear_error(place):
    with pytest.raises(WeftError, match="cannot write output file"):
        write_whole(place, b"x")
