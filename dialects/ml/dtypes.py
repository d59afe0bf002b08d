"""Element types of ml tensors and their NumPy dtypes.

Signless integers (`i8` .. `i64`) have signed meaning, `ui8` .. `ui64` are unsigned, `i1` is a truth value.
"""

from __future__ import annotations

from enum import Flag, auto
from typing import Any, TypeAlias, cast

import ml_dtypes
import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import (
    BFloat16Type,
    ComplexType,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
)
from xdsl.ir import Attribute

Array: TypeAlias = npt.NDArray[Any]
DType: TypeAlias = np.dtype[Any]

BF16: DType = np.dtype(ml_dtypes.bfloat16)


class Kind(Flag):
    """What an element is. Ops say which kinds they take."""

    FLOAT = auto()
    SIGNED = auto()
    UNSIGNED = auto()
    BOOL = auto()
    COMPLEX = auto()

    INTEGER = SIGNED | UNSIGNED
    NUMBER = FLOAT | INTEGER
    BITS = INTEGER | BOOL
    ANY = NUMBER | BOOL
    ALL = ANY | COMPLEX


KIND_NAMES: dict[Kind, str] = {
    Kind.FLOAT: "float (f16, bf16, f32, f64)",
    Kind.SIGNED: "signed integer (i8, i16, i32, i64)",
    Kind.UNSIGNED: "unsigned integer (ui8, ui16, ui32, ui64)",
    Kind.BOOL: "i1",
    Kind.COMPLEX: "complex (complex<f32>, complex<f64>)",
}

ELEMENT_TYPES: dict[Attribute, tuple[Kind, DType]] = {
    Float16Type(): (Kind.FLOAT, np.dtype(np.float16)),
    BFloat16Type(): (Kind.FLOAT, BF16),
    Float32Type(): (Kind.FLOAT, np.dtype(np.float32)),
    Float64Type(): (Kind.FLOAT, np.dtype(np.float64)),
    IntegerType(1): (Kind.BOOL, np.dtype(np.bool_)),
    **{IntegerType(w): (Kind.SIGNED, np.dtype(f"int{w}")) for w in (8, 16, 32, 64)},
    **{IntegerType(w, Signedness.UNSIGNED): (Kind.UNSIGNED, np.dtype(f"uint{w}")) for w in (8, 16, 32, 64)},
}
"""Every element type of one number."""

COMPLEX_TYPES: dict[Attribute, tuple[Kind, DType]] = {
    ComplexType(Float32Type()): (Kind.COMPLEX, np.dtype(np.complex64)),
    ComplexType(Float64Type()): (Kind.COMPLEX, np.dtype(np.complex128)),
}
"""The element types of two numbers. Few ops take them; from `expand-complex` on there are none."""

_TYPES = ELEMENT_TYPES | COMPLEX_TYPES
_BY_DTYPE: dict[DType, Attribute] = {dtype: element for element, (_, dtype) in _TYPES.items()}


def kind_of(element: Attribute) -> Kind | None:
    """The kind of an element type; None where ml does not take it."""
    found = _TYPES.get(element)
    return None if found is None else found[0]


def dtype_of(element: Attribute) -> DType:
    """The NumPy dtype of an element type. Raises KeyError for a type that ml does not take."""
    return _TYPES[element][1]


def element_type_of(dtype: DType) -> Attribute:
    """The element type of a NumPy dtype. Raises KeyError where there is none."""
    return _BY_DTYPE[np.dtype(dtype)]


def width_of(element: Attribute) -> int:
    """The bits that an element means: 1 for `i1`, although it takes a byte in memory."""
    kind, dtype = _TYPES[element]
    return 1 if kind is Kind.BOOL else 8 * dtype.itemsize


def part_of(element: Attribute) -> Attribute:
    """The type of the real part of an element: `f32` for `complex<f32>`, and for `f32` itself."""
    return cast("ComplexType[Any]", element).element_type if isinstance(element, ComplexType) else element


def complex_of(element: Attribute) -> Attribute:
    """The complex type whose parts have a type. Raises KeyError where there is none."""
    return next(found for found in COMPLEX_TYPES if part_of(found) == element)


def parts_of(x: Array) -> tuple[Array, Array]:
    """The real and imaginary parts of complex numbers, as views."""
    both = cast(Any, x)
    return both.real, both.imag


def has_complex(element: Attribute) -> bool:
    """Whether there are complex numbers with parts of a type."""
    return any(part_of(found) == element for found in COMPLEX_TYPES)


def is_float(dtype: DType) -> bool:
    """Whether a dtype of :data:`ELEMENT_TYPES` is a float."""
    return dtype == BF16 or dtype.kind == "f"


def least(element: Attribute) -> Array:
    """The least value of an element type as a rank-0 array: -inf, the least integer, or false."""
    kind, dtype = ELEMENT_TYPES[element]
    if kind is Kind.FLOAT:
        return np.array(-np.inf, dtype)
    return np.array(False if kind is Kind.BOOL else np.iinfo(dtype).min, dtype)


def greatest(element: Attribute) -> Array:
    """The greatest value of an element type as a rank-0 array: +inf, the greatest integer, or true."""
    kind, dtype = ELEMENT_TYPES[element]
    if kind is Kind.FLOAT:
        return np.array(np.inf, dtype)
    return np.array(True if kind is Kind.BOOL else np.iinfo(dtype).max, dtype)


def neutral(reduction: str, element: Attribute) -> Array:
    """The value that a reduction of that kind starts from, as a rank-0 array.

    `reduction` is one of add, mul, max, min, and, or. Raises KeyError for another one.
    """
    dtype = dtype_of(element)
    zero = np.array(0, dtype)
    return {
        "add": zero,
        "mul": np.array(1, dtype),
        "max": least(element),
        "min": greatest(element),
        "or": zero,
        "and": zero if is_float(dtype) else np.invert(zero),
    }[reduction]
