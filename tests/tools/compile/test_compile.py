"""Files are written whole or not at all, and what may be printed comes out of the command."""

import pytest

import weft
from weft.driver.ahead import Request, export_program
from weft.driver.program import drop_unused
from weft.tools.main import main

PROGRAM = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n  func.return %x : tensor<4xf32>\n}\n"


def test_nothing_is_written_when_the_header_cannot_be(tmp_path, capsys):
    source = tmp_path / "p.mlir"
    source.write_text(PROGRAM)
    (tmp_path / "p.h").mkdir()
    assert main(["compile", str(source), "-o", str(tmp_path / "p.o")]) == 1
    assert f"cannot write output file '{tmp_path / 'p.h'}'" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.h", "p.mlir"]


def test_a_failure_leaves_the_file_that_was_there(tmp_path):
    place = tmp_path / "p.o"
    place.write_bytes(b"before")
    source = tmp_path / "p.mlir"
    source.write_text(PROGRAM.replace("return %x", "return %y"))
    assert main(["compile", str(source), "-o", str(place)]) == 1
    assert place.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_library_without_a_compiler_to_link_it_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    source = tmp_path / "p.mlir"
    source.write_text(PROGRAM)
    assert main(["compile", str(source), "-o", str(tmp_path / "p.so")]) == 1
    assert "needs a C compiler to link it, and there is no 'no-such-compiler'" in capsys.readouterr().err
    monkeypatch.setenv("CC", "false")
    assert main(["compile", str(source), "-o", str(tmp_path / "p.so")]) == 1
    assert "cannot link 'p.so': it ended with the code 1" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["p.mlir"]


@pytest.mark.parametrize("ending", ["mlir", "ll", "s", "o"])
def test_equal_programs_give_equal_files(ending, tmp_path):
    one, two = (tmp_path / name / f"p.{ending}" for name in ("one", "two"))
    for path in (one, two):
        path.parent.mkdir()
        export_program(PROGRAM, path, Request(target="cpu:x86-64-v3"))
    assert one.read_bytes() == two.read_bytes()


def test_python_writes_any_stop_too(tmp_path):
    path = tmp_path / "p.mlir"
    assert weft.export(PROGRAM, path, emit="text") == (path,)
    assert "func.func @main" in path.read_text()
    weft.export(PROGRAM, path)
    assert "llvm.func @_mlir_ciface_main" in path.read_text()
    with pytest.raises(weft.WeftError, match="cannot emit 'txt'"):
        weft.export(PROGRAM, path, emit="txt")


def test_what_no_exported_function_needs_is_dropped():
    text = """
    "memref.global"() <{sym_name = "table", sym_visibility = "private", type = memref<2xf32>,
        initial_value = dense<[1.0, 2.0]> : tensor<2xf32>, constant}> : () -> ()
    "memref.global"() <{sym_name = "unused", sym_visibility = "private", type = memref<2xf32>,
        initial_value = dense<[3.0, 4.0]> : tensor<2xf32>, constant}> : () -> ()
    func.func @main() -> f32 { %0 = func.call @first() : () -> f32  func.return %0 : f32 }
    func.func private @first() -> f32 {
      %c0 = arith.constant 0 : index
      %t = memref.get_global @table : memref<2xf32>
      %0 = memref.load %t[%c0] : memref<2xf32>
      func.return %0 : f32
    }
    func.func private @second() -> f32 { %0 = func.call @first() : () -> f32  func.return %0 : f32 }
    """
    module = weft.parse(text)
    drop_unused(module)
    assert [op.sym_name.data for op in module.ops] == ["table", "main", "first"]
