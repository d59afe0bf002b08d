"""One reading finds the errors of a whole text, and nothing that only follows from another error."""

import pytest

import weft
from weft.frontends.mlir import parse_module
from weft.frontends.mlir.recovery import MOST_ERRORS
from weft.registry import context


def errors(text):
    """The line, column and code of each error, the verifier's included."""
    with pytest.raises(weft.WeftError) as caught:
        weft.parse(text)
    return [(d.where.line, d.where.column, d.code.name) for d in caught.value.diagnostics]


def in_function(*lines):
    """These lines in a function with the arguments %a and %b, its first line is line 1."""
    return "\n".join(["func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>) {", *lines, "  func.return", "}", ""])


def test_each_broken_op_is_said_once():
    text = in_function(
        "  %0 = ml.ad %a, %a : tensor<4xf32>",
        "  %1 = ml.add %0, %a : tensor<4xf32>",
        "  %2 = ml.mul %1, %zz : tensor<4xf32>",
        "  %3 = ml.mul %2, %a tensor<4xf32>",
        "  %4 = ml.mul %3, %a : tensor<4xf32>",
    )
    assert errors(text) == [(2, 8, "E0201"), (4, 19, "E0204"), (5, 22, "E0103")]


def test_a_lost_value_has_every_type():
    text = in_function(
        "  %0 = foo.bar",
        "  %1 = ml.abs %0 : tensor<4xf32>",
        "  %2 = ml.abs %0 : tensor<9xi32>",
        '  "test.op"(%0#3) : (f32) -> ()',
    )
    assert errors(text) == [(2, 8, "E0201")]


def test_a_use_before_a_lost_definition_is_no_error():
    text = in_function("  cf.br ^b", "^a:", "  %1 = ml.abs %0 : tensor<4xf32>", "  func.return", "^b:", "  %0 = foo.it")
    assert errors(text + "func.func @g() {\n  %x = foo.baz\n  func.return\n}\n") == [(7, 8, "E0201"), (11, 8, "E0201")]


def test_a_redefined_value_may_mean_either_definition():
    text = in_function("  %a = ml.iota dim = 0 : tensor<9xi32>", "  %1 = ml.abs %a : tensor<9xi32>", "  %2 = foo.bar")
    assert errors(text) == [(2, 3, "E0205"), (4, 8, "E0201")]


def test_a_value_of_the_wrong_type_is_said_at_each_use():
    text = in_function("  %1 = ml.abs %b : tensor<4xf32>", "  %2 = ml.abs %b : tensor<6xf32>")
    assert errors(text) == [(2, 15, "E0212"), (3, 15, "E0212")]


def test_a_broken_header_hides_its_region_but_not_what_follows():
    text = "func.func @g(%c i32) {\n  %c0 = foo.bar\n  func.return\n}\n" + in_function("  %0 = foo.baz")
    assert errors(text) == [(1, 17, "E0103"), (6, 8, "E0201")]


def test_errors_in_nested_regions_are_found():
    text = in_function(
        "  %c = arith.constant true",
        "  scf.if %c {",
        "    foo.one",
        "    scf.if %c {",
        "      foo.two",
        "    } else {",
        "      foo.three",
        "    }",
        "  }",
    )
    assert [line for line, _, _ in errors(text)] == [4, 6, 8]


def test_the_head_of_a_block_can_be_broken():
    text = in_function(
        "  %i = arith.constant 1 : i32",
        "  cf.br ^one(%i : i32)",
        "^one(%x: foo):",
        "  %1 = arith.addi %x, %i : i32",
        "  %2 = foo.bar",
        "  cf.br ^two",
        "^two:",
    )
    assert errors(text) == [(4, 10, "E0103"), (6, 8, "E0201")]


def test_blocks_that_are_not_defined_are_said_together():
    text = in_function("  cf.br ^one", "^b:", "  cf.br ^two", "^c:")
    assert errors(text) == [(2, 9, "E0206"), (4, 9, "E0206")]


def test_aliases_metadata_and_functions_are_read_on_after_errors():
    text = "#a = dense<[1, [2]]> : tensor<2xi32>\n!b = tensor<x>\n}\n" + in_function("  foo.bar")
    assert [code for _, _, code in errors(text)] == ["E0305", "E0103", "E0201"]


