"""The cache on disk: whole entries or none, whatever happens to the files."""

import os
import subprocess
import sys

import pytest

from weft.driver import cache


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WEFT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_entry_reads_back():
    cache.write("k", {"a": [1]}, b"code")
    assert cache.read("k") == ({"a": [1]}, b"code")
    assert cache.read("other") is None


DAMAGE = {
    "cut": lambda d: d[:-1],
    "longer": lambda d: d + b"x",
    "empty": lambda d: b"",
    "flipped": lambda d: d[:-1] + bytes([d[-1] ^ 1]),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_as_good_as_none(own_folder, change):
    cache.write("k", {"a": 1}, b"code")
    path = own_folder / "k.weft"
    path.write_bytes(change(path.read_bytes()))
    assert cache.read("k") is None


def test_a_folder_that_cannot_be_made_turns_the_cache_off(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WEFT_CACHE_DIR", str(tmp_path / "file" / "cache"))
    cache.write("k", {}, b"code")
    assert cache.read("k") is None


def test_a_write_that_dies_leaves_no_entry(own_folder, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    cache.write("k", {}, b"code")
    assert cache.read("k") is None
    assert list(own_folder.iterdir()) == []


def test_every_part_of_the_key_counts():
    assert len({cache.key(["a", "b"]), cache.key(["ab"]), cache.key(["a", "c"]), cache.key(["b", "a"])}) == 4


def test_two_processes_write_the_same_entry(own_folder):
    code = "from weft.driver import cache\nfor _ in range(50): cache.write('k', {'n': 1}, b'x' * 100000)"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert cache.read("k") in (None, ({"n": 1}, b"x" * 100000))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert cache.read("k") == ({"n": 1}, b"x" * 100000)
