"""Where the lanes of a warp hold the elements of a matrix: PTX ISA, "Matrix Fragments for mma".

All shapes but that of 8x8x4 halves follow one rule. With g = lane // 4 and t = lane % 4, and `per` elements in a
register: register r of A holds row g + 8*(r % 2) (g where A has 8 rows), columns per*t + j, and 4*per more for each
pair of registers; register r of B column g, rows per*t + j + 4*per*r; C holds in its elements 2*h and 2*h + 1 row
g + 8*h, columns 2*t and 2*t + 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Places = np.ndarray[Any, np.dtype[np.int64]]

_LANES = np.arange(32)
_G, _T = _LANES // 4, _LANES % 4


@lru_cache(None)
def a_places(m: int, k: int, per: int) -> tuple[Places, Places]:
    """Row and column of each element of A that each lane holds, as [lane, element]; they count through registers."""
    rows_of_registers = m // 8
    rows: list[Places] = []
    columns: list[Places] = []
    for element in range(m * k // 32):
        register, j = divmod(element, per)
        half, block = register % rows_of_registers, register // rows_of_registers
        rows.append(_G + 8 * half)
        columns.append(per * _T + j + 4 * per * block)
    return np.stack(rows, -1), np.stack(columns, -1)


@lru_cache(None)
def b_places(k: int, per: int) -> tuple[Places, Places]:
    """Row and column of each element of B (8 columns), as [lane, element]."""
    rows: list[Places] = []
    columns: list[Places] = []
    for element in range(k * 8 // 32):
        register, j = divmod(element, per)
        rows.append(per * _T + j + 4 * per * register)
        columns.append(_G)
    return np.stack(rows, -1), np.stack(columns, -1)


@lru_cache(None)
def c_places(m: int) -> tuple[Places, Places]:
    """Row and column of each element of C or D (8 columns), as [lane, element]."""
    rows: list[Places] = []
    columns: list[Places] = []
    for element in range(m * 8 // 32):
        half, j = divmod(element, 2)
        rows.append(_G + 8 * half)
        columns.append(2 * _T + j)
    return np.stack(rows, -1), np.stack(columns, -1)


@lru_cache(None)
def quad_places(what: str) -> tuple[Places, Places, Places]:
    """Of the four products of 8x8x4 that a warp makes at once: which, row and column of each element of a matrix, as
    [lane, element]. `what` is `a row`, `a col`, `b row`, `b col`, or the type of C or D."""
    lane, inner = _LANES[:, None], _LANES[:, None] % 4
    half = 4 * (lane // 16)
    element = np.arange(8 if what in ("f16", "f32") else 4)[None, :]
    f32_row = (lane & 1) + (element & 2) + half
    rows, columns = {
        "a row": (inner + half, element),
        "a col": (element + half, inner),
        "b row": (inner, element + half),
        "b col": (element, inner + half),
        "f16": (inner + half, element),
        "f32": (f32_row, (element & 4) + (lane & 2) + (element & 1)),
    }[what]
    shape = (32, element.shape[1])
    quad = np.broadcast_to(lane % 16 // 4, shape)
    return quad, np.broadcast_to(rows, shape), np.broadcast_to(columns, shape)
