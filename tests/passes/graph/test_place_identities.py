"""Canonicalization of sorts, triangles, reduced precision, takes and scatters: what goes, and the twin that stays."""

import random

import numpy as np
import pytest

from tests.passes.graph.harness import module_of, ops_of, run_passes
from tests.programs import assert_same, random_array
from weft.backends import reference


def scatter(updates: int) -> str:
    types = f"tensor<3x4xf32>, tensor<{updates}xi32>, tensor<{updates}x4xf32>"
    return f"""%i = ml.constant dense<1> : tensor<{updates}xi32>
      %u = ml.constant dense<2.0> : tensor<{updates}x4xf32>
      %r = ml.scatter(%x, %i, %u), update_window_dims = [1], inserted_window_dims = [0],
        scatter_dims_to_operand_dims = [0], index_vector_dim = 1 : ({types}) -> tensor<3x4xf32> by add"""


def along(dim: int, order: str) -> str:
    return f"%D, dim = {dim} : (tensor<3x4xf32>) -> tensor<3x4xf32> by {order}"


def twice(first: str, second: str) -> str:
    return f"%s = ml.sort{first.replace('%D', '(%x)')}\n%r = ml.sort{second.replace('%D', '(%s)')}"


# the body on %x of tensor<3x4xf32>; the ml ops that stay
CASES = {
    "a sort of sorted lines goes": (twice(along(1, "ascending"), along(1, "ascending")), ["ml.sort"]),
    "a sort of other lines stays": (twice(along(0, "ascending"), along(1, "ascending")), ["ml.sort"] * 2),
    "a sort in another order stays": (twice(along(1, "descending"), along(1, "ascending")), ["ml.sort"] * 2),
    "a triangle of all goes": ("%r = ml.tril %x, diagonal = 3 : tensor<3x4xf32>", []),
    "a triangle of all but one stays": ("%r = ml.tril %x, diagonal = 2 : tensor<3x4xf32>", ["ml.tril"]),
    "an upper triangle of all goes": ("%r = ml.triu %x, diagonal = -2 : tensor<3x4xf32>", []),
    "an upper triangle of all but one stays": ("%r = ml.triu %x, diagonal = -1 : tensor<3x4xf32>", ["ml.triu"]),
    "a triangle of a triangle is one": (
        "%s = ml.tril %x, diagonal = 1 : tensor<3x4xf32>\n%r = ml.tril %s : tensor<3x4xf32>",
        ["ml.tril"],
    ),
    "an upper triangle of an upper triangle is one": (
        "%s = ml.triu %x, diagonal = 1 : tensor<3x4xf32>\n%r = ml.triu %s : tensor<3x4xf32>",
        ["ml.triu"],
    ),
    "a triangle of the other one stays": (
        "%s = ml.triu %x : tensor<3x4xf32>\n%r = ml.tril %s : tensor<3x4xf32>",
        ["ml.triu", "ml.tril"],
    ),
    "a format of all bits goes": ("%r = ml.reduce_precision %x, format = e8m23 : tensor<3x4xf32>", []),
    "a format of fewer bits stays": (
        "%r = ml.reduce_precision %x, format = e8m22 : tensor<3x4xf32>",
        ["ml.reduce_precision"],
    ),
    "a format of a smaller exponent stays": (
        "%r = ml.reduce_precision %x, format = e7m23 : tensor<3x4xf32>",
        ["ml.reduce_precision"],
    ),
    "one known row is a slice": (
        """%i = ml.constant dense<7> : tensor<1xi32>
        %y = ml.take %x, %i : tensor<3x4xf32>, tensor<1xi32> to tensor<1x4xf32>
        %r = ml.broadcast_in_dim %y, dims = [0, 1] : tensor<1x4xf32> to tensor<3x4xf32>""",
        ["ml.slice", "ml.broadcast_in_dim"],
    ),
    "several known rows stay": (
        """%i = ml.constant dense<[7, 1, 0]> : tensor<3xi32>
        %r = ml.take %x, %i : tensor<3x4xf32>, tensor<3xi32> to tensor<3x4xf32>""",
        ["ml.constant", "ml.take"],
    ),
    "a scatter of nothing goes": (scatter(0), []),
    "a scatter of something stays": (scatter(2), ["ml.constant", "ml.constant", "ml.scatter"]),
}


@pytest.mark.parametrize("what", CASES)
def test_an_equation_is_applied_where_it_holds_and_keeps_the_meaning(what):
    body, stays = CASES[what]
    text = f"func.func @main(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {{\n{body}\nfunc.return %r : tensor<3x4xf32>\n}}"
    module = module_of(text)
    x = random_array(random.Random(1), module.body.block.first_op.function_type.inputs.data[0].element_type, (3, 4))
    expected = reference.run(module, "main", [x])
    run_passes(module, "canonicalize")
    assert [op.name for op in module.body.block.first_op.body.block.ops if op.name.startswith("ml.")] == stays
    assert_same([np.asarray(v) for v in reference.run(module, "main", [x])], [np.asarray(v) for v in expected])


def test_lines_of_one_element_are_sorted():
    text = """func.func @main(%x: tensor<?x1xf32>, %y: tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x2xf32>) {
      %r = ml.sort(%x), dim = 1 : (tensor<?x1xf32>) -> tensor<?x1xf32> by ascending
      %s = ml.sort(%y), dim = 1 : (tensor<?x2xf32>) -> tensor<?x2xf32> by ascending
      func.return %r, %s : tensor<?x1xf32>, tensor<?x2xf32>
    }"""
    module = module_of(text)
    run_passes(module, "canonicalize")
    assert ops_of(module).count("ml.sort") == 1
