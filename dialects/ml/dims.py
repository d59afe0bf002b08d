"""Sizes of tensors, known now or at run time, in a small symbolic language.

A dim is an `int`, or is found at run time: the size of an operand's axis (:class:`DimOf`), the value of an
`index` operand (:class:`SizeOf`), or sums, products and quotients of dims. The functions `total`, `product`
and `quotient` build them and fold what is known. An op says its result sizes in this language once;
the verifier, type inference, and the lowering to run-time arithmetic all read that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX

from weft.dialects.ml.dtypes import Array

DYNAMIC = DYNAMIC_INDEX
"""How a `?` is kept in the shape of a type."""


@dataclass(frozen=True)
class DimOf:
    """The size of an axis of an operand (both by position)."""

    operand: int
    axis: int


@dataclass(frozen=True)
class SizeOf:
    """The value of an operand of type `index` (by position)."""

    operand: int


@dataclass(frozen=True)
class Sum:
    """The sum of dims. At most one term is an integer, and it is last; it may be negative."""

    terms: tuple[Dim, ...]


@dataclass(frozen=True)
class Product:
    """The product of dims. At most one factor is an integer, and it is last."""

    factors: tuple[Dim, ...]


@dataclass(frozen=True)
class FloorDiv:
    """A dim divided by a positive integer, rounded down."""

    dividend: Dim
    divisor: int


Dim: TypeAlias = int | DimOf | SizeOf | Sum | Product | FloorDiv
Shape: TypeAlias = tuple[Dim, ...]
Relation: TypeAlias = Literal["==", "<="]


@dataclass(frozen=True)
class Requirement:
    """What must hold between two dims; `message` says it in one sentence for the person who broke it."""

    left: Dim
    relation: Relation
    right: Dim
    message: str

    def decided(self) -> bool | None:
        """True or False where the static facts decide it, else None."""
        if self.left == self.right:
            return True
        if isinstance(self.left, int) and isinstance(self.right, int):
            return self.relation == "<=" and self.left < self.right
        if self.relation == "<=" and self.left == 0 and isinstance(self.right, DimOf):
            return True
        return None

    def holds(self, operands: Sequence[Array]) -> bool:
        """Whether it holds for these operands."""
        left, right = value_of(self.left, operands), value_of(self.right, operands)
        return left == right if self.relation == "==" else left <= right


def shape_of(operand: int, shape: Sequence[int]) -> Shape:
    """The dims of an operand: integers where its type says them, else :class:`DimOf`."""
    return tuple(DimOf(operand, axis) if n == DYNAMIC else n for axis, n in enumerate(shape))


def static_shape(dims: Iterable[Dim]) -> tuple[int, ...]:
    """The dims as a type says them: integers, and `?` for what is found at run time."""
    return tuple(dim if isinstance(dim, int) else DYNAMIC for dim in dims)


def total(dims: Iterable[Dim]) -> Dim:
    """The sum of dims."""
    terms: list[Dim] = []
    constant = 0
    for dim in dims:
        inner = dim.terms if isinstance(dim, Sum) else (dim,)
        constant += sum(term for term in inner if isinstance(term, int))
        terms += [term for term in inner if not isinstance(term, int)]
    if constant or not terms:
        terms.append(constant)
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def product(dims: Iterable[Dim]) -> Dim:
    """The product of dims; 0 as soon as one of them is 0."""
    factors: list[Dim] = []
    constant = 1
    for dim in dims:
        inner = dim.factors if isinstance(dim, Product) else (dim,)
        constant *= prod(factor for factor in inner if isinstance(factor, int))
        factors += [factor for factor in inner if not isinstance(factor, int)]
    if constant == 0:
        return 0
    if constant != 1 or not factors:
        factors.append(constant)
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def quotient(dividend: Dim, divisor: int) -> Dim:
    """`dividend` divided by a positive integer, rounded down."""
    if isinstance(dividend, int):
        return dividend // divisor
    return dividend if divisor == 1 else FloorDiv(dividend, divisor)


def meet(left: Dim, right: Dim) -> Dim:
    """What is known of two dims that must be equal: the integer where one of them is."""
    return right if isinstance(right, int) else left


def value_of(dim: Dim, operands: Sequence[Array]) -> int:
    """The number that a dim is for these operands."""
    match dim:
        case int():
            return dim
        case DimOf(operand, axis):
            return int(np.shape(operands[operand])[axis])
        case SizeOf(operand):
            return int(operands[operand])
        case Sum(terms):
            return sum(value_of(term, operands) for term in terms)
        case Product(factors):
            return prod(value_of(factor, operands) for factor in factors)
        case FloorDiv(dividend, divisor):
            return value_of(dividend, operands) // divisor
