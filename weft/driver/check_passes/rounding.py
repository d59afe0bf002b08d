"""Rounding that errs as it falls: what changes with it, is decided by rounding and not by the program.

Source: Vignes, A stochastic arithmetic for reliable scientific computation, Math. Comp. Simul. 35 (1993).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from weft.backends.complex_pairs import numbers_of, pairs_of

EXACT = frozenset(
    f"{dialect}.{name}"
    for dialect, names in {
        "ml": "constant iota neg abs relu clamp max min sign select reshape transpose broadcast_in_dim slice pad "
        "conj real imag complex "
        "concatenate gather scatter reverse sort dynamic_slice dynamic_update_slice max_pool cummax cummin "
        "floor ceil round round_nearest_even argmax argmin bitcast_convert",
        "arith": "constant negf maximumf minimumf maxnumf minnumf select bitcast",
        "math": "absf copysign floor ceil round roundeven trunc",
        "loop": "load",
        "memref": "load",
        "tensor": "extract",
        "affine": "load",
    }.items()
    for name in names.split()
)
"""Ops whose results are never rounded; what is missing here is only checked less strictly."""

_DIALECTS = ("ml", "arith", "math", "linalg")
"""Dialects whose ops compute."""


@dataclass
class Rounding:
    """Moves each float that an op computes by a unit in the last place, up, down or not at all."""

    seed: int
    _rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def __call__(self, op: Operation, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The results of an op, rounded in another way."""
        if op.name in EXACT or op.name.partition(".")[0] not in _DIALECTS:
            return values
        return tuple(self._rounded(value) for value in values)

    def _rounded(self, value: Any) -> Any:
        array: NDArray[Any] = np.asarray(value)
        if array.dtype.kind in "biuO":
            return value
        if array.dtype.kind == "c":
            return numbers_of(np.asarray(self._rounded(pairs_of(np.ascontiguousarray(array)))), array.dtype).reshape(
                array.shape
            )
        wide = array.astype(np.float64)
        step = float(cast(Any, ml_dtypes.finfo(array.dtype)).eps)
        moved = (wide * (1 + step * self._rng.integers(-1, 2, array.shape))).astype(array.dtype)
        return np.where(np.isfinite(moved.astype(np.float64)), moved, array).astype(array.dtype)[()]
