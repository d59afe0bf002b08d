"""Number literals. A hexadecimal one is remembered as such: for a float it is a bit pattern."""

from __future__ import annotations

from weft import codes
from weft.frontends.mlir.actions.common import Action
from weft.frontends.mlir.reading import Reading

INT64_MAX = (1 << 63) - 1
_MOST_DIGITS = 4000


class HexInt(int):
    """An integer that was written in hexadecimal."""


def integer(reader: Reading, token: str) -> int:
    """A decimal integer."""
    if len(token) > _MOST_DIGITS:
        reader.fail(f"an integer of {len(token)} digits", reader.here(), code=codes.TOO_LARGE)
    return int(token)


def size(reader: Reading, token: str, what: str, start: int | None = None) -> int:
    """A decimal integer that must fit in int64: a dimension, a count."""
    value = int(token) if len(token) < 20 else INT64_MAX + 1
    if value > INT64_MAX:
        reader.fail(
            f"{what} {token[:40]} does not fit in 64 bits",
            reader.here() if start is None else start,
            code=codes.TOO_LARGE,
        )
    return value


def bounded(reader: Reading, value: int, what: str) -> int:
    """An integer that must fit in int64."""
    if not -INT64_MAX - 1 <= value <= INT64_MAX:
        reader.fail(f"{what} does not fit in 64 bits", reader.here(), code=codes.TOO_LARGE)
    return value


def negative_integer(reader: Reading, values: list[str]) -> int:
    """`- INT`."""
    return -integer(reader, values[1])


ACTIONS: dict[str, Action] = {
    "int": integer,
    "hex": lambda reader, token: HexInt(token, 16),
    "float": lambda reader, token: float(token),
    "neg_int": negative_integer,
    "neg_hex": lambda reader, values: -int(values[1], 16),
    "neg_float": lambda reader, values: -float(values[1]),
    "true": lambda reader, token: True,
    "false": lambda reader, token: False,
    "none": lambda reader, token: None,
}
