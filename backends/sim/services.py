"""What threads do together that Python does for them: which it is, as numbers in code, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.backends.sim import transfers
from weft.backends.sim.products import Product, QuadProduct
from weft.backends.sim.scene import Scene, Service
from weft.backends.sim.warpgroup import GroupProduct
from weft.backends.sim.wmma import WmmaProduct


@dataclass(frozen=True)
class WarpProduct:
    """`mma.sync`."""

    product: Product | QuadProduct

    def serve(self, scene: Scene) -> None:
        """Do it for the warp."""
        self.product.run(scene.seen)


def _warp_product(facts: dict[str, Any]) -> Service:
    return WarpProduct(Product(**facts))


_KINDS: Mapping[str, Callable[[dict[str, Any]], Service]] = {
    "mma": _warp_product,
    "mma.quad": lambda facts: WarpProduct(QuadProduct(**facts)),
    "wmma": lambda facts: WmmaProduct(**facts),
    "wgmma": lambda facts: GroupProduct(**facts),
    "tensor.load": lambda facts: transfers.TensorLoad(**facts),
    "tensor.store": lambda facts: transfers.TensorStore(**facts),
    "bulk.load": lambda facts: transfers.BytesLoad(),
    "bulk.store": lambda facts: transfers.BytesStore(),
    "bulk.commit": lambda facts: transfers.Commit(),
    "bulk.wait": lambda facts: transfers.Wait(**facts),
}


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
