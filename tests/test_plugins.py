"""A plug-in's dialects and passes are known everywhere; one that is wrong gives one clear error."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import weft
from tests.docs.test_docs import BLOCK
from weft import plugins
from weft.driver import cache
from weft.registry import context, find_pass, pass_names
from weft.tools.main import main

ROOT = Path(__file__).parents[1]
POLY = ROOT / "examples" / "plugins" / "poly.py"
PROGRAM = ROOT / "examples" / "plugins" / "poly.mlir"

PASS = """
from dataclasses import dataclass
from xdsl.passes import ModulePass

@dataclass(frozen=True)
class Rename(ModulePass):
    name = "rename-functions"
    suffix: str = "_new"

    def apply(self, ctx, op):
        for function in op.body.block.ops:
            function.properties["sym_name"] = type(function.sym_name)(function.sym_name.data + self.suffix)

PASSES = (Rename,)
"""


@pytest.fixture(autouse=True)
def no_plugin_stays(monkeypatch):
    monkeypatch.setattr(plugins, "_LOADED", {})
    monkeypatch.setattr(plugins, "_installed", lambda: ())


def run(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_dialect_is_known_after_loading_and_not_before(capsys):
    code, _, err = run(capsys, "opt", PROGRAM)
    assert code == 1
    assert "there is no dialect 'poly'" in err
    code, out, _ = run(capsys, "opt", f"--load-dialect-plugin={POLY}", PROGRAM)
    assert code == 0
    assert "%0 = poly.literal 0.5 x^0 + -1.5 x^1 + 3.0 x^2 : !poly.of<2>" in out


@pytest.mark.parametrize("target", ["cpu", "reference"])
def test_a_program_of_the_dialect_runs(target):
    weft.load_plugin(POLY)
    program = weft.compile(PROGRAM, target=target)
    x = np.array([0.0, 1.0, -2.0, np.inf])
    assert program(x).tolist() == [0.5, 2.0, 15.5, np.inf]


def test_the_pattern_of_the_dialect_drops_a_leading_zero(capsys, tmp_path):
    text = PROGRAM.read_text().replace("3 x^2", "0 x^2")
    (tmp_path / "zero.mlir").write_text(text)
    _, out, _ = run(capsys, "opt", f"--load-dialect-plugin={POLY}", tmp_path / "zero.mlir", "--canonicalize")
    assert "!poly.of<1>" in out
    assert "!poly.of<2>" not in out


def test_an_error_in_a_fragment_has_its_place(capsys, tmp_path):
    (tmp_path / "p.mlir").write_text('"test.op"() : () -> ()\n%p = poly.literal 3 x^4 : !poly.of<2>\n')
    code, _, err = run(capsys, "opt", f"--load-dialect-plugin={POLY}", tmp_path / "p.mlir")
    assert code == 1
    assert "p.mlir:2:6: error: 'poly.literal': !poly.of<2> has no x^4" in err


def test_types_change_within_functions_and_between_them():
    weft.load_plugin(POLY)
    program = weft.compile("""
        func.func private @value(%p: !poly.of<1>, %x: tensor<2xf64>) -> tensor<2xf64> {
          %y = poly.eval %p at %x : !poly.of<1>, tensor<2xf64>
          func.return %y : tensor<2xf64>
        }
        func.func @main(%x: tensor<2xf64>, %first: i1) -> tensor<2xf64> {
          %p = poly.literal 2 x^1 : !poly.of<1>
          %q = poly.literal 1 x^1 + 1 : !poly.of<1>
          %r = scf.if %first -> (!poly.of<1>) {
            scf.yield %p : !poly.of<1>
          } else {
            scf.yield %q : !poly.of<1>
          }
          %y = func.call @value(%r, %x) : (!poly.of<1>, tensor<2xf64>) -> tensor<2xf64>
          func.return %y : tensor<2xf64>
        }
    """)
    assert program(np.array([3.0, 4.0]), True).tolist() == [6.0, 8.0]
    assert program(np.array([3.0, 4.0]), False).tolist() == [4.0, 5.0]


def test_a_pass_is_a_flag_with_options(capsys, tmp_path):
    (tmp_path / "rename.py").write_text(PASS)
    (tmp_path / "f.mlir").write_text("func.func @f() {\n  func.return\n}\n")
    words = ["opt", f"--load-pass-plugin={tmp_path / 'rename.py'}", tmp_path / "f.mlir"]
    assert "@f_new()" in run(capsys, *words, "--rename-functions")[1]
    assert "@fz()" in run(capsys, *words, "-p", "builtin.module(rename-functions{suffix=z})")[1]
    assert "rename-functions" in pass_names()
    assert find_pass("rename-functions").name == "rename-functions"


def test_help_tells_of_a_plugins_dialect(capsys):
    code, out, _ = run(capsys, "help", "--load-dialect-plugin", POLY, "poly.eval", "poly")
    assert code == 0
    assert "The value of a polynomial at each element of a tensor." in out


def test_an_installed_plugin_is_found_and_a_broken_one_left_out_with_a_warning(monkeypatch, tmp_path):
    monkeypatch.undo()
    (tmp_path / "good_weft_plugin.py").write_text(POLY.read_text().replace('"poly', '"poly2'))
    (tmp_path / "broken_weft_plugin.py").write_text("raise ValueError('no good')")
    monkeypatch.syspath_prepend(tmp_path)
    found = [EntryPoint(name, f"{name}_weft_plugin", plugins.GROUP) for name in ("good", "broken")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: found)
    plugins._installed.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"the installed plug-in 'broken' is left out: .*ValueError: no good"):
            assert "poly2" in context().registered_dialect_names
    finally:
        plugins._installed.cache_clear()
        sys.modules.pop("good_weft_plugin")


@pytest.mark.parametrize(
    "text, message",
    [
        ("DIALECTS = ()", "brings nothing"),
        ("DIALECTS = (1,)", "DIALECTS must be a tuple of dialects"),
        ("PASSES = 3", "PASSES must be a tuple of passes"),
        ("import nosuchmodule", "cannot be imported: ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("x = 1\n1 / 0", "cannot be imported: ZeroDivisionError: division by zero ("),
        ("def f(:", "cannot be imported: SyntaxError"),
        ("from weft.dialects.ml import ML\nDIALECTS = (ML,)", "brings a dialect 'ml', which weft has itself"),
        (PASS.replace("rename-functions", "cse"), "brings a pass 'cse', which weft has itself"),
    ],
)
def test_a_wrong_plugin_gives_one_clear_error(capsys, tmp_path, text, message):
    (tmp_path / "wrong.py").write_text(text)
    code, out, err = run(capsys, "opt", f"--load-dialect-plugin={tmp_path / 'wrong.py'}", PROGRAM)
    assert (code, out) == (1, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words, message",
    [
        (["--load-dialect-plugin=nosuch_module"], "there is no module 'nosuch_module'"),
        (["--load-dialect-plugin=nosuch.py"], "cannot open plug-in 'nosuch.py': it is no file"),
        (["--load-pass-plugin"], "needs a value"),
        (["--load-pass-plugin="], "needs a value"),
    ],
)
def test_a_plugin_that_is_not_there(capsys, words, message):
    code, _, err = run(capsys, "opt", *words)
    assert code == 1
    assert message in err


def test_a_module_beside_the_program_is_hinted_at(capsys, tmp_path, monkeypatch):
    (tmp_path / "mine_beside.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert "give its path: ./mine_beside.py" in run(capsys, "opt", "--load-dialect-plugin=mine_beside")[2]


def test_compiled_code_depends_on_the_source_of_a_plugin(tmp_path):
    path = tmp_path / "poly_key.py"
    path.write_text(POLY.read_text())
    weft.load_plugin(path)
    before = cache.key(["x"])
    assert cache.key(["x"]) == before
    path.write_text(POLY.read_text() + "# changed\n")
    plugins._LOADED.clear()
    weft.load_plugin(path)
    assert cache.key(["x"]) != before


def test_the_page_shows_the_whole_file():
    page = (ROOT / "docs" / "add-a-dialect.md").read_text()
    dialect, step = (text for kind, text in BLOCK.findall(page) if kind == "python")
    assert dialect == POLY.read_text()
    assert step == (POLY.parent / "count.py").read_text()


FAILING = """
import sys
from dataclasses import dataclass
from xdsl.passes import ModulePass

