"""How deep things may stand in each other, and room on the stack for as much.

Regions may nest :data:`LIMIT` deep, and in each region types, attributes and affine expressions as deep
again. Islands of Python code recurse, so a deep text gets a thread with a large stack.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

LIMIT = 1000

TOO_DEEP = f"nested more than {LIMIT} deep"

T = TypeVar("T")

_OPENING = ("(", "[", "{", "<")
_CLOSING = (")", "]", "}", ">")
_STACK_BYTES = 512 << 20
_FRAMES = 200_000


class RegionStart:
    """The mark that an open region leaves among the values of the driver."""


def opened(values: list[Any]) -> int:
    """How many brackets are open among the values of the driver since the innermost region began."""
    count = closed = 0
    for value in reversed(values):
        if isinstance(value, RegionStart):
            break
        if value in _CLOSING:
            closed += 1
        elif value in _OPENING or (isinstance(value, tuple) and len(cast(tuple[Any, ...], value)) == 2):
            count += closed == 0
            closed = max(closed - 1, 0)
    return count


def with_room(work: Callable[[], T]) -> T:
    """The result of `work`, done again on a large stack where it runs out of the usual one."""
    try:
        return work()
    except RecursionError:
        return _on_large_stack(work)


def _on_large_stack(work: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    frames, size = sys.getrecursionlimit(), threading.stack_size(_STACK_BYTES)
    try:
        sys.setrecursionlimit(max(frames, _FRAMES))
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(frames)
    if errors:
        raise errors[0]
    return results[0]
