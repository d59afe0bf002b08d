"""LALR tables as plain numbers, in the form that the driver runs (compile.py makes them with lark).

A token is known by the number of its terminal. Some terminals of the grammar are *spellings* of others
(:data:`SPELLINGS`): the scanner gives the plain terminal, and the state says how to read it. A table entry is

- a shift: the next state, plus `READ * how` when the token is more than its text (:data:`READINGS`);
- a reduction by rule `r`: `-1 - r`.

Nonterminals have negative numbers, so one dictionary a state holds both actions and gotos.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

STARTS = (
    "module",
    "op",
    "type",
    "attr",
    "region",
    "attr_dict",
    "functype",
    "trailing_loc",
    "affine_map",
    "affine_set",
)
"""What an island may ask the tables for."""

TOKENS = (
    "$END", "VALUE", "BARE", "STRING", "INT", "HEX", "FLOAT", "HASH", "EXCL", "CARET", "AT", "BTYPE",
    "SHAPED", "SHAPED_OPEN", "AFFINE_MAP", "FLAT_ATTR", "FLAT_TYPE", "ERROR",
)  # fmt: skip
"""The terminals that are not literal text; a token's number is its place here."""

SPELLINGS = {"OPNAME": "BARE", "OPSTR": "STRING", "XATTR": "HASH", "XTYPE": "EXCL"}
READINGS = (
    "", "VALUE", "CARET", "SHAPED_OPEN", "OPSTR", "BTYPE", "SHAPED", "AFFINE_MAP",
    "FLAT_ATTR", "FLAT_TYPE", "XATTR", "XTYPE", "OPNAME",
)  # fmt: skip
"""How a token is read; the empty one: as its text."""

READ = 1 << 20
"""The unit of the reading in a shift entry; smaller numbers are states."""


@dataclass(frozen=True)
class Tables:
    """The parse tables of one grammar. Plain data: it goes to JSON and comes back equal.

    `rows[state]` is the dictionary of the state; `pops[r]`, `names[r]`, `origins[r]` and `symbols[r]`
    describe rule `r` (`names[r]` is empty where the rule passes its one value on); `patterns` are the regexes
    of :data:`TOKENS`; `literals` gives the number of each keyword and punctuation.
    """

    rows: list[dict[int, int]]
    pops: list[int]
    names: list[str]
    origins: list[int]
    symbols: list[list[str]]
    starts: dict[str, int]
    ends: dict[str, int]
    literals: dict[str, int]
    patterns: dict[str, str]

    def to_plain(self) -> dict[str, Any]:
        """The tables as what JSON can hold."""
        plain = asdict(self)
        plain["rows"] = [[*row, *row.values()] for row in self.rows]
        return plain

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> Tables:
        """The inverse of :meth:`to_plain`. Raises KeyError, TypeError or ValueError on other data."""
        flat: list[list[int]] = plain["rows"]
        rows: Any = [dict(zip(row[: len(row) // 2], row[len(row) // 2 :], strict=True)) for row in flat]
        return Tables(**{**plain, "rows": rows})
