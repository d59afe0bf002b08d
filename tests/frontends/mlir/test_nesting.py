"""What is nested a thousand deep is read; deeper is a located error, never a crash."""

import pytest

from tests.frontends.mlir.agree import by_weft
from weft.diagnostics import WeftError

ATTRIBUTE = '"test.op"() {a = %s} : () -> ()'
IN_ATTRIBUTES = {
    "arrays": ("[", "", "]"),
    "dictionaries": ("{a = ", "1", "}"),
    "tuples": ("tuple<", "i32", ">"),
    "vectors": ("vector<4x", "f32", ">"),
    "functions": ("() -> (", "i32", ")"),
    "dialect types": ("!llvm.array<2 x ", "i32", ">"),
}


def nested(kind, depth):
    """A text with something `depth` deep."""
    if kind in IN_ATTRIBUTES:
        opening, middle, closing = IN_ATTRIBUTES[kind]
        return ATTRIBUTE % (opening * depth + middle + closing * depth)
    if kind == "affine sum":
        return ATTRIBUTE % f"affine_map<(d0) -> (d0{' + d0' * depth})>"
    if kind == "affine parentheses":
        return ATTRIBUTE % f"affine_map<(d0) -> ({'(' * depth}d0{')' * depth})>"
    if kind == "generic regions":
        return '"test.op"() ({ ' * depth + '"test.op"() : () -> ()' + " }) : () -> ()" * depth
    assert kind == "modules"
    return "module { " * depth + "}" * depth


KINDS = (*IN_ATTRIBUTES, "affine sum", "affine parentheses", "generic regions", "modules")


@pytest.mark.parametrize("kind", KINDS)
def test_nearly_a_thousand_levels_are_read(kind):
    by_weft(nested(kind, 990))


@pytest.mark.parametrize("depth", [1010, 20000])
@pytest.mark.parametrize("kind", KINDS)
def test_more_than_a_thousand_levels_are_a_located_error(kind, depth):
    with pytest.raises(WeftError, match="1000 deep") as caught:
        by_weft(nested(kind, depth))
    assert caught.value.where.line == 1


def test_loops_in_their_own_syntax_nest_deep():
    loops = "".join(f"scf.for %i{k} = %c to %c step %c {{\n" for k in range(900))
    by_weft(f"func.func @f(%c: index) {{\n{loops}{'}' * 900}\nfunc.return\n}}")
