"""What the tests of ml share: texts to modules, values of types, and edge values of every dtype."""

from __future__ import annotations

import itertools
from io import StringIO

import ml_dtypes
import numpy as np
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.test_value import create_ssa_value

from weft.dialects.ml.dims import DYNAMIC
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Array, Kind, kind_of
from weft.registry import context

FLOATS = tuple(t for t, (kind, _) in ELEMENT_TYPES.items() if kind is Kind.FLOAT)
INTEGERS = tuple(t for t, (kind, _) in ELEMENT_TYPES.items() if kind in Kind.INTEGER)
NUMBERS = FLOATS + INTEGERS
ALL = tuple(ELEMENT_TYPES)


def of_kinds(kinds: Kind) -> tuple[Attribute, ...]:
    """The element types of some kinds."""
    return tuple(t for t in ALL if kind_of(t) in kinds)


def read(text: str) -> ModuleOp:
    """The verified module of a text."""
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def written(module: ModuleOp, generic: bool = False) -> str:
    """The text of a module."""
    out = StringIO()
    Printer(out, print_generic_format=generic).print_op(module)
    return out.getvalue()


def value(element: Attribute, *shape: int) -> SSAValue:
    """A value of a tensor type; `None` in a shape is `?`."""
    return create_ssa_value(TensorType(element, [DYNAMIC if n is None else n for n in shape]))


def like(element: Attribute, array: Array) -> SSAValue:
    """A value of the type that an array has."""
    return value(element, *array.shape)


def edges(element: Attribute) -> Array:
    """The values of a type at which meanings break."""
    kind, dtype = ELEMENT_TYPES[element]
    if kind is Kind.BOOL:
        return np.array([False, True])
    if kind is not Kind.FLOAT:
        info, width = np.iinfo(dtype), 8 * dtype.itemsize
        near = {info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7, -1, -2, -3, width - 1, width, width + 1}
        return np.array(sorted(n for n in near if info.min <= n <= info.max), dtype)
    info = ml_dtypes.finfo(dtype)
    magnitudes = [0.0, 0.25, 0.5, 1.0, 1.5, 2.5, 3.0, 3.7, 11.0, 88.0, 710.0, 1e-3, 1e-6]
    magnitudes += [float(info.max), float(info.tiny), float(info.smallest_subnormal), np.inf]
    with np.errstate(over="ignore"):
        return np.array([*magnitudes, *(-m for m in magnitudes), np.nan], np.float64).astype(dtype)


def pairs(element: Attribute) -> tuple[Array, Array]:
    """All pairs of edge values of a type, as two lists."""
    values = edges(element)
    left, right = zip(*itertools.product(range(len(values)), repeat=2), strict=True)
    return values[list(left)], values[list(right)]


def shapes(rank: int | None = None, max_rank: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes that hurt: empty ones, ones, and primes."""
    sizes = st.sampled_from([0, 1, 2, 3, 5])
    low, high = (0, max_rank) if rank is None else (rank, rank)
    return st.lists(sizes, min_size=low, max_size=high).map(tuple)


def blurred(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """A shape with some of its sizes hidden behind `?`."""
    return tuple(None if draw(st.booleans()) else n for n in shape)


def filled(element: Attribute, shape: tuple[int, ...], seed: int = 0) -> Array:
    """An array of small different values of a type."""
    kind, dtype = ELEMENT_TYPES[element]
    numbers = np.random.default_rng(seed).integers(0, 2 if kind is Kind.BOOL else 9, shape)
    return np.asarray(numbers).astype(dtype)


def assert_same(actual: Array, expected: Array) -> None:
    """Equal dtype, shape and elements; NaN equals NaN, and zeros have their signs."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if actual.dtype.kind in "biu":
        np.testing.assert_array_equal(actual, expected)
        return
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a) & (a == 0), np.signbit(b) & (b == 0))


def assert_near(actual: Array, expected: Array, ulps: float) -> None:
    """Floats that differ by some units in the last place at most; zeros have their signs."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    info = ml_dtypes.finfo(actual.dtype)
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):
        unit = np.maximum(np.abs(b) * float(info.eps), float(info.smallest_subnormal))
        near = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= ulps * unit)
    assert np.all(near), (a[~near], b[~near])
    np.testing.assert_array_equal(np.signbit(a) & (a == 0), np.signbit(b) & (b == 0))
