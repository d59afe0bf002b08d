"""Nothing is found in the examples and in the programs of the road."""

from pathlib import Path

import pytest

from tests.driver.check_passes.planted import opt
from tests.road.programs import programs
from weft.passes.pipelines import CPU

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.mlir"))


def found(tmp_path, monkeypatch, capsys, path):
    monkeypatch.chdir(tmp_path)
    code, said = opt(capsys, "--check-passes", f"--pass-pipeline={CPU}", "-o", tmp_path / "out.mlir", path)
    return said if code else ""


@pytest.mark.long
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_nothing_is_found_in_an_example(tmp_path, monkeypatch, capsys, path):
    assert found(tmp_path, monkeypatch, capsys, path) == ""


@pytest.mark.long
@pytest.mark.parametrize("name", programs())
def test_nothing_is_found_in_a_program_of_the_road(tmp_path, monkeypatch, capsys, name):
    from tests.road.test_stops import shrunk

    path = tmp_path / "program.mlir"
    path.write_text(shrunk(programs()[name]) + "\n")
    assert found(tmp_path, monkeypatch, capsys, path) == ""
