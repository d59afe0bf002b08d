"""The cache on disk: whole entries or none, whatever happens to the files."""

import os
import subprocess
import sys
import time

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
    assert not [path for path in own_folder.rglob("*") if path.is_file()]


def test_every_part_of_the_key_counts():
    assert len({cache.key(["a", "b"]), cache.key(["ab"]), cache.key(["a", "c"]), cache.key(["b", "a"])}) == 4


def test_two_processes_write_the_same_entry(own_folder):
    code = "from weft.driver import cache\nfor _ in range(50): cache.write('k', {'n': 1}, b'x' * 100000)"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert cache.read("k") in (None, ({"n": 1}, b"x" * 100000))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert cache.read("k") == ({"n": 1}, b"x" * 100000)


def test_writers_that_are_killed_leave_whole_entries_or_none(own_folder):
    code = (
        "from weft.driver import cache\nprint('go', flush=True)\nwhile True: cache.write('k', {'n': 1}, b'x' * 3000000)"
    )
    for moment in (0.0, 0.003, 0.01):
        writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(moment)
        writer.kill()
        writer.communicate()
        assert cache.read("k") in (None, ({"n": 1}, b"x" * 3000000))
    cache.write("k", {"n": 2}, b"y")
    assert cache.read("k") == ({"n": 2}, b"y")


def test_what_a_dead_writer_left_is_removed_by_another(own_folder):
    own_folder.mkdir()
    old, new = own_folder / "aaaaaaaa-1.part", own_folder / "bbbbbbbb-2.part"
    for path in (old, new):
        path.write_bytes(b"weft1")
    os.utime(old, (1, 1))
    cache.write("k", {}, b"code")
    assert sorted(path.name for path in own_folder.iterdir()) == ["bbbbbbbb-2.part", "k.weft"]


def test_a_full_disk_leaves_the_program_alone(own_folder):
    """A process that may write files of 2000 bytes only sees what one on a full disk does: half a write, an error."""
    program = "func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n  func.return %a : tensor<4xf32>\n}\n"
    code = f"""
import resource, signal
import numpy as np
import weft
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
print(weft.compile({program!r})(np.ones(4, np.float32)).tolist())
"""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[1.0, 1.0, 1.0, 1.0]\n"
    assert not [path for path in own_folder.rglob("*") if path.is_file()]


def test_another_version_of_weft_or_of_a_source_has_entries_of_its_own(monkeypatch):
    first = cache.key(["a"])
    cache._fingerprint.cache_clear()
    monkeypatch.setattr(cache, "VERSION", "99.0")
    second = cache.key(["a"])
    cache._fingerprint.cache_clear()
    monkeypatch.undo()
    monkeypatch.setattr(cache, "_sources", lambda folder: [folder])
    third = cache.key(["a"])
    cache._fingerprint.cache_clear()
    assert len({first, second, third}) == 3
