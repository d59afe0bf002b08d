"""Errors of every kind show the source line, with a caret under the place."""

import pytest

import weft
from weft import codes
from weft.tools.main import main

TEXT = """
func.func @main(%a: tensor<4xf32>, %b: tensor<5xf32>) -> tensor<4xf32> {
  %0 = "ml.add"(%a, %b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""
SHOWN = '  %0 = "ml.add"(%a, %b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>\n  ^'


@pytest.mark.parametrize("read", [weft.parse, weft.compile])
def test_a_program_that_does_not_verify_is_shown(read):
    with pytest.raises(weft.WeftError) as error:
        read(TEXT)
    assert "<string>:3:3: error: 'ml.add' op" in str(error.value) and SHOWN in str(error.value)


def test_a_chunk_shows_its_own_line(tmp_path, capsys):
    path = tmp_path / "two.mlir"
    path.write_text("func.func @f() { func.return }\n// -----" + TEXT)
    assert main(["opt", str(path), "--split-input-file"]) == 1
    shown = capsys.readouterr().err
    assert "two.mlir:4:3: error:" in shown and SHOWN in shown


def test_an_error_elsewhere_shows_no_line():
    error = weft.WeftError("message", weft.Location("other.mlir", 3, 1), code=codes.SYNTAX)
    error.show_source(TEXT, "<string>")
    assert str(error) == "other.mlir:3:1: error: message [E0103]"


def test_a_program_or_schedule_of_one_line_is_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = "func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> { func.return %a : tensor<4xf32> }"
    assert str(weft.parse(program)) == str(weft.parse(program + "\n"))
    (tmp_path / "{odd}.mlir").write_text(program)
    assert str(weft.parse("{odd}.mlir")) == str(weft.parse(program))
    with pytest.raises(weft.WeftError, match="cannot open input file 'no"):
        weft.parse("no.mlir")
