"""`weft new-dialect` writes a package whose own tests pass; it never writes over anything."""

import subprocess
import sys

import pytest

from weft.tools.main import main


def test_the_skeleton_passes_its_own_tests(tmp_path, capsys):
    folder = tmp_path / "my dialect"
    assert main(["new-dialect", "my_boost", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "my_boost.mlir",
        "my_boost_dialect.py",
        "pyproject.toml",
        "test_my_boost.py",
    ]
    assert "class MyBoostOp(MlOp)" in (folder / "my_boost_dialect.py").read_text()
    assert not [path for path in folder.iterdir() if "@NAME@" in path.read_text() or "@CAMEL@" in path.read_text()]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


@pytest.mark.parametrize(
    "words, message",
    [
        (["Upper"], "is no name for a dialect"),
        (["class"], "is no name for a dialect"),
        (["../x"], "is no name for a dialect"),
        (["ml"], "there is a dialect 'ml' already"),
        (["a", "b", "c"], "takes a name and a folder"),
        (["a", "--force"], "unknown option '--force'"),
    ],
)
def test_a_wrong_name_is_refused(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["new-dialect", *words]) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_exists_is_left_alone(tmp_path, capsys):
    assert main(["new-dialect", "fresh", str(tmp_path)]) == 1
    assert "exists already: nothing was written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
