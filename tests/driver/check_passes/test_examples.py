"""Nothing is found in the examples and in the programs of the road."""

from pathlib import Path

import pytest

from tests.driver.check_passes.planted import opt
from tests.road.programs import programs
from weft.passes.pipelines import CPU
from weft.tools.main import main

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.mlir"))


def found(tmp_path, monkeypatch, capsys, path):
    monkeypatch.chdir(tmp_path)
    code, said = opt(capsys, "--check-passes", f"--pass-pipeline={CPU}", "-o", tmp_path / "out.mlir", path)
    return said if code else ""


@pytest.mark.long
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_nothing_is_found_in_an_example(tmp_path, monkeypatch, capsys, path):
    assert found(tmp_path, monkeypatch, capsys, path) == ""


WITH_DATA = [path for path in EXAMPLES if "weft.input" in path.read_text()]
FEWER = {"train_digits": ("arith.constant 2000 : index", "arith.constant 3 : index")}
"""What is said otherwise in an example: all the steps of the training, at every stop, take half an hour."""


@pytest.mark.long
@pytest.mark.parametrize("path", WITH_DATA, ids=lambda path: path.stem)
def test_nothing_is_found_in_an_example_on_its_data(tmp_path, capsys, path):
    for data in path.parent.glob("*.npz"):
        (tmp_path / data.name).symlink_to(data)
    many, few = FEWER.get(path.stem, ("", ""))
    text = path.read_text()
    assert many in text
    (tmp_path / path.name).write_text(text.replace(many, few) if many else text)
    code = main(["run", "--check-passes", str(tmp_path / path.name)])
    assert (code, [line for line in capsys.readouterr().err.splitlines() if "remark" in line]) == (0, [])


@pytest.mark.long
@pytest.mark.parametrize("name", programs())
def test_nothing_is_found_in_a_program_of_the_road(tmp_path, monkeypatch, capsys, name):
    from tests.road.test_stops import shrunk

    path = tmp_path / "program.mlir"
    path.write_text(shrunk(programs()[name]) + "\n")
    assert found(tmp_path, monkeypatch, capsys, path) == ""
