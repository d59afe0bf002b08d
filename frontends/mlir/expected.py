"""What a syntax error says: what was found, and what could stand there."""

from __future__ import annotations

from weft.diagnostics import did_you_mean
from weft.frontends.mlir.scanner import NUMBER
from weft.frontends.mlir.tables import TOKENS

_NAMES = {
    "$END": "the end",
    "VALUE": "a value (%x)",
    "BARE": "an identifier",
    "STRING": "a string",
    "INT": "an integer",
    "HEX": "a hexadecimal integer",
    "FLOAT": "a float",
    "HASH": "an attribute (#x)",
    "EXCL": "a type (!x)",
    "CARET": "a block (^x)",
    "AT": "a symbol (@x)",
    "BTYPE": "a type",
    "SHAPED": "a type",
    "SHAPED_OPEN": "a type",
    "AFFINE_MAP": "an attribute",
    "FLAT_ATTR": "an attribute (#x)",
    "FLAT_TYPE": "a type (!x)",
}
BUILTIN_TYPES = (
    "tensor",
    "memref",
    "vector",
    "index",
    "none",
    "bf16",
    "f16",
    "f32",
    "f64",
    "i1",
    "i8",
    "i16",
    "i32",
    "i64",
)
"""The types that a misspelt one may mean."""
_MOST = 6
"""More alternatives than these help nobody."""


_TOGETHER = (("op", "an operation"), ("attr", "an attribute"), ("type", "a type"))
"""Starts of the grammar that stand for one thing where all of their first tokens may stand."""


def near(row: dict[int, int], token: str, literals: dict[str, int]) -> str | None:
    """The hint for a word that is spelled nearly as one that could stand there."""
    if not token or not (token[0].isalpha() or token[0] == "_"):
        return None
    words = [text for text, number in literals.items() if number in row and text[0].isalpha()]
    if NUMBER["BTYPE"] in row:
        words += BUILTIN_TYPES
    return did_you_mean(token, words)


def explain(
    row: dict[int, int], kind: int, token: str, rest: str, literals: dict[str, int], opening: dict[str, frozenset[int]]
) -> str:
    """The message for a token that a state has no entry for; `rest` is the text from the token on.

    `opening` has the tokens with which each start of the grammar may begin.
    """
    if kind == NUMBER["ERROR"]:
        return _bad_token(rest)
    found = f"'{token}'" if kind else "the end of the text"
    if not row:
        return f"expected an operation, found {found}"
    spelled = {number: text for text, number in literals.items()}
    # a state that only ends something may end it before many tokens: what it can go on with says more
    numbers = {k for k, entry in row.items() if k >= 0 and entry >= 0} or {k for k in row if k >= 0}
    names: set[str] = set()
    for start, whole in _TOGETHER:
        if opening[start] <= numbers:
            numbers -= opening[start]
            names.add(whole)
    keys = {TOKENS[k] if k < len(TOKENS) else spelled[k] for k in numbers}
    names |= {_NAMES.get(key, f"'{key}'") for key in keys}
    if len(names) > _MOST:
        return f"unexpected {found}"
    *most, last = sorted(names)
    return f"expected {', '.join(most)} or {last}, found {found}" if most else f"expected {last}, found {found}"


def _bad_token(rest: str) -> str:
    """What is wrong with text that begins no token."""
    line = rest.partition("\n")[0]
    match rest[0]:
        case '"':
            return 'this string does not end, or has an escape other than \\n \\t \\\\ \\" and two hex digits'
        case "\0":
            return "a NUL character in the text"
        case "%" | "^" | "#" | "!" | "@":
            return f"expected a name after '{line[0]}'"
        case character:
            return f"unexpected character {character!r}"
