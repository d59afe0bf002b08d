"""The scanner: one regex, made from the terminals of the grammar, matches white space and one token.

The group that matched says the kind; a word or a punctuation is looked up in the literals of the grammar, so
a keyword is one only where the parse state has it (elsewhere it is an identifier again, see driver.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from xdsl.utils.mlir_lexer import KIND_BY_PUNCTUATION_SPELLING

from weft.frontends.mlir.tables import TOKENS, Tables

NUMBER = {name: number for number, name in enumerate(TOKENS)}
"""The number of each terminal that is not literal text."""

SPACE = r"(?:[ \t\r\n\f\v]+|//[^\n]*)*"

_ORDER = (
    "VALUE", "PUNCTUATION", "SHAPED", "SHAPED_OPEN", "AFFINE_MAP", "BARE", "STRING", "FLOAT", "HEX", "INT",
    "FLAT_ATTR", "HASH", "FLAT_TYPE", "EXCL", "CARET", "AT", "ERROR",
)  # fmt: skip
"""The alternatives of the regex: what begins the same stands longest first."""


class Words(dict[str, int]):
    """The kind of each word and punctuation, remembered by its text."""

    def __init__(self, literals: dict[str, int], builtin_type: re.Pattern[str]) -> None:
        super().__init__(literals)
        self.builtin_type = builtin_type

    def __missing__(self, text: str) -> int:
        kind = NUMBER["BTYPE" if self.builtin_type.fullmatch(text) else "BARE"]
        self[text] = kind
        return kind


class Scanner:
    """What the tables of a grammar need to cut a text into tokens.

    `match(text, position)` always matches; `lastindex` is None at the end of the text; `kinds[lastindex]` is
    the kind, or 0 where `words()[token]` tells it.
    """

    def __init__(self, tables: Tables) -> None:
        spellings = {*KIND_BY_PUNCTUATION_SPELLING, *(t for t in tables.literals if not _is_word(t))}
        # punctuation that only islands use has a number too
        unknown = sorted(spellings - set(tables.literals))
        first = len(TOKENS) + len(tables.literals)
        self.literals = {**tables.literals, **{text: first + i for i, text in enumerate(unknown)}}
        self.shape_opening = re.compile(tables.patterns["SHAPED_OPEN"]).match
        self._builtin_type = re.compile(tables.patterns["BTYPE"])
        punctuation = "|".join(re.escape(text) for text in sorted(spellings, key=len, reverse=True))
        patterns = {**tables.patterns, "PUNCTUATION": punctuation, "ERROR": "."}
        groups = "|".join(f"({patterns[name]})" for name in _ORDER)
        self.match: Callable[[str, int], re.Match[str] | None] = re.compile(rf"{SPACE}(?:{groups}|\Z)", re.DOTALL).match
        self.kinds: tuple[int, ...] = (0, *(0 if name in ("PUNCTUATION", "BARE") else NUMBER[name] for name in _ORDER))

    def words(self) -> Words:
        """A fresh table of words: it grows with the text, so each reader has its own."""
        return Words(self.literals, self._builtin_type)


def _is_word(text: str) -> bool:
    return text[0].isalpha()
