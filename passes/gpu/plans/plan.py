"""What a plan is, and the choices that plans share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.dialects.loop import AccessOp, ForOp
from weft.dialects.loop.schedule import Step
from weft.dialects.target import Cuda
from weft.passes.loops.kernels import label
from weft.passes.loops.nest_shape import element_bytes, stride
from weft.passes.loops.plans.common import Names

WARP = 32
BLOCK = 256
"""The threads of a block where nothing speaks for another number."""

VECTOR_BYTES = 16
"""The widest access of a thread."""


@dataclass(frozen=True)
class Plan:
    """Steps that belong together, and more that are taken one by one, each where it is legal."""

    steps: Sequence[Step]
    extras: Sequence[Sequence[Step]] = ()


@dataclass(frozen=True)
class Choice:
    """What plans are made with."""

    gpu: Cuda
    names: Names

    def tiles(self, loop: ForOp, *words: str) -> list[str]:
        """New labels for the loops that one is tiled into."""
        return [self.names.new(f"{label(loop)}{word}") for word in words]

    @property
    def blocks(self) -> int:
        """So many blocks keep all multiprocessors busy."""
        return 2 * self.gpu.multiprocessors


def vector_lanes(loop: ForOp, accesses: Sequence[AccessOp]) -> int:
    """How many neighbours of a loop one access of a thread can take: as many as rows always start at a multiple of."""
    moving = [access for access in accesses if loop.counter in access.counters]
    size = max((element_bytes(access) for access in moving), default=VECTOR_BYTES)
    lanes = VECTOR_BYTES // size
    if not any(stride(access, loop.counter) == 1 for access in moving):
        return 1
    while lanes > 1 and not all(starts_whole(access, loop, lanes) for access in moving):
        lanes //= 2
    return max(lanes, 1)


def starts_whole(access: AccessOp, loop: ForOp, lanes: int) -> bool:
    """Whether whole vectors along a loop lie at multiples of their size, if the access moves by one element at all."""
    if stride(access, loop.counter) != 1:
        return True
    strides = access.memref.get_strides()
    if strides is None:
        return False
    for form, step in zip(access.index(), strides, strict=True):
        factors = [factor for value, factor in form.terms if value is not loop.counter]
        if any(step is None or (factor * step) % lanes for factor in (*factors, form.constant)):
            return False
    return True
