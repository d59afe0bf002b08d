"""Where the lanes of a warp hold the elements of a matrix: PTX ISA, "Matrix Fragments for mma".

All shapes follow one rule. With g = lane // 4 and t = lane % 4, and `per` elements in a register: register r of A holds
row g + 8*(r % 2) (g where A has 8 rows), columns per*t + j, and 4*per more for each pair of registers; register r of B
column g, rows per*t + j + 4*per*r; C holds in its elements 2*h and 2*h + 1 row g + 8*h, columns 2*t and 2*t + 1.
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
