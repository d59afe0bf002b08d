"""The verifier names every op that is wrong, once, at its place."""

import pytest

import weft
from weft.tools.main import main


def errors(text):
    with pytest.raises(weft.WeftError) as caught:
        weft.parse(text)
    return [(d.where.line, d.code.name) for d in caught.value.diagnostics]


def test_every_wrong_op_is_named():
    text = """func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>) -> i32 {
  %0 = "ml.add"(%a, %b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>
  %1 = "arith.addi"() : () -> i32
  %2 = "arith.constant"() : () -> i32
  func.call @nowhere() : () -> ()
  func.return %a : tensor<4xf32>
}
func.func @f() {
  func.return
}
"""
    assert errors(text) == [
        (2, "E0403"),
        (3, "E0402"),
        (4, "E0404"),
        (5, "E0407"),
        (6, "E0409"),
        (8, "E0407"),
    ]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('  "test.op"() : () -> ()', 2),
        ("  func.return\n  func.return", 2),
        ('  func.return\n  "test.op"() : () -> ()', 2),
        ('  "func.func"() <{sym_name = "g", function_type = () -> ()}> ({\n  ^e:\n  }) : () -> ()\n  func.return', 2),
        (
            '  %c = arith.constant true\n  "scf.if"(%c) ({\n    "test.op"() : () -> ()\n'
            "  }, {\n  scf.yield\n  }) : (i1) -> ()\n  func.return",
            4,
        ),
    ],
)
def test_a_missing_terminator_is_said_once(body, line):
    assert errors(f"func.func @f() {{\n{body}\n}}\n") == [(line, "E0405")]


def test_every_use_that_is_not_dominated_is_named():
    text = """func.func @f() {
  "test.op"(%0, %1) : (i32, i32) -> ()
  "test.op"(%0) : (i32) -> ()
  %0, %1 = "test.op"() : () -> (i32, i32)
  func.return
}
"""
    assert errors(text) == [(2, "E0406"), (2, "E0406"), (3, "E0406")]


def test_a_value_from_outside_is_named_where_it_is_used():
    text = """builtin.module {
  %0 = arith.constant 1 : i32
  func.func @f() {
    func.return
  }
  "func.func"() <{sym_name = "g", function_type = () -> ()}> ({
    "test.op"(%0) : (i32) -> ()
    func.return
  }) : () -> ()
}
"""
    assert errors(text) == [(7, "E0406")]


def test_a_branch_into_another_region_is_no_crash():
    text = """func.func @f(%c: i1) {
  scf.if %c {
    cf.br ^out
  }
  cf.br ^out
^out:
  func.return
}
"""
    assert errors(text) == [(2, "E0405"), (3, "E0206")]


def test_a_verifier_that_raises_a_plain_exception_is_no_bug_of_weft():
    text = """func.func @f(%m: memref<4xf32>, %i: index) {
  %0 = memref.load %m[] : memref<4xf32>
  %1 = memref.load %m[%i] : memref<4xf32>
  func.return
}
"""
    assert errors(text) == [(2, "E0401")]


def test_a_broken_definition_does_not_leave_values_without_one():
    text = """func.func @f() {
  "test.op"(%0) : (f32) -> ()
  %0 = "test.op"() : () -> i32
  func.return
}
"""
    assert errors(text) == [(3, "E0212")]


def test_a_verifier_of_xdsl_that_fails_refuses_its_op():
    text = """func.func @f(%c: i1) {
  %0:2 = "scf.while"() ({
    "scf.condition"(%c) : (i1) -> ()
  }, {
    "scf.yield"() : () -> ()
  }) : () -> (i32, i32)
  func.return
}
"""
    assert errors(text)[0] == (2, "E0401")


def test_a_verifier_of_weft_that_fails_is_a_bug(monkeypatch):
    from weft.dialects.ml.elementwise import AbsOp

    monkeypatch.setattr(AbsOp, "verify_", lambda self: [][0])
    with pytest.raises(IndexError):
        weft.parse("func.func @f(%a: tensor<4xf32>) {\n  %0 = ml.abs %a : tensor<4xf32>\n  func.return\n}\n")


def test_a_count_is_no_symbol():
    text = "func.func @f(%i: index) {\n  %0 = affine.apply affine_map<(d0) -> (d0)>(%i, %i)\n  func.return\n}\n"
    assert errors(text) == [(2, "E0402")]


def test_a_symbol_that_is_defined_twice_is_said_at_the_second_with_a_note_at_the_first(tmp_path, capsys):
    path = tmp_path / "twice.mlir"
    path.write_text("func.func private @a()\nfunc.func private @b()\nfunc.func private @a()\n")
    assert main(["opt", str(path)]) == 1
    err = capsys.readouterr().err
    assert "twice.mlir:3:1: error: @a is already defined [E0407]" in err
    assert "twice.mlir:1:1: note: @a is defined here" in err


def test_operands_of_two_types_are_told_with_both(tmp_path, capsys):
    path = tmp_path / "types.mlir"
    path.write_text(
        '%a, %b = "test.op"() : () -> (tensor<4xf32>, tensor<5xf32>)\n'
        '%c = "ml.add"(%a, %b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>\n'
    )
    assert main(["opt", str(path)]) == 1
    assert "'ml.add' op has tensor<5xf32> where tensor<4xf32> is needed" in capsys.readouterr().err


def test_what_a_region_yields_is_what_its_op_has():
    text = """
func.func @main(%c: i1, %x: f32) {
  scf.if %c {
    "scf.yield"(%x) : (f32) -> ()
  }
  func.return
}
"""
    with pytest.raises(weft.WeftError, match=r"<string>:4:5: error: 'scf.yield' op yields \(f32\), and 'scf.if'"):
        weft.parse(text)
    assert weft.parse(text.replace("(%x) : (f32)", "() : ()"))


def test_a_buffer_in_a_memory_that_no_gpu_has_is_an_error_of_the_text():
    text = """
gpu.module @kernels {
  gpu.func @k() workgroup(%s : memref<4xf32, 6>) kernel {
    gpu.return
  }
}
"""
    with pytest.raises(weft.WeftError, match=r"<string>:3:3: error: .*memref<4xf32, 6"):
        weft.parse(text)
