"""Every op's documented syntax is read, verified, and written back equal, in short and in generic form."""

import re

import pytest
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError

from tests.dialects.ml.support import read, written
from weft.diagnostics import UNKNOWN
from weft.dialects.locations import where
from weft.dialects.ml import ML
from weft.frontends.mlir.reader import parse_module
from weft.registry import context

EXAMPLE = re.compile(r"```mlir\n(.*?)```", re.DOTALL)


def statements(op):
    """The documented statements of an op, one text each."""
    text = "\n".join(EXAMPLE.findall(op.__doc__ or ""))
    return [part for part in re.split(r"\n    (?=[%m])", "\n" + text) if part.strip()]


def program(statement):
    """A module of one statement and, before it, definitions of the values that it uses."""
    parser = Parser(context(), statement)
    parser.parse_op()
    used = parser.forward_ssa_references
    types = {name: value.type for name, indices in used.items() for value in indices.values()}
    definitions = [f'%{name} = "test.op"() : () -> {type}' for name, type in types.items()]
    return "\n".join([*definitions, statement])


EXAMPLES = [
    pytest.param(op, statement, id=f"{op.name}-{i}")
    for op in ML.operations
    if op.name != "ml.return"
    for i, statement in enumerate(statements(op))
]


@pytest.mark.parametrize("op", tuple(ML.operations), ids=lambda op: op.name)
def test_an_op_documents_its_syntax(op):
    assert statements(op)


@pytest.mark.parametrize(("op", "statement"), EXAMPLES)
def test_a_documented_example_is_the_op_and_reads_back(op, statement):
    module = read(program(statement))
    assert any(isinstance(inner, op) for inner in module.walk())
    short, generic = written(module), written(module, generic=True)
    if "dense_resource" in statement:
        return  # xDSL gives a resource that is read again another name
    assert read(short).is_structurally_equivalent(module)
    assert read(generic).is_structurally_equivalent(module)
    assert written(read(generic)) == short


@pytest.mark.parametrize(("op", "statement"), EXAMPLES)
def test_a_documented_example_is_written_as_documented(op, statement):
    def plain(text):
        return " ".join(text.split())

    if op.name != "ml.constant":
        assert plain(statement).partition("{ ^bb0")[0] in plain(written(read(program(statement))))


# Spellings that differ in which options they give; each must come back as it was.
SPELLINGS = [
    '"ml.matmul"(%a, %b) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>',
    '"ml.matmul"(%a, %b) <{precision = #ml<precision ieee>}> : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>',
    '"ml.dot_general"(%a, %b) : (tensor<2xf32>, tensor<3xf32>) -> tensor<2x3xf32>',
    '"ml.dot_general"(%a, %b) <{lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>}>'
    " : (tensor<2xf32>, tensor<3xf32>) -> tensor<2x3xf32>",
    '"ml.dot_general"(%a, %b) <{lhs_contracting_dimensions = array<i64: 0>, precision = #ml<precision bf16>,'
    " rhs_contracting_dimensions = array<i64: 0>}> : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>",
    '"ml.slice"(%a) <{start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 3>, strides = array<i64: 1, 1>}>'
    " : (tensor<2x3xf32>) -> tensor<2x2xf32>",
    '"ml.slice"(%a) <{start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, -1>}>'
    " : (tensor<2x3xf32>) -> tensor<2x2xf32>",
    '"ml.slice"(%a) <{start_indices = array<i64>, limit_indices = array<i64>}> : (tensor<f32>) -> tensor<f32>',
    '"ml.transpose"(%a) <{permutation = array<i64>}> : (tensor<f32>) -> tensor<f32>',
    '"ml.concatenate"(%a, %b) : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>',
    '"ml.concatenate"(%a, %b) <{dimension = 0 : i64}> : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>',
    '"ml.softmax"(%a) <{axis = -1 : i64}> : (tensor<2xf32>) -> tensor<2xf32>',
    '"ml.argmax"(%a) : (tensor<2xf32>) -> tensor<i32>',
    '"ml.get_dimension_size"(%a) : (tensor<2xf32>) -> tensor<i32>',
    '"ml.compare"(%a, %b) <{comparison_direction = #ml<comparison_direction NE>,'
    " compare_type = #ml<comparison_type FLOAT>}> : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>",
    '"ml.add"(%a, %b) {accuracy = "fast", weft.note} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>',
    '"ml.broadcast_in_dim"(%a) <{broadcast_dimensions = array<i64>}> {note = 1 : i8} : (tensor<f32>) -> tensor<2xf32>',
]

REDUCTIONS = [
    "%r = ml.reduce add %a : tensor<2x3xf32> to tensor<f32>",
    "%r = ml.reduce add %a, dims = [] : tensor<2x3xf32> to tensor<2x3xf32>",
    "%r = ml.reduce or %a init %b, dims = [1] {note = 1 : i8} : tensor<2x3xi1> to tensor<2xi1>",
    "%r = ml.reduce mul %a, dims = [0] : tensor<?x3xbf16> to tensor<3xbf16>",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_text_comes_back_with_the_options_it_had(spelling):
    module = read(program(f"%r = {spelling}"))
    assert read(written(module)).is_structurally_equivalent(module)
    assert read(written(module, generic=True)).is_structurally_equivalent(module)


@pytest.mark.parametrize("spelling", [s for s in SPELLINGS if "<{" in s and "{note" not in s])
def test_options_may_stand_among_the_attributes(spelling):
    among = spelling.replace("<{", "{").replace("}>", "}")
    assert read(program(f"%r = {among}")).is_structurally_equivalent(read(program(f"%r = {spelling}")))


@pytest.mark.parametrize("text", REDUCTIONS)
def test_a_reduction_by_kind_has_a_short_form(text):
    module = read(program(text))
    assert text in written(module)
    assert read(written(module)).is_structurally_equivalent(module)
    assert read(written(module, generic=True)).is_structurally_equivalent(module)


def test_a_body_that_says_more_than_its_kind_is_written_out():
    exchanged = """%r = ml.reduce(%a), dims = [0] : (tensor<4xf32>) -> tensor<f32> {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %z = ml.add %y, %x : tensor<f32>
  ml.return %z : tensor<f32>
}"""
    module = read(program(exchanged))
    assert "ml.add %y, %x" in written(module)
    assert read(written(module)).is_structurally_equivalent(module)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ml.reduce add %a : tensor<*xf32> to tensor<f32>", "takes a ranked tensor"),
        ("ml.reduce sub %a : tensor<2xf32> to tensor<f32>", "'\\('"),
        ("ml.slice %a [0] : tensor<2xf32> to tensor<2xf32>", "Expected ':'"),
        ("ml.dot_general %a, %b, dims = [0] x [0] : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>", "expected batch"),
        ("ml.compare XX, %a, %b : tensor<2xf32>", "EQ"),
    ],
)
def test_wrong_text_is_refused_where_it_goes_wrong(text, message):
    with pytest.raises(ParseError, match=message):
        Parser(context(), f"%r = {text}").parse_op()


@pytest.mark.parametrize(("op", "statement"), EXAMPLES)
def test_the_reader_of_weft_reads_a_documented_example_alike(op, statement):
    text = program(statement)
    module = parse_module(text, context())
    module.verify()
    if "dense_resource" not in statement:
        assert module.is_structurally_equivalent(read(text))
    assert all(where(inner) is not UNKNOWN for inner in module.walk())
