"""Who asks for a service, and what a service is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from weft.backends.sim.launching import Stage
from weft.backends.sim.layout import SLOT_BYTES

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Service(Protocol):
    """Something that a group of threads does together."""

    def serve(self, scene: Scene) -> None:
        """Do it."""
        ...


@dataclass(frozen=True)
class Scene:
    """Who asks: the launch's records, the number in the cluster of the warp's (or warpgroup's) first thread, and its
    lanes as bits."""

    stage: Stage
    first: int
    group: int

    @property
    def seen(self) -> Bytes:
        """What the lanes of the warp brought, a row each."""
        thread = self.stage.threads[self.first]
        start = (int(thread["seen"]) - self.stage.seen.__array_interface__["data"][0]) // SLOT_BYTES * SLOT_BYTES
        return self.stage.seen[start : start + 32 * SLOT_BYTES].reshape(32, SLOT_BYTES)

    @property
    def thread_address(self) -> int:
        """Where the record of the first thread lies."""
        return self.stage.thread_address(self.first)

    def brought(self, dtype: np.dtype[Any], thread: int = 0) -> Any:
        """What a thread of the group has in its slot."""
        start = (self.first + thread) * SLOT_BYTES
        return self.stage.slots[start : start + dtype.itemsize].view(dtype)[0]
