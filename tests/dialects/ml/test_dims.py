"""The symbolic language of sizes."""

import numpy as np
import pytest

from weft.dialects.ml.dims import (
    DYNAMIC,
    DimOf,
    FloorDiv,
    Product,
    Requirement,
    SizeOf,
    Sum,
    meet,
    product,
    quotient,
    shape_of,
    static_shape,
    total,
    value_of,
)

A, B = DimOf(0, 0), DimOf(1, 0)


def test_known_sizes_fold():
    assert total([1, 2, 3]) == 6
    assert total([]) == 0
    assert product([2, 3]) == 6
    assert product([]) == 1
    assert quotient(7, 2) == 3
    assert quotient(A, 1) == A
    assert quotient(A, 2) == FloorDiv(A, 2)


def test_one_integer_stands_last():
    assert total([1, A, 2, B]) == Sum((A, B, 3))
    assert total([1, A, -1]) == A
    assert total([Sum((A, 3)), Sum((B, -3))]) == Sum((A, B))
    assert product([2, A, 3]) == Product((A, 6))
    assert product([Product((A, 2)), B]) == Product((A, B, 2))


def test_a_product_with_0_is_0():
    assert product([A, 0, B]) == 0


def test_a_dim_has_a_value_for_operands():
    operands = (np.zeros((7, 5)), np.zeros((3,)), np.array(11))
    assert value_of(DimOf(0, 1), operands) == 5
    assert value_of(SizeOf(2), operands) == 11
    assert value_of(Sum((A, B, -2)), operands) == 8
    assert value_of(Product((A, B, 2)), operands) == 42
    assert value_of(FloorDiv(Sum((A, 1)), 3), operands) == 2


def test_a_shape_hides_what_only_run_time_knows():
    shape = shape_of(2, (4, DYNAMIC))
    assert shape == (4, DimOf(2, 1))
    assert static_shape((*shape, Sum((A, 1)))) == (4, DYNAMIC, DYNAMIC)


def test_the_known_one_of_two_equal_dims_is_kept():
    assert meet(A, 4) == 4
    assert meet(4, A) == 4
    assert meet(A, B) == A


@pytest.mark.parametrize(
    ("left", "relation", "right", "decided"),
    [
        (3, "==", 3, True),
        (3, "==", 4, False),
        (3, "<=", 4, True),
        (4, "<=", 3, False),
        (A, "==", A, True),
        (A, "==", B, None),
        (A, "==", 3, None),
        (0, "<=", A, True),
        (0, "<=", SizeOf(1), None),
        (1, "<=", A, None),
    ],
)
def test_a_requirement_is_decided_where_facts_are_static(left, relation, right, decided):
    assert Requirement(left, relation, right, "").decided() is decided


def test_a_requirement_holds_or_not_for_operands():
    operands = (np.zeros(3), np.zeros(4))
    assert Requirement(A, "<=", B, "").holds(operands)
    assert not Requirement(B, "<=", A, "").holds(operands)
    assert not Requirement(A, "==", B, "").holds(operands)
    assert Requirement(A, "==", 3, "").holds(operands)
