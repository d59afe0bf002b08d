"""Numbers on the command line that have to be large enough."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """A type for argparse: whole numbers from `least` on."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ArgumentTypeError(f"it should be a whole number, not '{text}'") from None
        if value < least:
            raise ArgumentTypeError(f"it should be at least {least}, not {value}")
        return value

    return number


def seconds(text: str) -> float:
    """A type for argparse: a time that is more than nothing."""
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"it should be a number of seconds, not '{text}'") from None
    if not value > 0:
        raise ArgumentTypeError(f"it should be more than 0 seconds, not {text}")
    return value
