"""What threads do together that Python does for them: which it is, as numbers in code, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from weft.backends.sim.launching import Stage
from weft.backends.sim.layout import SLOT_BYTES
from weft.backends.sim.products import Product

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


@dataclass(frozen=True)
class WarpProduct:
    """`mma.sync`."""

    product: Product

    def serve(self, scene: Scene) -> None:
        """Do it for the warp."""
        self.product.run(scene.seen)


def _warp_product(facts: dict[str, Any]) -> Service:
    return WarpProduct(Product(**facts))


_KINDS: Mapping[str, Callable[[dict[str, Any]], Service]] = {"mma": _warp_product}


def service_of(kind: str, facts: dict[str, Any]) -> Service:
    """The service of a kind with these facts."""
    return _KINDS[kind](facts)


@dataclass
class Services:
    """The services that a module asks for, by number; 0 is none."""

    all: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    def number(self, kind: str, facts: Any) -> int:
        """The number of a service, whose facts are a record."""
        wanted = (kind, asdict(facts))
        if wanted not in self.all:
            self.all.append(wanted)
        return self.all.index(wanted) + 1
