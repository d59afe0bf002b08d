"""`check-dialect` is silent on a right dialect, and finds each kind of mistake in a wrong one."""

from pathlib import Path

import pytest

from weft import plugins
from weft.driver.check_dialect import check_dialect
from weft.registry import context, load_plugin
from weft.tools.main import main
from weft.tools.new_dialect import _templates

RIGHT = dict(_templates("mend"))["{name}_dialect.py"]
"""The skeleton of a dialect: two ops, `mend.scale` and `mend.square`."""

FORGETS = """
    note = opt_prop_def(StringAttr)

    @classmethod
    def parse(cls, parser):
        operand = parser.parse_unresolved_operand()
        parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        return cls(parser.resolve_operand(operand, parser.parse_type()))

    def print(self, printer):
        printer.print_string(" ")
        printer.print_ssa_value(self.x)
        printer.print_string(" : ")
        printer.print_attribute(self.x.type)
"""
"""Syntax that has no room for the op's one property."""


@pytest.fixture(autouse=True)
def no_plugin_stays(monkeypatch):
    monkeypatch.setattr(plugins, "_LOADED", {})


def check(tmp_path, *changes):
    text = RIGHT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "mend_dialect.py"
    path.write_text(text)
    (dialect,) = load_plugin(str(path)).dialects
    return check_dialect(dialect)


def test_a_right_dialect_passes_every_kind_of_check(tmp_path):
    report = check(tmp_path)
    assert report.findings == []
    assert set(report.counts) == {"example", "round trip", "attributes", "types", "meaning", "machine code"}


@pytest.mark.parametrize(
    "op, what, changes",
    [
        (
            "mend.square",
            "its meaning disagrees with its types",
            [("return (operands[0] * operands[0],)", "return (operands[0][None] * operands[0],)")],
        ),
        (
            "mend.square",
            "what it prints reads back as another program (custom form)",
            [
                ('    assembly_format = "$x attr-dict `:` type($x)"\n', FORGETS),
                ("FloatAttr, f64", "FloatAttr, StringAttr, f64"),
                ("operand_def, prop_def", "operand_def, opt_prop_def, prop_def"),
            ],
        ),
        (
            "mend.square",
            "machine code disagrees with its meaning",
            [("[builder.insert(ml.MulOp(op.x, op.x)).result]", "[builder.insert(ml.AddOp(op.x, op.x)).result]")],
        ),
        (
            "mend.square",
            "its meaning disagrees with its types",
            [("return (operands[0] * operands[0],)", "return ((operands[0] * operands[0]).astype(np.float64),)")],
        ),
        (
            "mend.scale",
            "machine code disagrees with its meaning",
            [("np.asarray(op.factor.value.data)", "np.asarray(min(op.factor.value.data, 2.0))")],
        ),
        (
            "mend.scale",
            "it has no road to machine code",
            [("ToMl({ScaleOp: scale_to_ml, ", "ToMl({")],
        ),
        (
            "mend.square",
            "its verifier fails",
            [
                (
                    "        return (operands[0] * operands[0],)",
                    "        return (operands[0] * operands[0],)\n\n"
                    "    def check(self):\n"
                    "        if 0 in tensor_type(self.x).get_shape():\n"
                    "            raise ValueError('empty')",
                )
            ],
        ),
        (
            "mend.square",
            "no example",
            [("    %y = mend.square", "    square"), ("```mlir\n    square", "```\n    square")],
        ),
        (
            "mend.square",
            "the example of the docstring is wrong",
            [("%y = mend.square %x : tensor", "%y = mend.square %x % tensor")],
        ),
        (
            "mend.square",
            "the example of the docstring does not use the op",
            [("%y = mend.square %x", "%y = ml.neg %x")],
        ),
    ],
)
def test_a_planted_mistake_is_found_in_the_op_that_has_it(tmp_path, op, what, changes):
    findings = check(tmp_path, *changes).findings
    assert [(finding.op, finding.what) for finding in findings if finding.what.startswith(what)], findings
    assert {finding.op for finding in findings} == {op}


def test_the_command_says_what_it_checked_and_exits_with_1_for_a_mistake(tmp_path, capsys):
    path = Path(tmp_path) / "mend_dialect.py"
    path.write_text(RIGHT)
    assert main(["check-dialect", str(path)]) == 0
    assert "mend: no mistakes found (checks: example 2," in capsys.readouterr().out
    wrong = Path(tmp_path) / "wrong_dialect.py"
    wrong.write_text(RIGHT.replace("ml.MulOp(op.x, op.x)", "ml.SubOp(op.x, op.x)"))
    assert main(["check-dialect", str(wrong)]) == 1
    out = capsys.readouterr().out
    assert "error: mend.square: machine code disagrees with its meaning: " in out
    assert "%0 = mend.square %arg0 : tensor<4xf32>" in out
    assert "mend: 1 mistake (checks" in out


@pytest.mark.parametrize("words", [["nosuchdialect"], ["--nosuch"], ["mll"]])
def test_a_name_that_is_nothing_is_one_error(words, capsys):
    assert main(["check-dialect", *words]) == 1
    assert "error" in capsys.readouterr().err


@pytest.mark.long
def test_weft_finds_no_mistakes_in_its_own_tensor_dialect():
    ctx = context()
    ctx.load_registered_dialect("ml")
    assert [str(finding) for finding in check_dialect(ctx.get_dialect("ml")).findings] == []
