"""Actions that any rule may name: lists, and picking one of the values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Action = Callable[[Any, Any], Any]
"""Called with the reader and: None for an empty rule, the value itself for a rule of one symbol, else the list."""


@dataclass(frozen=True)
class BySymbols:
    """An action that depends on which optional parts a rule has: `make` gets the names of its symbols."""

    make: Callable[[list[str]], Action]


def nothing(reader: object, value: object) -> None:
    """No value."""


def empty_list(reader: object, value: object) -> list[Any]:
    """An empty list."""
    return []


def start_list(reader: object, value: Any) -> list[Any]:
    """A list of one value."""
    return [value]


def extend_list(reader: object, values: list[Any]) -> list[Any]:
    """`list "," value`: the list with the value."""
    values[0].append(values[2])
    return values[0]


def first(reader: object, values: list[Any]) -> Any:
    """The first value."""
    return values[0]


def second(reader: object, values: list[Any]) -> Any:
    """The second value."""
    return values[1]


def third(reader: object, values: list[Any]) -> Any:
    """The third value."""
    return values[2]


ACTIONS: dict[str, Action | BySymbols] = {
    "nothing": nothing,
    "list0": empty_list,
    "list1": start_list,
    "listn": extend_list,
    "first": first,
    "second": second,
    "third": third,
}
