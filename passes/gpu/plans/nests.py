"""Which plans a nest may take, the best one first. No op's name matters."""

from __future__ import annotations

from weft.dialects.loop import ForOp
from weft.dialects.loop.schedule import Step
from weft.dialects.target import Cuda
from weft.passes.gpu.plans.each_thread import each_thread
from weft.passes.loops.plans.common import Names


def plans(nest: ForOp, gpu: Cuda, names: Names) -> list[list[Step]]:
    """The plans for a nest; none where it runs in one thread."""
    return [plan for plan in each_thread(nest, names) if plan]
