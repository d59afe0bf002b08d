"""Programs at the limits of the machine are errors of the user's, never of weft."""

from weft.tools.main import main


def test_a_result_that_no_memory_holds_is_a_clear_error(tmp_path, capsys):
    path = tmp_path / "huge.mlir"
    path.write_text(
        "func.func @main() -> tensor<4000000000000xf32> {\n"
        "  %0 = ml.iota dim = 0 : tensor<4000000000000xf32>\n"
        "  func.return %0 : tensor<4000000000000xf32>\n}\n"
    )
    assert main(["run", str(path)]) == 1
    assert "error: out of memory" in capsys.readouterr().err


def test_a_function_of_several_blocks_can_be_called(tmp_path, capsys):
    path = tmp_path / "blocks.mlir"
    path.write_text(
        "func.func @main(%a: i64) -> i64 {\n  cf.br ^end(%a : i64)\n^end(%b: i64):\n  func.return %b : i64\n}\n"
    )
    assert main(["run", str(path), "--input", "a=3"]) == 0
    assert "i64 = 3" in capsys.readouterr().out
