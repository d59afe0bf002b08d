"""Products of matrices that a warp loads whole (`wmma`), in NumPy.

PTX does not say which elements a lane holds ("The distribution of fragments loaded by the threads in a warp is
unspecified"), so the simulator has an order of its own: the lanes hold pieces in turn, of a register of A or B (in the
order in which they lie in memory), of an element of C and D (row by row). Where the warp has more room, it starts
again.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from weft.backends.sim.products import bits_of, elements_of, product_of

if TYPE_CHECKING:
    from weft.backends.sim.scene import Scene

A_AT, B_AT, C_AT, D_AT = 0, 64, 128, 0
"""Where a lane's memory holds its registers of each matrix, in bytes."""

BYTES = 192
"""Of that memory, whose address a lane brings in its slot."""


@dataclass(frozen=True)
class Fragment:
    """A matrix that a warp holds: which (`a`, `b` or `c`), its rows and columns, its elements, and whether rows
    (`row`) or columns (`col`) of it lie side by side."""

    which: str
    rows: int
    columns: int
    type: str
    layout: str

    @property
    def inner(self) -> int:
        """How many elements lie side by side."""
        return self.columns if self.layout == "row" else self.rows

    @property
    def piece(self) -> int:
        """How many elements a lane holds of each piece."""
        return 1 if self.which == "c" else max(1, 32 // bits_of(self.type))

    @property
    def size(self) -> int:
        """All elements."""
        return self.rows * self.columns

    def order(self, pieces: int) -> Any:
        """Which element each lane holds, as [lane, element], when it has so many pieces."""
        piece, lane, part = np.ogrid[:pieces, :32, : self.piece]
        numbers = ((32 * piece + lane) * self.piece + part) % self.size
        return np.moveaxis(numbers, 0, 1).reshape(32, -1)

    def matrix(self, held: Any) -> Any:
        """The matrix that lanes hold (a row of bytes each), as [row, column]. That of C is in the order of rows."""
        values = elements_of(held, self.type)
        flat = np.empty(self.size, values.dtype)
        flat[self.order(values.shape[1] // self.piece)] = values
        if self.layout == "row":
            return flat.reshape(self.rows, self.columns)
        return flat.reshape(self.columns, self.rows).T


@dataclass(frozen=True)
class WmmaProduct:
    """D = A * B + C: the sizes, the elements of each matrix, how A and B lie, how many bytes a lane holds of A, B and
    C, whether integer sums stop at the ends of their range, and how bits are multiplied."""

    m: int
    n: int
    k: int
    a: str
    c: str
    d: str
    a_layout: str
    b_layout: str
    bytes: tuple[int, int, int]
    saturates: bool
    bits: str

    def serve(self, scene: Scene) -> None:
        """Do it for the warp."""
        places = [int(place) for place in np.ascontiguousarray(scene.seen[:, :8]).view(np.uint64).ravel()]
        a = Fragment("a", self.m, self.k, self.a, self.a_layout)
        b = Fragment("b", self.k, self.n, self.a, self.b_layout)
        c = Fragment("c", self.m, self.n, self.c, "row")
        read: list[Any] = []
        for fragment, at, count in zip((a, b, c), (A_AT, B_AT, C_AT), self.bytes, strict=True):
            held = b"".join(ctypes.string_at(place + at, count) for place in places)
            read.append(fragment.matrix(np.frombuffer(held, np.uint8).reshape(32, -1)))
        left, right, added = read
        result = product_of(left, right, added, self).ravel()
        given = np.ascontiguousarray(result[c.order(c.size // 32)])
        for place, row in zip(places, given, strict=True):
            ctypes.memmove(place + D_AT, row.ctypes.data, row.nbytes)
