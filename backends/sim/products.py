"""Products of small matrices that a warp holds in registers (`mma.sync`), in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from weft.backends.sim.fragments import a_places, b_places, c_places

Array = np.ndarray[Any, np.dtype[Any]]

_DTYPES: dict[str, Any] = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "tf32": np.float32,
    "f32": np.float32,
    "f64": np.float64,
    "s8": np.int8,
    "u8": np.uint8,
    "s32": np.int32,
}

A_AT, B_AT, C_AT, D_AT = 0, 16, 32, 48
"""Where a lane's slot holds its registers of each matrix, in bytes."""

_TF32_DROPPED = np.uint32(0x1FFF)
"""The bits of an f32 that a tf32 has not."""


@dataclass(frozen=True)
class Product:
    """D = A * B + C: the sizes, the elements of each matrix, whether integer sums stop at the ends of their range."""

    m: int
    n: int
    k: int
    a: str
    b: str
    c: str
    d: str
    saturates: bool = False

    @property
    def bytes_of_a(self) -> int:
        """The bytes of A that a lane holds."""
        return self.m * self.k // 32 * np.dtype(_DTYPES[self.a]).itemsize

    @property
    def bytes_of_b(self) -> int:
        """The bytes of B that a lane holds."""
        return self.k * self.n // 32 * np.dtype(_DTYPES[self.b]).itemsize

    @property
    def bytes_of_c(self) -> int:
        """The bytes of C that a lane holds."""
        return self.m * self.n // 32 * np.dtype(_DTYPES[self.c]).itemsize

    def run(self, slots: Array) -> None:
        """Do it for a warp, whose lanes' slots are the rows of `slots` (bytes)."""
        a = self._gathered(slots, A_AT, self.a, a_places(self.m, self.k, _per(self.a)), (self.m, self.k))
        b = self._gathered(slots, B_AT, self.b, b_places(self.k, _per(self.b)), (self.k, self.n))
        c = self._gathered(slots, C_AT, self.c, c_places(self.m), (self.m, self.n))
        wide = np.float64 if self.d == "f64" else np.int64 if self.d == "s32" else np.float32
        with np.errstate(all="ignore"):
            exact = a.astype(wide) @ b.astype(wide) + c.astype(wide)
            if self.saturates:
                limits = np.iinfo(np.int32)
                exact = np.clip(exact, limits.min, limits.max)
            result = exact.astype(_DTYPES[self.d])
        rows, columns = c_places(self.m)
        held = np.ascontiguousarray(result[rows, columns]).view(np.uint8).reshape(32, -1)
        slots[:, D_AT : D_AT + held.shape[1]] = held

    def _gathered(self, slots: Array, at: int, type_: str, places: Any, shape: tuple[int, int]) -> Array:
        rows, columns = places
        dtype = np.dtype(_DTYPES[type_])
        held = np.ascontiguousarray(slots[:, at : at + rows.shape[1] * dtype.itemsize])
        if type_ == "tf32":
            held = (held.view(np.uint32) & ~_TF32_DROPPED).view(np.uint8)
        matrix = np.empty(shape, dtype)
        matrix[rows, columns] = held.view(dtype)
        return matrix


def _per(type_: str) -> int:
    """The elements that a register of A or B holds; those of f64 have 64 bits."""
    return max(1, 4 // np.dtype(_DTYPES[type_]).itemsize)
