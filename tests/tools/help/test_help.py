"""`weft help` tells what an op, a type, a pass or a dialect is; docs/ops.md and docs/passes.md say the same."""

from pathlib import Path

import pytest
from xdsl.context import Context

from weft.registry import context, find_pass, pass_names
from weft.tools.main import main
from weft.tools.reference_docs import DIALECTS, pages

DOCS = Path(__file__).parents[3] / "docs"


def help_of(capsys, *names):
    code = main(["help", *names])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_help_of_an_op_has_its_syntax_and_its_parts(capsys):
    code, out, _ = help_of(capsys, "ml.softmax")
    assert code == 0
    assert "### ml.softmax" in out
    assert "%s = ml.softmax %x, axis = 0 : tensor<4x8xf32>" in out
    assert "- `operand`: `tensor`" in out
    assert "- `axis`: `integer`, optional" in out
    _, out, _ = help_of(capsys, "ml.attention")
    assert "- `mask`: optional, `tensor`" in out


def test_an_op_of_xdsl_has_help_with_defaults(capsys):
    code, out, _ = help_of(capsys, "memref.alloc", "arith.addi")
    assert code == 0
    assert "- `dynamic_sizes`: any number of `index`" in out
    assert "- `lhs`" in out
    assert "- `overflowFlags`: `arith.overflow`, default `" in out


def test_the_help_of_a_pass_has_before_after_and_options(capsys):
    code, out, _ = help_of(capsys, "loop-tile")
    assert code == 0
    assert "**Before**" in out
    assert "**After**" in out
    assert "- `size`: " in out
    assert "required" in out
    assert "It takes no options." in help_of(capsys, "cse")[1]


@pytest.mark.parametrize("name", ["ml", "loop", "scf"])
def test_the_help_of_a_dialect_lists_its_ops(capsys, name):
    code, out, _ = help_of(capsys, name)
    assert code == 0
    assert out.startswith(f"## {name}\n")
    assert f"- `{name}." in out


@pytest.mark.parametrize(
    "wrong, near", [("ml.softmx", "ml.softmax"), ("canonicalise", "canonicalize"), ("scff", "scf")]
)
def test_an_unknown_name_has_a_near_one(capsys, wrong, near):
    code, out, err = help_of(capsys, wrong)
    assert (code, out) == (1, "")
    assert f"there is no op, pass or dialect '{wrong}'" in err
    assert f"did you mean '{near}'?" in err


def test_an_unknown_option_is_refused(capsys):
    assert help_of(capsys, "--nosuch")[0] == 1
    assert help_of(capsys, "--help")[0] == 0
    assert help_of(capsys)[0] == 0


def test_every_op_of_every_dialect_has_a_page(capsys):
    from weft.driver.reference import attribute_page, op_page

    ctx: Context = context()
    for name in ("ml", "loop", "target", "arith", "func", "scf", "cf", "memref", "tensor", "llvm", "linalg", "vector"):
        ctx.load_registered_dialect(name)
        dialect = ctx.get_dialect(name)
        for op in dialect.operations:
            assert op_page(op).startswith(f"### {op.name}")
        for attribute in dialect.attributes:
            assert attribute.name in attribute_page(attribute)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_op_of_weft_has_a_description_and_its_syntax(name):
    ctx = context()
    ctx.load_registered_dialect(name)
    for op in ctx.get_dialect(name).operations:
        assert op.__doc__ and "```mlir" in op.__doc__, op.name


@pytest.mark.parametrize("name", pass_names())
def test_every_pass_says_what_it_does_needs_and_leaves_alone(name):
    text = find_pass(name).__doc__
    for part in ("**Before**", "**After**", "**Needs**", "**Leaves alone**"):
        assert part in text, f"{name} has no {part}"


@pytest.mark.parametrize("name", ["ops.md", "passes.md", "errors.md"])
def test_the_reference_in_docs_is_what_the_docstrings_say(name):
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run python -m weft.tools.reference_docs"
