"""What `--explain` says of a GPU: the launches of a kernel, and what of each are blocks, warps, threads and vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import ForOp
from weft.dialects.loop.nest import loops_around
from weft.dialects.target import Cuda
from weft.driver.schedules.amounts import size_text
from weft.driver.schedules.cost import Cost, Floor
from weft.driver.schedules.nests import vector_loops
from weft.passes.gpu.loop_to_gpu.units import Unit, parts, units

_PLACES = {"block": "blocks", "warp": "warps", "thread": "threads"}
"""What the iterations of a mapped loop are, by its mark."""


@dataclass(frozen=True)
class GpuMachine:
    """An NVIDIA GPU. What it reaches is not known, so that there is no floor."""

    gpu: Cuda

    def described(self) -> str:
        """Its facts, in a line."""
        gpu = self.gpu
        return (
            f"machine: {gpu.chip}, {gpu.multiprocessors} multiprocessors, {gpu.block_threads} threads a block at most, "
            f"{size_text(gpu.shared_bytes)} of shared memory a block, L2 {size_text(gpu.l2_bytes)}"
        )

    def units(self, before: FuncOp, after: FuncOp) -> Iterator[tuple[str, Iterable[str]]]:
        """The launches, and vectors."""
        launches = list(units(parts(after.body.block)))
        count = len(launches)
        numbers = [f"{n} of {count}: " if count > 1 else "" for n in range(1, count + 1)]
        yield (
            "launches",
            [f"{number}{_launch(unit)}{_repeated(unit)}" for number, unit in zip(numbers, launches, strict=True)],
        )
        yield "vectors", vector_loops(after)

    def floor(self, cost: Cost, after: FuncOp) -> Floor | None:
        """None: the program's facts of a GPU have no speeds."""
        return None

    def stays_in_caches(self, cost: Cost) -> bool:
        """Whether all that a kernel moves fits into the second cache."""
        return cost.bytes is not None and cost.bytes <= self.gpu.l2_bytes


def _launch(unit: Unit) -> str:
    """The mapped loops of a launch, but for those that copy to and from buffers of its own (`x_r.k`)."""
    found: dict[str, dict[str, None]] = {}
    for loop in (inner for op in unit.ops for inner in op.walk() if isinstance(inner, ForOp)):
        kind, name = loop.kind(), loop.label.data.rstrip("~")
        if kind == "grid":
            found.setdefault(f"blocks of {loop.number()} threads", {})[_with_trip(loop, name)] = None
        elif kind in _PLACES and "." not in name:
            found.setdefault(_PLACES[kind], {})[_with_trip(loop, name)] = None
        elif kind == "tensor":
            found.setdefault("on tensor cores", {})[name] = None
    return "; ".join(f"{what} {', '.join(names)}" for what, names in found.items()) or "one thread, no loop is mapped"


def _repeated(unit: Unit) -> str:
    """How often the host launches a unit, where it stands in loops of the host."""
    around = [_with_trip(loop, loop.label.data) for loop in loops_around(unit.ops[0]) if loop.kind() == "host"]
    return f", in each iteration of {', '.join(around[::-1])} on the host" if around else ""


def _with_trip(loop: ForOp, name: str) -> str:
    return f"{name} ({loop.greatest_trip() or '?'})"
