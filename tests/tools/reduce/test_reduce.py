"""`weft reduce`: a planted bug in a pass, tests that misbehave, and the end by the user."""

import stat
import sys

import pytest

from weft.tools.main import main

PROGRAM = """
func.func @main(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  %a = ml.add %x, %y : tensor<8xf32>
  %b = ml.exp %a : tensor<8xf32>
  func.return %b : tensor<8xf32>
}
"""
READ = "import sys\ntext = open(sys.argv[-1]).read()"


@pytest.fixture
def script(tmp_path):
    """Makes a test out of the body of a Python function of `path`."""

    def make(body, first=f"#!{sys.executable}", read=READ):
        path = tmp_path / "script"
        path.write_text(f"{first}\n{read}\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.mlir"
    path.write_text(PROGRAM)
    return str(path)


def test_only_the_exit_code_1_is_interesting(program, script, capsys):
    test = script("sys.exit(1 if 'ml.exp' in text and 'ml.add' in text else 2)")
    assert main(["reduce", program, f"--test={test}"]) == 0
    found = capsys.readouterr().out
    assert "ml.exp" in found and "ml.add" in found and "tensor<8xf32>" not in found
    assert main(["reduce", program, "--test", script("sys.exit(2)")]) == 1
    assert "exited with 2" in capsys.readouterr().err


def test_every_candidate_reads_back(program, script, capsys, tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    body = (
        "import pathlib\n"
        f"folder = pathlib.Path({str(log)!r})\n"
        "(folder / f'{len(list(folder.iterdir()))}.mlir').write_text(text)\n"
        "sys.exit('ml.exp' in text)"
    )
    assert main(["reduce", program, f"--test={script(body)}"]) == 0
    capsys.readouterr()
    files = list(log.iterdir())
    assert len(files) > 3
    for file in files:
        assert main(["opt", str(file)]) == 0
        assert capsys.readouterr().out == file.read_text()


def test_a_test_without_an_interpreter_is_a_clear_error(program, script, capsys):
    assert main(["reduce", program, f"--test={script('', first='')}"]) == 1
    said = capsys.readouterr().err
    assert "cannot run the test" in said and "hint: does it begin with a line such as #!/bin/sh?" in said


def test_a_candidate_on_which_the_test_hangs_is_not_interesting(program, script, capsys):
    test = script('grep -q ml.exp "$1" || sleep 100\nexit 1\n', first="#!/bin/sh", read="")
    assert main(["reduce", program, f"--test={test}", "--timeout=1.5", "--max-steps=2"]) == 0
    assert "ml.exp" in capsys.readouterr().out


def test_an_interrupted_search_gives_what_was_found(program, script, capsys, monkeypatch):
    from weft.driver.reduction.script import Script

    whole = Script.run

    def run(self, text):
        if self.runs == 4:
            raise KeyboardInterrupt
        return whole(self, text)

    monkeypatch.setattr(Script, "run", run)
    test = script("sys.exit('ml.exp' in text)")
    assert main(["reduce", program, f"--test={test}"]) == 130
    said = capsys.readouterr()
    assert "ml.exp" in said.out and "in 4 runs of the test" in said.err


def test_ops_of_unknown_dialects_are_reduced_on_request(tmp_path, script, capsys):
    path = tmp_path / "program.mlir"
    path.write_text('func.func @f(%x: i32) { %0 = "a.b"(%x) : (i32) -> i32\n "c.d"(%0) : (i32) -> ()\n func.return }')
    test = script("sys.exit('c.d' in text)")
    assert main(["reduce", str(path), f"--test={test}"]) == 1
    assert "not registered" in capsys.readouterr().err
    assert main(["reduce", str(path), f"--test={test}", "--allow-unregistered-dialect"]) == 0
    found = capsys.readouterr().out
    assert '"c.d"' in found and "a.b" not in found
