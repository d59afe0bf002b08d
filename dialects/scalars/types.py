"""The NumPy side of scalar types: which dtype holds an element, and how wide an integer is.

`i1` is held as `bool`, `index` as `int64`, an odd width sign-extended in the next larger integer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import ContainerType, IndexType, IntegerType
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.ml.dtypes import dtype_of as element_dtype
from weft.dialects.ml.dtypes import kind_of

Value: TypeAlias = Any
"""A NumPy scalar, or an array."""

ScalarMeaning: TypeAlias = Callable[[Any, tuple[Value, ...]], tuple[Value, ...]]
"""What an op means: from the op and the values of its operands to the values of its results."""

Meanings: TypeAlias = Mapping[type[Operation], ScalarMeaning]

INDEX = np.dtype(np.int64)


def dtype_of(element: Attribute) -> np.dtype[Any] | None:
    """The dtype that holds an element; an odd width takes the next larger integer. None where there is none."""
    if kind_of(element) is not None:
        return element_dtype(element)
    if isinstance(element, IndexType):
        return INDEX
    width = bits_of(element)
    if width is not None and width <= 64:
        return np.dtype(f"int{next(bits for bits in (8, 16, 32, 64) if width <= bits)}")
    return None


def bits_of(element: Attribute) -> int | None:
    """The width of an integer type; None for another type."""
    return cast(IntegerType, element).width.data if isinstance(element, IntegerType) else None


def element_of(type_: Attribute) -> Attribute:
    """The element type of a shaped type, or a scalar type itself."""
    if isinstance(type_, ContainerType):
        return cast(ContainerType[Attribute], type_).get_element_type()
    return type_


def need_dtype(op: Operation, type_: Attribute) -> np.dtype[Any]:
    """The dtype of a type's elements. Raises :class:`WeftError` at `op` where there is none."""
    dtype = dtype_of(element_of(type_))
    if dtype is None:
        raise error_at(
            op,
            f"'{op.name}' has values of type {element_of(type_)}, which NumPy cannot hold",
            code=codes.UNSUPPORTED_TYPE,
        )
    return dtype
