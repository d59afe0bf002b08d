"""Tables are compiled once, kept on disk, and compiled again when the file is not what was written."""

import json
import threading
from pathlib import Path

import pytest

from weft.frontends.mlir import cache, compile, machine
from weft.frontends.mlir.tables import STARTS, Tables

GRAMMAR = Path(machine.__file__).with_name("core.lark").read_text()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WEFT_CACHE_DIR", str(tmp_path))
    return cache.cache_folder()


def load():
    cache.load.cache_clear()
    return cache.load(GRAMMAR, STARTS)


def test_tables_survive_json():
    tables = compile.build(GRAMMAR, STARTS)
    assert Tables.from_plain(json.loads(json.dumps(tables.to_plain()))) == tables


def test_the_second_load_does_not_compile(folder, monkeypatch):
    first = load()
    assert [path.suffix for path in folder.iterdir()] == [".json"]
    monkeypatch.setattr(compile, "build", None)
    assert load() == first


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"half", b'digest\n{"rows": []}'])
def test_a_damaged_file_is_replaced(folder, damage):
    load()
    (path,) = folder.iterdir()
    path.write_bytes(damage)
    assert load().starts.keys() == set(STARTS)
    assert cache.read(path) == cache.load(GRAMMAR, STARTS)


def test_a_cut_file_is_replaced(folder):
    load()
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-10])
    assert cache.read(path) is None
    assert load() == cache.read(path)


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WEFT_CACHE_DIR", str(tmp_path / "file"))
    assert load().rows


def test_many_that_start_at_once_agree(folder):
    tables = compile.build(GRAMMAR, STARTS)
    path = folder / "tables.json"
    seen = []

    def work():
        for _ in range(5):
            cache.write(path, tables)
            seen.append(cache.read(path) == tables)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(seen)
    assert [path.name for path in folder.iterdir()] == ["tables.json"]
