"""The cycle collector while a text is read."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def paused() -> Generator[None]:
    """No cycle collection inside; where it is off already, it stays off.

    Reading makes much and drops nothing, so the collector would walk it again and again for a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
