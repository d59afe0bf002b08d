"""The cycle collector while much is made and little dropped: when a text is read, when passes run on it once."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def paused() -> Generator[None]:
    """No cycle collection inside; where it is off already, it stays off.

    The collector would walk what was made again and again, for a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
