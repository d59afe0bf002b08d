"""`--diagnostics=json`: one JSON object a line on standard error, from every command."""

import json

import pytest

from weft.tools.main import main

TWO = """func.func @f(%scale: i32) {
  %0 = arith.adi %scale, %scale : i32
  %1 = arith.addi %scale, %scal : i32
  func.return
}
"""
NEG = """func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ml.neg %a : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""
FIELDS = ["severity", "code", "message", "hint", "file", "line", "column", "source", "notes"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "two.mlir"
    path.write_text(TWO)
    return str(path)


def objects(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("command", ["opt", "run", "compile"])
def test_every_error_is_an_object_of_its_own(command, file, capsys):
    output = ["-o", "out.o"] if command == "compile" else []
    assert main([command, file, "--diagnostics=json", *output]) == 1
    found = objects(capsys)
    assert [list(said) for said in found] == [FIELDS, FIELDS]
    assert found[0] == {
        "severity": "error",
        "code": "E0201",
        "message": "operation 'arith.adi' is not registered",
        "hint": "did you mean 'arith.addi'?",
        "file": file,
        "line": 2,
        "column": 8,
        "source": "  %0 = arith.adi %scale, %scale : i32",
        "notes": [],
    }
    assert (found[1]["code"], found[1]["line"], found[1]["column"]) == ("E0204", 3, 27)
    assert found[1]["hint"] == "did you mean '%scale'?"


def test_the_flag_may_stand_before_the_command(file, capsys):
    assert main(["--diagnostics", "json", "opt", file]) == 1
    assert len(objects(capsys)) == 2


def test_text_is_what_is_written_without_the_flag(file, capsys):
    assert main(["opt", file]) == 1
    plain = capsys.readouterr().err
    assert main(["opt", file, "--diagnostics=text"]) == 1
    assert capsys.readouterr().err == plain


@pytest.mark.parametrize("line", [["opt", "nowhere.mlir"], ["frobnicate"], ["run"], ["opt", "--frobnicate"]])
def test_an_error_without_a_place_has_none(line, capsys):
    assert main([*line, "--diagnostics=json"]) == 1
    (said,) = objects(capsys)
    assert (said["file"], said["line"], said["column"], said["source"]) == (None, None, None, None)
    assert said["code"] in ("E0801", "E0803")


def test_one_format_does_not_outlive_its_command(file, capsys):
    main(["opt", file, "--diagnostics=json"])
    capsys.readouterr()
    main(["opt", file])
    assert "error:" in capsys.readouterr().err


def test_notes_are_objects_inside_of_their_error(tmp_path, capsys):
    path = tmp_path / "x.mlir"
    path.write_text(NEG)
    reproducer = tmp_path / "crash.mlir"
    flag = f"--mlir-pass-pipeline-crash-reproducer={reproducer}"
    assert main(["opt", str(path), "--bufferize", flag, "--diagnostics=json"]) == 1
    (said,) = objects(capsys)
    assert said["code"] == "E0508"
    assert [note["severity"] for note in said["notes"]] == ["note", "error"]
    assert said["notes"][1]["line"] == 2


def test_a_bug_of_weft_is_an_object_too(monkeypatch, file, capsys):
    def broken(arguments):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("weft.tools.opt.command", broken)
    assert main(["opt", file, "--diagnostics=json"]) == 70
    (said,) = objects(capsys)
    assert said["code"] == "E0901"
    assert "ZeroDivisionError: planted" in said["message"]
    assert any("reproducer at" in note["message"] for note in said["notes"])


def test_what_is_no_error_is_a_remark(tmp_path, capsys):
    path = tmp_path / "one.mlir"
    path.write_text("func.func @main() -> i32 {\n  %0 = arith.constant 1 : i32\n  func.return %0 : i32\n}\n")
    assert main(["run", str(path), "--diagnostics=json"]) == 0
    (said,) = objects(capsys)
    assert (said["severity"], said["code"]) == ("remark", None)


@pytest.mark.parametrize("flag", ["--diagnostics=jason", "--diagnostics"])
def test_a_format_that_there_is_not_is_refused(flag, capsys):
    assert main(["opt", flag]) == 1
    err = capsys.readouterr().err
    assert "expected text or json [E0803]" in err
    assert ("did you mean 'json'?" in err) == ("=" in flag)
