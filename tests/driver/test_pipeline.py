"""The grammar of pipelines, checked against what MLIR's own parser does with the same strings."""

import pytest

from weft.diagnostics import WeftError
from weft.driver.pipeline import Nest, Step, parse_options, parse_pipeline, parse_steps, whole_pipeline


def shape(element):
    if isinstance(element, Step):
        return (element.name, dict(element.options)) if element.options else element.name
    return (element.anchor, [shape(inner) for inner in element.elements])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("builtin.module()", ("builtin.module", [])),
        ("builtin.module(cse)", ("builtin.module", ["cse"])),
        (" builtin.module ( canonicalize , cse ) ", ("builtin.module", ["canonicalize", "cse"])),
        ("any(func.func(cse),dce)", ("any", [("func.func", ["cse"]), "dce"])),
        ("nosuch.op(cse)", ("nosuch.op", ["cse"])),
        ("builtin.module(cse{})", ("builtin.module", ["cse"])),
        ("builtin.module(a{x=1 y=two z})", ("builtin.module", [("a", {"x": "1", "y": "two", "z": "true"})])),
        ("builtin.module(a{x=1,2,3})", ("builtin.module", [("a", {"x": "1,2,3"})])),
        ("builtin.module(a{x={1,2}})", ("builtin.module", [("a", {"x": "1,2"})])),
        ("builtin.module(a{x='b c' y=\"d}\"})", ("builtin.module", [("a", {"x": "b c", "y": "d}"})])),
        (
            "builtin.module(inline{op-pipelines=func.func(canonicalize,cse)})",
            ("builtin.module", [("inline", {"op-pipelines": "func.func(canonicalize,cse)"})]),
        ),
    ],
)
def test_a_pipeline_is_read_as_mlir_reads_it(text, expected):
    assert shape(parse_pipeline(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "wrapped with the anchor"),
        ("canonicalize", "wrapped with the anchor"),
        ("builtin.module(cse", "expected ',' or ')'"),
        ("builtin.module(cse))", "unbalanced parentheses"),
        ("builtin.module(cse),builtin.module(cse)", "unbalanced parentheses"),
        ("builtin.module(cse) x", "expected end of pipeline"),
        ("builtin.module(a{x=1)", "missing closing '}'"),
        ("builtin.module(a{x='1)", "missing closing quote"),
        ("builtin.module(a{x=(1", "missing closing ')'"),
        ("(cse)", "expected an operation name"),
    ],
)
def test_a_wrong_pipeline_is_refused_with_its_column(text, message):
    with pytest.raises(WeftError, match=r"error: |wrapped") as error:
        parse_pipeline(text)
    assert message in str(error.value)


def test_a_flat_list_runs_on_the_module():
    assert shape(parse_steps("a,b{x=1}")) == ("builtin.module", ["a", ("b", {"x": "1"})])


def test_a_pipeline_prints_as_text_that_reads_back():
    text = "builtin.module(a{x=1,2 y='b c'},func.func(cse{k=f(g)}))"
    assert shape(parse_pipeline(str(parse_pipeline(text)))) == shape(parse_pipeline(text))


def test_options_of_a_pass_flag_are_separated_by_blanks():
    assert parse_options("a=1 b=2,3 c") == (("a", "1"), ("b", "2,3"), ("c", "true"))


def test_steps_come_in_the_order_in_which_they_run():
    nest = Nest("any", (Step("a"), Nest("func.func", (Step("b"),)), Step("c")))
    assert [step.name for step in nest.steps()] == ["a", "b", "c"]


def test_a_flat_list_gets_its_anchor():
    assert whole_pipeline("a,b{x=1}") == "builtin.module(a,b{x=1})"
    assert whole_pipeline("builtin.module(a)") == "builtin.module(a)" and whole_pipeline("") == ""
