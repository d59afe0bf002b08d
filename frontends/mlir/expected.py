"""What a syntax error says: what was found, and what could stand there."""

from __future__ import annotations

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
_MOST = 6
"""More alternatives than these help nobody."""


_TOGETHER = (
    ({"VALUE", "BARE", "STRING"}, "an operation"),
    ({"BTYPE", "SHAPED", "SHAPED_OPEN", "FLAT_TYPE", "EXCL", "(", "tuple", "complex"}, "a type"),
)
"""Tokens that stand for one thing where all of them may stand."""


def explain(row: dict[int, int], kind: int, token: str, rest: str, literals: dict[str, int]) -> str:
    """The message for a token that a state has no entry for; `rest` is the text from the token on."""
    if kind == NUMBER["ERROR"]:
        return _bad_token(rest)
    found = f"'{token}'" if kind else "the end of the text"
    if not row:
        return f"expected an operation, found {found}"
    spelled = {number: text for text, number in literals.items()}
    # a state that only ends something may end it before many tokens: what it can go on with says more
    numbers = [k for k, entry in row.items() if k >= 0 and entry >= 0] or [k for k in row if k >= 0]
    keys = {TOKENS[k] if k < len(TOKENS) else spelled[k] for k in numbers}
    names: set[str] = set()
    for parts, whole in _TOGETHER:
        if parts <= keys:
            keys -= parts
            names.add(whole)
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
