"""Complex numbers as compiled code has them: pairs of floats, in a last dimension of 2. Nothing is copied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.backends.signature import ValueSpec

Array = NDArray[Any]

_PARTS = {"complex<f32>": "f32", "complex<f64>": "f64"}


def is_complex(spec: ValueSpec) -> bool:
    """Whether a value is made of complex numbers."""
    return spec.dtype in _PARTS


def in_pairs(spec: ValueSpec) -> ValueSpec:
    """What compiled code takes or gives for a value: pairs of floats for complex numbers, others as they are."""
    return replace(spec, dtype=_PARTS[spec.dtype], dims=(*spec.dims, 2)) if is_complex(spec) else spec


def pairs_of(array: Array) -> Array:
    """The pairs that a contiguous array of complex numbers is; another array itself."""
    if array.dtype.kind != "c":
        return array
    return array.reshape(*array.shape, 1).view(f"f{array.itemsize // 2}")


def numbers_of(pairs: Array, dtype: np.dtype[Any]) -> Array:
    """Contiguous pairs as complex numbers of a dtype; where that is of another kind, the array itself."""
    if dtype.kind != "c" or pairs.dtype.kind == "c":
        return pairs
    return pairs.view(dtype).reshape(pairs.shape[:-1])
