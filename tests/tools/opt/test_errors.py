"""What `weft opt` says of wrong files: place, line and caret, what is, what should be, a near name, a code."""

import re

import pytest

from weft.tools.main import main

OK = "func.func @ok() {\n  func.return\n}\n"


def inside(text):
    """A file with this text in a function; it begins in line 2, column 3."""
    return f"func.func @f(%a: i32, %b: f32, %m: memref<4xf32>, %i: index) {{\n  {text}\n  func.return\n}}\n"


def attribute(text):
    """A file with this attribute, which begins in column 18."""
    return f'"test.op"() {{a = {text}}} : () -> ()\n'


DEEP = 10_000
LARGE = "99999999999999999999"
FILES = {
    # name: text, code, line, column, parts of what is said
    "unknown op": (inside("%0 = arith.adi %a, %a : i32"), "E0201", 2, 8, "'arith.adi'", "did you mean 'arith.addi'?"),
    "unknown generic op": (inside('"ml.sofmax"() : () -> ()'), "E0201", 2, 3, "'ml.sofmax'", "'ml.softmax'?"),
    "unknown dialect": (inside("arit.foo"), "E0201", 2, 3, "there is no dialect 'arit'", "did you mean 'arith'?"),
    "unknown type": (attribute("!llvm.pt"), "E0202", 1, 18, "'llvm.pt'", "did you mean 'llvm.ptr'?"),
    "unknown builtin type": ("func.func private @f(tensr<4xf32>)\n", "E0103", 1, 22, "'tensr'", "mean 'tensor'?"),
    "unknown attribute": (attribute("#arith.fastmat<fast>"), "E0203", 1, 18, "fastmat", "mean 'arith.fastmath'?"),
    "unknown word": (attribute("dens<1> : tensor<4xi32>"), "E0103", 1, 18, "an attribute, found 'dens'", "'dense'?"),
    "another type": (inside("%0 = arith.addi %a, %b : i32"), "E0212", 2, 23, "type i32", "type f32"),
    "wrong type": (inside("%0 = arith.addf %a, %a : i32"), "E0403", 2, 8, "'arith.addf'", "any float", "not i32"),
    "wrong kind": (inside("%0 = ml.abs %m : memref<4xf32>"), "E0403", 2, 8, "'ml.abs'", "`tensor`", "memref<4xf32>"),
    "too few operands": (inside("%0 = arith.addi %a : i32"), "E0103", 2, 22, "expected ',', found ':'"),
    "wrong count": (inside('%0 = "arith.addi"(%a) : (i32) -> i32'), "E0402", 2, 3, "2 operands, but got 1"),
    "wrong results": (inside("%0, %1 = arith.addi %a, %a : i32"), "E0211", 2, 3, "has 1 result, but 2 names"),
    "wrong types": (inside("func.call @f() : (i32) -> ()"), "E0211", 2, 3, "0 operands here, but 1 type"),
    "wrong call": (inside("func.call @f(%a) : (i32) -> ()"), "E0402", 2, 3, "number of operands"),
    "undefined value": (inside("%0 = arith.addi %a, %aa : i32"), "E0204", 2, 23, "%aa", "did you mean '%a'?"),
    "use before definition": (
        inside("%0 = arith.addi %z, %a : i32\n  %z = arith.addi %a, %a : i32"),
        "E0406", 2, 3, "%z is used where its definition does not dominate it",
    ),
    "redefinition": (inside("%a = arith.addi %a, %a : i32"), "E0205", 2, 3, "%a is already defined"),
    "redefined function": (OK + OK, "E0407", 4, 1, "@ok is already defined", ":1:1: note: @ok is defined here"),
    "undefined block": ("func.func @f() {\n  cf.br ^en\n^end:\n  func.return\n}\n", "E0206", 2, 9, "^en", "'^end'?"),
    "no body": ("func.func @f() {\n}\n", "E0405", 1, 1, "is empty", "a declaration has no braces"),
    "no terminator": ('func.func @f() {\n  "test.op"() : () -> ()\n}\n', "E0405", 2, 3, "no terminator"),
    "unterminated string": (attribute('"abc'), "E0102", 1, 18, "does not end"),
    "unterminated symbol": ('func.func @"f() {\n}\n', "E0102", 1, 11, "expected a name after '@'"),
    "unterminated region": ("func.func @f() {\n  func.return\n", "E0103", 3, 1, "found the end", "1:16: note: this"),
    "unterminated arguments": ("func.func @f(%a: i32, {\n  func.return\n}\n", "E0103", 1, 23, "found '{'"),
    "unterminated array": (attribute("[1, 2"), "E0103", 1, 23, "expected ',' or ']', found '}'"),
    "unterminated literal": (attribute("dense<[1, 2> : tensor<2xi32>"), "E0103", 1, 29, "',' or ']', found '>'"),
    "unterminated type": (attribute("tensor<4xf32"), "E0103", 1, 30, "expected ',' or '>', found '}'"),
    "unterminated dialect attribute": (attribute("#arith.fastmath<fast"), "E0103", 1, 38, "'>' expected, found '}'"),
    "unterminated metadata": ("{-# dialect_resources: {\n", "E0103", 2, 1, "expected '}' or an identifier"),
    "unterminated operands": ('"test.op"(\n', "E0103", 2, 1, "expected ')' or a value (%x)"),
    "unterminated location": ('"test.op"() : () -> () loc("a":1\n', "E0103", 2, 1, "expected ':', found the end"),
    "bytes that are not UTF-8": (b"// \xc3\xa9\n// \xc3\xa9 \xff\n", "E0101", 2, 6, "byte 0xff"),
    "UTF-16": ("func.func private @f()".encode("utf-16"), "E0101", 1, 1, "byte 0xff"),
    "NUL": (inside("\0"), "E0102", 2, 3, "a NUL character"),
    "deep regions": ("func.func @f(%c: i1) {\n" + "scf.if %c {\n" * DEEP, "E0104", 1002, 1, "more than 1000 deep"),
    "deep generic regions": ('"test.op"() ({\n' * DEEP, "E0104", 1002, 1, "more than 1000 deep"),
    "deep modules": ("builtin.module {\n" * DEEP + "}" * DEEP, "E0104", 1002, 1, "more than 1000 deep"),
    "deep arrays": (attribute("[" * DEEP + "]" * DEEP), "E0104", 1, 1016, "more than 1000 deep"),
    "deep types": (attribute("tuple<" * DEEP + ">" * DEEP), "E0104", 1, 6006, "more than 1000 deep"),
    "deep literals": (attribute("dense<" + "[" * DEEP), "E0104", 1, 1021, "more than 1000 deep"),
    "deep maps": (attribute("affine_map<(d0) -> (" + "(" * DEEP), "E0104", 1, 1033, "more than 1000 deep"),
    "large dimension": (attribute(f"tensor<{LARGE}xf32>"), "E0301", 1, 18, LARGE, "64 bits"),
    "large shape": (attribute("tensor<4294967296x4294967296xf32>"), "E0301", 1, 18, "number of elements", "64 bits"),
    "large integer": (attribute(f"{LARGE} : i64"), "E0302", 1, 41, "out of range", "i64"),
    "large index": (inside("%0 = arith.constant 9223372036854775808 : index"), "E0301", 2, 45, "64 bits"),
    "large width": (attribute("i99999999999"), "E0303", 1, 18, "at most 16777215 bits"),
    "large stride": (attribute(f"strided<[{LARGE}]>"), "E0301", 1, 48, "stride", "64 bits"),
    "large pack": (f'%0:{LARGE} = "test.op"() : () -> ()\n', "E0301", 1, 4, "number of results", "64 bits"),
    "large line": (f'"test.op"() : () -> () loc("a":{LARGE}:1)\n', "E0301", 1, 53, "64 bits"),
    "large axis": (inside(f"%0 = ml.iota dim = {LARGE} : tensor<4xf32>"), "E0302", 2, 8, "out of range"),
}  # fmt: skip


