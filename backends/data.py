"""Data that compiled code takes from files: where it is, and what it must be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from weft import weights


class DataSpec(NamedTuple):
    """An array in a file, as `weft.data` says it, with the dtype (by NumPy's name) and the shape that it must have."""

    place: str
    dtype: str
    shape: Sequence[int]

    def load(self) -> NDArray[Any]:
        """The array, mapped into memory. Raises :class:`WeftError` where the file does not hold it."""
        dtype = np.dtype(getattr(ml_dtypes, self.dtype, self.dtype))
        return weights.load_as(weights.Place.of(self.place, Path()), dtype, self.shape)
