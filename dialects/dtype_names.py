"""Element types by name: `f32` is NumPy's float32. Needs nothing but NumPy, so that a cached program starts fast."""

from __future__ import annotations

from typing import Any

import numpy as np

DTYPES: dict[str, str] = {
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    "i1": "bool",
    "index": "int64",
    **{f"{prefix}{width}": f"int{width}" for prefix in ("i", "si") for width in (8, 16, 32, 64)},
    "complex<f32>": "complex64",
    "complex<f64>": "complex128",
    **{f"ui{width}": f"uint{width}" for width in (8, 16, 32, 64)},
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of an element type's name. Raises KeyError for a type that arrays cannot hold."""
    if name == "bf16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(DTYPES[name])