def opt(folder, text, *flags):
    path = folder / "file.mlir"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return main(["opt", str(path), *flags])


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_refused_where_it_is_wrong(name, tmp_path, capsys):
    text, code, line, column, *parts = FILES[name]
    assert opt(tmp_path, text) == 1
    out, err = capsys.readouterr()
    assert out == ""
    first, source, caret = err.splitlines()[:3]
    assert re.fullmatch(rf".*/file\.mlir:{line}:{column}: error: .* \[{code}\]", first), err
    assert err.count("error:") == 1, err
    assert all(part in err for part in parts), err
    assert caret.strip() == "^" and len(caret) - 1 <= max(len(source), 3), err


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_chunk_does_not_hide_the_next(name, tmp_path, capsys):
    text, code, *_ = FILES[name]
    if isinstance(text, bytes):
        pytest.skip("a file has one encoding")
    assert opt(tmp_path, f"{OK}// -----\n{text}\n// -----\n{OK}// -----\nfoo.bar\n", "--split-input-file") == 1
    out, err = capsys.readouterr()
    assert out.count("func.func @ok()") == 2
    assert f"[{code}]" in err
    last = len((OK + "\n" + text + "\n\n" + OK + "\n").split("\n"))
    assert f"file.mlir:{last}:1: error: operation 'foo.bar'" in err


