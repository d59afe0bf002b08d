"""Whether two answers are the same: integers exactly, floats within the tolerance of their type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

TOLERANCES = {"float16": 4e-3, "bfloat16": 4e-2, "float32": 1e-5, "float64": 1e-11}
"""How far results may lie apart, relative to the greatest finite number of the result (at least 1)."""


def difference(expected: Sequence[Any], found: Sequence[Any]) -> str | None:
    """What differs first, as text; None where the answers agree."""
    for n, (want, have) in enumerate(zip(expected, found, strict=True)):
        a, b = np.asarray(want), np.asarray(have)
        if a.shape != b.shape:
            return f"result {n} has the shape {b.shape}, it was {a.shape}"
        wrong = _unequal(a, b)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            return f"result {n} at {list(place)} is {b[place]}, it was {a[place]}"
    return None


def _unequal(a: Any, b: Any) -> Any:
    limit = TOLERANCES.get(a.dtype.name)
    if limit is None:
        return np.asarray(a != b)
    x, y = a.astype(np.float64), b.astype(np.float64)
    finite = np.abs(x[np.isfinite(x)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    return ~np.isclose(x, y, rtol=limit, atol=limit * scale, equal_nan=True)
