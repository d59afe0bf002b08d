"""Products of small matrices that a warp holds in registers (`mma.sync`), in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import ml_dtypes
import numpy as np

from weft.backends.sim.fragments import a_places, b_places, c_places, quad_places

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
    "s4": np.int8,
    "u4": np.uint8,
    "b1": np.uint8,
}
"""The elements of each type, those of less than 8 bits in a byte."""

_NARROW = {"s4": 4, "u4": 4, "b1": 1}
"""The bits of elements that share a byte."""

A_AT, B_AT, C_AT, D_AT = 0, 16, 32, 0
"""Where a lane's slot holds its registers of each matrix, in bytes. D takes the place of what has been read."""

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
    bits: str = ""
    """How bits are multiplied: `xor` or `and`."""

    @property
    def bytes_of_a(self) -> int:
        """The bytes of A that a lane holds."""
        return self.m * self.k // 32 * bits_of(self.a) // 8

    @property
    def bytes_of_b(self) -> int:
        """The bytes of B that a lane holds."""
        return self.k * self.n // 32 * bits_of(self.b) // 8

    @property
    def bytes_of_c(self) -> int:
        """The bytes of C that a lane holds."""
        return self.m * self.n // 32 * bits_of(self.c) // 8

    def run(self, slots: Array) -> None:
        """Do it for a warp, whose lanes' slots are the rows of `slots` (bytes)."""
        a = self._gathered(slots, A_AT, self.a, a_places(self.m, self.k, _per(self.a)), (self.m, self.k))
        b = self._gathered(slots, B_AT, self.b, b_places(self.k, _per(self.b)), (self.k, self.n))
        c = self._gathered(slots, C_AT, self.c, c_places(self.m), (self.m, self.n))
        result = product_of(a, b, c, self)
        rows, columns = c_places(self.m)
        held = np.ascontiguousarray(result[rows, columns]).view(np.uint8).reshape(32, -1)
        slots[:, D_AT : D_AT + held.shape[1]] = held

    def _gathered(self, slots: Array, at: int, type_: str, places: Any, shape: tuple[int, int]) -> Array:
        rows, columns = places
        held = np.ascontiguousarray(slots[:, at : at + rows.shape[1] * bits_of(type_) // 8])
        matrix = np.empty(shape, _DTYPES[type_])
        matrix[rows, columns] = elements_of(held, type_)
        return matrix


@dataclass(frozen=True)
class QuadProduct:
    """Four products of 8x8x4 halves (`mma.m8n8k4`), each of eight lanes: how A and B lie, the types of C and D."""

    a_layout: str
    b_layout: str
    c: str
    d: str

    @property
    def bytes_of_a(self) -> int:
        """The bytes of A that a lane holds."""
        return 8

    bytes_of_b = bytes_of_a

    @property
    def bytes_of_c(self) -> int:
        """The bytes of C that a lane holds."""
        return bits_of(self.c)

    def run(self, slots: Array) -> None:
        """Do it for a warp, whose lanes' slots are the rows of `slots` (bytes)."""
        matrices: list[Array] = []
        for at, type_, what, shape in (
            (A_AT, "f16", f"a {self.a_layout}", (4, 8, 4)),
            (B_AT, "f16", f"b {self.b_layout}", (4, 4, 8)),
            (C_AT, self.c, self.c, (4, 8, 8)),
        ):
            places = quad_places(what)
            held = np.ascontiguousarray(slots[:, at : at + places[0].shape[1] * bits_of(type_) // 8])
            matrix = np.empty(shape, _DTYPES[type_])
            matrix[places] = elements_of(held, type_)
            matrices.append(matrix.astype(np.float32))
        a, b, c = matrices
        with np.errstate(all="ignore"):
            result = (a @ b + c).astype(_DTYPES[self.d])
        held = np.ascontiguousarray(result[quad_places(self.d)]).view(np.uint8).reshape(32, -1)
        slots[:, D_AT : D_AT + held.shape[1]] = held


class Kind(Protocol):
    """What says of which elements a product is."""

    @property
    def d(self) -> str:
        """The elements of D."""
        ...

    @property
    def saturates(self) -> bool:
        """Whether integer sums stop at the ends of their range."""
        ...

    @property
    def bits(self) -> str:
        """How bits are multiplied."""
        ...


def product_of(a: Array, b: Array, c: Array, kind: Kind) -> Array:
    """`a @ b + c` in the elements of D. Bits are multiplied by `xor` or `and`."""
    wide = np.float64 if kind.d == "f64" else np.int64 if kind.d == "s32" else np.float32
    a, b = a.astype(wide), b.astype(wide)
    with np.errstate(all="ignore"):
        product = a @ (1 - b) + (1 - a) @ b if kind.bits == "xor" else a @ b
        exact = product + c.astype(wide)
        if kind.saturates:
            limits = np.iinfo(np.int32)
            exact = np.clip(exact, limits.min, limits.max)
        return exact.astype(_DTYPES[kind.d])


def bits_of(type_: str) -> int:
    """The bits of an element."""
    return _NARROW.get(type_) or 8 * np.dtype(_DTYPES[type_]).itemsize


def elements_of(held: Array, type_: str) -> Array:
    """The elements that lanes hold (a row of bytes each), the lowest bits of a byte first."""
    if type_ == "tf32":
        held = (held.view(np.uint32) & ~_TF32_DROPPED).view(np.uint8)
    if type_ not in _NARROW:
        return held.view(_DTYPES[type_])
    width = _NARROW[type_]
    shifts = np.arange(0, 8, width, dtype=np.uint8)
    values = (held[..., None] >> shifts & ((1 << width) - 1)).reshape(held.shape[0], -1)
    return (values.astype(np.int8) ^ 8) - 8 if type_ == "s4" else values


def _per(type_: str) -> int:
    """The elements that a register of A or B holds; those of f64 have 64 bits."""
    return max(1, 32 // bits_of(type_))