@dataclass(frozen=True)
class Quit(ModulePass):
    name = "quit-now"
    how: str = "exit"

    def apply(self, ctx, op):
        if self.how == "exit":
            sys.exit(0)
        if self.how == "raise":
            raise KeyError("x")
        list(op.walk())[-1].detach()

PASSES = (Quit,)
"""


@pytest.mark.parametrize(
    "how, message",
    [
        ("exit", "the pass 'quit-now' failed: SystemExit: 0 ("),
        ("raise", "the pass 'quit-now' failed: KeyError: 'x' ("),
        ("break", "after pass 'quit-now': "),
    ],
)
def test_a_pass_that_fails_is_blamed_with_its_plugin(capsys, tmp_path, how, message):
    (tmp_path / "quit.py").write_text(FAILING)
    (tmp_path / "f.mlir").write_text("func.func @f() {\n  func.return\n}\n")
    words = ["opt", f"--load-pass-plugin={tmp_path / 'quit.py'}", tmp_path / "f.mlir", f"--quit-now=how={how}"]
    code, out, err = run(capsys, *words)
    assert (code, out) == (1, "")
    assert message in err
    assert "hint: it comes from the plug-in" in err


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("return [value]", "return value.nothing", "the rewrite 'eval_to_ml' of 'poly.eval' failed: AttributeError"),
        ("return [value]", "return [value, value]", "the rewrite 'eval_to_ml' of 'poly.eval' must give values of"),
        ("return [value]", "return [op.poly]", "the rewrite 'eval_to_ml' of 'poly.eval' must give values of"),
        ("shorter = builder", "shorter = bilder", "the rewrite 'drop_leading_zero' of 'poly.eval' failed: NameError"),
    ],
)
def test_a_rewrite_that_fails_is_blamed_at_the_op(capsys, tmp_path, old, new, message):
    assert old in POLY.read_text()
    (tmp_path / "poly_wrong.py").write_text(POLY.read_text().replace(old, new))
    (tmp_path / "p.mlir").write_text(PROGRAM.read_text().replace("3 x^2", "0 x^2"))
    plugin = f"--load-dialect-plugin={tmp_path / 'poly_wrong.py'}"
    code, _, err = run(capsys, "run", plugin, tmp_path / "p.mlir", "--input", "2xf64=1")
    assert code == 1
    assert f"p.mlir:5:3: error: {message}" in err


def test_a_meaning_that_gives_no_tuple_is_blamed_at_the_op(capsys, tmp_path):
    (tmp_path / "poly_meaning.py").write_text(POLY.read_text().replace("return (value,)", "return value"))
    plugin = f"--load-dialect-plugin={tmp_path / 'poly_meaning.py'}"
    code, _, err = run(capsys, "run", plugin, PROGRAM, "--input", "2xf64=1", "--target", "reference")
    assert code == 1
    assert "the meaning of 'poly.eval' (evaluate) must give a tuple of 1 values" in err


@pytest.mark.parametrize(
    "text, message",
    [
        ("import sys\nsys.exit(3)", "cannot be imported: SystemExit: 3"),
        (PASS.replace("rename-functions", "A B"), "'A B' is no name for a pass"),
        ("from xdsl.ir import Dialect\nDIALECTS = (Dialect('a b'),)", "'a b' is no name for a dialect"),
    ],
)
def test_a_plugin_cannot_leave_or_take_odd_names(capsys, tmp_path, text, message):
    (tmp_path / "odd.py").write_text(text)
    code, _, err = run(capsys, "opt", f"--load-dialect-plugin={tmp_path / 'odd.py'}", PROGRAM)
    assert code == 1
    assert message in err


def test_the_reference_of_weft_tells_of_no_plugin():
    from weft.driver.reference import passes_reference

    weft.load_plugin(POLY.parent / "count.py")
    assert "count-ops" in pass_names()
    assert "count-ops" not in passes_reference()