PIPELINES = {
    "unknown pass": ("builtin.module(canonicalise)", "E0502", "'canonicalise'", "did you mean 'canonicalize'?"),
    "unknown option": ("builtin.module(decompose{opps=a})", "E0503", "no such option opps", "did you mean 'ops'?"),
    "option value": ("builtin.module(outline-kernels{nonsense=1})", "E0503", "nonsense"),
    "wrong value": ("builtin.module(check-shapes,loop-unroll{loop=i factor=many})", "E050", "loop-unroll"),
    "unbalanced": ("builtin.module(canonicalize", "E0501", "expected ',' or ')'"),
    "no anchor": ("canonicalize", "E0501", "builtin.module(canonicalize)"),
    "wrong anchor": ("func.func(canonicalize)", "E0505", "'func.func' pass manager on 'builtin.module'"),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_wrong_pipeline_is_refused(name, tmp_path, capsys):
    pipeline, code, *parts = PIPELINES[name]
    assert opt(tmp_path, OK, f"--pass-pipeline={pipeline}") == 1
    out, err = capsys.readouterr()
    assert out == "" and f"[{code}" in err
    assert all(part in err for part in parts), err


def test_an_unknown_flag_gets_a_near_one(tmp_path, capsys):
    assert opt(tmp_path, OK, "--canonicalise") == 1
    assert "did you mean '--canonicalize'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["nowhere.mlir"], "E0801", "'nowhere.mlir': No such file or directory"),
        (["."], "E0801", "'.': Is a directory"),
        ([""], "E0801", "it has no name"),
        (["ok.mlir", "-o", "nowhere/out.mlir"], "E0802", "'nowhere/out.mlir': No such file or directory"),
        (["ok.mlir", "-o", "ok.mlir/out.mlir"], "E0802", "Not a directory"),
        (["ok.mlir", "-o", "."], "E0802", "Is a directory"),
        (["ok.mlir", "-o", "/dev/full"], "E0802", "No space left on device"),
    ],
)
def test_files_that_cannot_be_used(arguments, code, part, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ok.mlir").write_text(OK)
    assert main(["opt", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .* \[E080\d\]\n", err) and code in err and part in err
    assert [path.name for path in tmp_path.iterdir()] == ["ok.mlir"]
    assert (tmp_path / "ok.mlir").read_text() == OK
