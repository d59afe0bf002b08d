"""Inputs moved a little: what an answer does then tells how far rounding alone may carry it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from weft.backends.complex_pairs import in_pairs, numbers_of, pairs_of
from weft.backends.signature import Signature, ValueSpec

Array = NDArray[Any]

_STEPS = 4
"""How many units in the last place an input is moved."""

_SCALE = 2.0**-10


def jitters(signature: Signature, values: Sequence[Any]) -> list[list[Any]]:
    """The values moved by a few units in the last place: all up, all down, and each as it falls."""
    rng = np.random.default_rng(0)

    def moved(directions: Sequence[float]) -> list[Any]:
        return _changed(
            signature, values, lambda wide, eps: wide * (1 + _STEPS * eps * rng.choice(directions, wide.shape))
        )

    return [moved([1.0]), moved([-1.0]), moved([1.0, -1.0])]


def scaled(signature: Signature, values: Sequence[Any]) -> list[Any]:
    """The values made much smaller."""
    return _changed(signature, values, lambda wide, eps: wide * _SCALE)


def _changed(signature: Signature, values: Sequence[Any], change: Callable[[Array, float], Array]) -> list[Any]:
    return [
        value if spec.numpy_dtype.kind in "biu" else _moved(spec, value, change)
        for spec, value in zip(signature.arguments, values, strict=True)
    ]


def _moved(spec: ValueSpec, value: Any, change: Callable[[Array, float], Array]) -> Any:
    """A float or an array of floats, changed where the result is finite."""
    dtype = spec.numpy_dtype
    array = np.asarray(value).astype(dtype)
    if dtype.kind == "c":
        pairs = pairs_of(array)
        return numbers_of(_moved(in_pairs(spec), pairs, change), dtype)
    with np.errstate(all="ignore"):
        moved = np.asarray(change(array.astype(np.float64), float(cast(Any, ml_dtypes.finfo(dtype)).eps))).astype(dtype)
        kept = np.where(np.isfinite(moved.astype(np.float64)), moved, array).astype(dtype)
    return float(kept) if spec.kind == "scalar" else kept