def test_an_attribute_dictionary_over_several_lines_is_skipped_whole():
    text = in_function('  "test.op"() {', "    a = foo,", "    b = 2 : i32", "  } : () -> ()", "  foo.bar")
    assert errors(text) == [(3, 9, "E0103"), (6, 3, "E0201")]


def test_a_brace_that_is_missing_does_not_hide_the_next_op():
    text = in_function('  "test.op"() {a = 1 : i32 : () -> ()', "  foo.bar")
    assert [line for line, _, _ in errors(text)] == [2, 3]


def test_the_verifier_looks_at_what_could_be_read():
    text = in_function("  %0 = foo.bar", '  %1 = "ml.add"(%a, %b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>')
    assert [line for line, _, _ in errors(text)] == [2, 3]


def test_a_region_that_lost_its_terminator_is_not_blamed():
    text = "func.func @f() -> i32 {\n  %0 = foo.bar\n  func.retur %0 : i32\n}\n"
    assert [line for line, _, _ in errors(text)] == [2, 3]


def test_a_call_of_a_function_that_could_not_be_read_is_no_error():
    text = "func.func @g(%c i32) {\n  func.return\n}\n" + in_function(
        "  func.call @g() : () -> ()", "  func.call @h() : () -> ()"
    )
    assert errors(text) == [(1, 17, "E0103"), (6, 3, "E0407")]


def test_after_too_many_errors_the_text_is_read_no_further():
    found = errors(in_function(*["  foo.bar"] * 50))
    assert len(found) == MOST_ERRORS + 1
    assert found[-1][2] == "E0105"


def test_as_many_errors_as_allowed_are_not_too_many():
    assert [code for *_, code in errors(in_function(*["  foo.bar"] * (MOST_ERRORS - 1)))] == ["E0201"] * 19


def test_the_end_of_the_text_is_not_blamed_for_a_brace_that_was_skipped():
    assert errors('func.func @f() {\n  "test.op"() {a = ? {\n  func.return\n}\n') == [(2, 20, "E0103")]


def test_an_end_that_comes_too_early_is_said_beside_other_errors():
    assert errors("func.func @f() {\n  foo.bar\n  func.return\n") == [(2, 3, "E0201"), (4, 1, "E0103")]


def test_values_of_another_function_are_not_defined_here():
    first = "func.func @f() {\n  %0 = arith.constant 1 : i32\n  func.return\n}\n"
    second = 'func.func @g() {\n  "test.op"(%0) : (i32) -> ()\n  func.return\n}\n'
    assert errors(first + second) == [(6, 13, "E0204")]
    assert errors(second + second.replace("@g", "@h") + "\n") == [(2, 13, "E0204"), (6, 13, "E0204")]


def test_an_undefined_value_gets_the_nearest_name_of_its_function():
    with pytest.raises(weft.WeftError) as caught:
        weft.parse(in_function("  %scale = ml.abs %a : tensor<4xf32>", "  %1 = ml.abs %scal : tensor<4xf32>"))
    assert caught.value.hint == "did you mean '%scale'?"


def test_a_text_that_is_too_deep_is_said_once():
    with pytest.raises(weft.WeftError) as caught:
        parse_module("func.func @f() {\n" + "scf.if %c {\n" * 2000, context())
    assert [d.code.name for d in caught.value.diagnostics] == ["E0104"]


def test_everything_is_said_by_the_exception():
    with pytest.raises(weft.WeftError) as caught:
        weft.parse(in_function("  foo.one", "  foo.two"))
    assert "<string>:2:3: error: operation 'foo.one'" in str(caught.value)
    assert "<string>:3:3: error: operation 'foo.two'" in str(caught.value)


@pytest.mark.parametrize("line", ["scf.for %i = %i to %n step %n {", "scf.for %i = %n to %n step %i {"])
def test_an_argument_of_a_region_is_not_known_outside_of_it(line):
    text = f"func.func @f(%n: index) {{\n  {line}\n  }}\n  func.return\n}}\n"
    assert errors(text) == [(2, line.rindex("%i") + 3, "E0204")]


def test_a_value_may_be_used_before_a_region_that_has_one_of_the_same_name():
    text = """builtin.module {
  "test.op"(%x) ({
    %x = "test.op"() : () -> f32
    "test.op"(%x) : (f32) -> ()
  }) : (i32) -> ()
  %x = "test.op"() : () -> i32
}
"""
    first, last = parse_module(text, context()).body.block.ops
    assert first.operands[0] is last.results[0]
