"""Numbers on the command line that cannot be meant are refused."""

import pytest

from weft.tools.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repeat", "0"], "argument --repeat: it should be at least 1, not 0"),
        (["--repeat", "few"], "argument --repeat: it should be a whole number, not 'few'"),
        (["--check-timeout", "-1"], "argument --check-timeout: it should be more than 0 seconds, not -1"),
        (["--check-timeout", "nan"], "argument --check-timeout: it should be more than 0 seconds, not nan"),
        (["--threads", "99999999999"], "threads must be 1 to 1024, not 99999999999"),
        (["--threads", "0"], "threads must be 1 to 1024, not 0"),
    ],
)
def test_run_refuses(words, said, tmp_path, capsys):
    program = tmp_path / "a.mlir"
    program.write_text("func.func @main() { func.return }")
    assert main(["run", str(program), *words]) == 1
    assert said in capsys.readouterr().err


def test_compile_refuses_threads_that_no_machine_has(tmp_path, capsys):
    program = tmp_path / "a.mlir"
    program.write_text("func.func @main() { func.return }")
    assert main(["compile", str(program), "-o", str(tmp_path / "a.o"), "--threads", "1025"]) == 1
    assert "threads must be 1 to 1024, not 1025" in capsys.readouterr().err
    assert not (tmp_path / "a.o").exists()
