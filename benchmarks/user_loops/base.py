"""What a program of the suite `loops` has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from measure import aligned

Array = np.ndarray


@dataclass(frozen=True)
class Loops:
    """A program on memrefs, the same loops in Python for numba, and its arrays. All arrays are compared.

    `prepare` changes the arrays after they were filled.
    """

    name: str
    text: str
    python: Callable[..., None]
    shapes: tuple[tuple[int, ...], ...]
    dtype: type | tuple[type, ...] = np.float32
    tolerance: float = 2e-5
    prepare: Callable[[list[Array]], None] | None = None

    def arrays(self) -> list[Array]:
        """Numbers in [0.1, 1.1), aligned; small integers where the elements are integers."""
        made: list[Array] = []
        dtypes = self.dtype if isinstance(self.dtype, tuple) else (self.dtype,) * len(self.shapes)
        for n, (shape, dtype) in enumerate(zip(self.shapes, dtypes, strict=True)):
            array = aligned(shape, dtype)
            rng = np.random.default_rng(n)
            whole = np.issubdtype(dtype, np.integer)
            array[...] = rng.integers(0, 4, shape) if whole else rng.random(shape) + 0.1
            made.append(array)
        if self.prepare is not None:
            self.prepare(made)
        return made
