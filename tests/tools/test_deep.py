"""Programs nested as deep as the reader allows go through every tool; deeper ones are located errors."""

import pytest

from weft.tools.main import main


def nested(depth):
    return "func.func @main(%c: i1) {\n" + "scf.if %c {\n" * depth + "}\n" * depth + "func.return }\n"


@pytest.mark.parametrize("arguments", [["opt"], ["opt", "--canonicalize", "--cse"], ["run", "--input", "1"]])
def test_a_deep_program_is_no_deep_recursion(tmp_path, capsys, arguments):
    path = tmp_path / "deep.mlir"
    path.write_text(nested(900))
    assert main([arguments[0], str(path), *arguments[1:]]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("command", ["opt", "run"])
def test_a_program_that_is_too_deep_is_refused_at_its_place(tmp_path, capsys, command):
    path = tmp_path / "deep.mlir"
    path.write_text(nested(2000))
    assert main([command, str(path)]) == 1
    assert "deep.mlir:1002:1: error: nested more than 1000 deep" in capsys.readouterr().err
