"""Affine maps and sets. The names of the space are known before its expressions are read."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from xdsl.dialects.builtin import AffineMapAttr, AffineSetAttr
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineConstraintExpr,
    AffineConstraintKind,
    AffineExpr,
    AffineMap,
    AffineSet,
)

from weft import codes
from weft.frontends.mlir import nesting
from weft.frontends.mlir.actions.common import Action
from weft.frontends.mlir.actions.numbers import bounded, integer
from weft.frontends.mlir.reading import Reading

_OPERATIONS: dict[str, Callable[[AffineExpr, AffineExpr], AffineExpr]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "floordiv": lambda left, right: left // right,
    "ceildiv": AffineExpr.ceil_div,
    "mod": operator.mod,
}


def space(reader: Reading, dims: list[str], symbols: list[str]) -> tuple[int, int]:
    """`(d0, d1)[s0]`: the names get their meaning; the numbers of dimensions and symbols."""
    names: dict[str, AffineExpr] = {}
    for position, name in enumerate(dims):
        names.setdefault(name, AffineExpr.dimension(position))
    for position, name in enumerate(symbols):
        names.setdefault(name, AffineExpr.symbol(position))
    if len(names) != len(dims) + len(symbols):
        reader.fail("a name stands twice in this affine space", reader.here(), code=codes.BAD_AFFINE)
    reader.affine_names = names
    return len(dims), len(symbols)


def binary(reader: Reading, values: list[Any]) -> AffineExpr:
    """`a + b` and the like."""
    left, spelling, right = values
    try:
        return _OPERATIONS[spelling](left, right)
    except NotImplementedError:
        return reader.fail(f"'{spelling}' needs a constant on its right", reader.here(), code=codes.BAD_AFFINE)
    except ZeroDivisionError:
        return reader.fail(f"'{spelling}' by zero", reader.here(), code=codes.BAD_AFFINE)


def name(reader: Reading, token: str) -> AffineExpr:
    """A dimension or symbol."""
    known = reader.affine_names.get(token)
    if known is None:
        reader.fail(f"'{token}' is not a dimension or symbol of this map", reader.here(), code=codes.BAD_AFFINE)
    return known


def constant(reader: Reading, token: str) -> AffineExpr:
    """A number."""
    value = int(token, 16) if token[:2] == "0x" else integer(reader, token)
    return AffineExpr.constant(bounded(reader, value, "the constant"))


def check_depth(reader: Reading, expressions: list[AffineExpr]) -> None:
    """Refuse expressions that are deeper than anything may be: all that walks them recurses."""
    level, depth = expressions, 0
    while level:
        depth += 1
        if depth > nesting.LIMIT:
            reader.fail(f"an affine expression more than {nesting.LIMIT} deep", reader.here(), code=codes.TOO_DEEP)
        level = [part for whole in level if isinstance(whole, AffineBinaryOpExpr) for part in (whole.lhs, whole.rhs)]


def affine_map(reader: Reading, shape: tuple[int, int], expressions: list[AffineExpr]) -> AffineMap:
    """`space -> (expressions)`."""
    check_depth(reader, expressions)
    return AffineMap(*shape, tuple(expressions))


def affine_set(reader: Reading, shape: tuple[int, int], constraints: list[AffineConstraintExpr]) -> AffineSet:
    """`space : (constraints)`."""
    check_depth(reader, [side for constraint in constraints for side in (constraint.lhs, constraint.rhs)])
    return AffineSet(*shape, tuple(constraints))


ACTIONS: dict[str, Action] = {
    "affine_map_attr": lambda reader, values: AffineMapAttr(values[2]),
    "affine_set_attr": lambda reader, values: AffineSetAttr(values[2]),
    "affine_map0": lambda reader, values: affine_map(reader, values[0], []),
    "affine_map1": lambda reader, values: affine_map(reader, values[0], values[3]),
    "affine_set0": lambda reader, values: affine_set(reader, values[0], []),
    "affine_set1": lambda reader, values: affine_set(reader, values[0], values[3]),
    "space0": lambda reader, names: space(reader, names, []),
    "space1": lambda reader, values: space(reader, *values),
    "affine_constraint": lambda reader, values: AffineConstraintExpr(
        AffineConstraintKind(values[1]), values[0], values[2]
    ),
    "affine_binary": binary,
    "affine_constant": constant,
    "affine_name": name,
    "affine_negate": lambda reader, values: -values[1],
}
