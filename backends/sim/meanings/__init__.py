"""What NVIDIA's instructions do in the simulator: for each, what is written in its place.

Most are a call of a function of the run-time library. What several threads do together is in three parts: each brings
its operands, waits until the others have come, and takes its result from what all of them brought.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from weft.backends.sim.meanings.barriers import BARRIERS
from weft.backends.sim.meanings.base import Meaning
from weft.backends.sim.meanings.registers import REGISTERS
from weft.backends.sim.meanings.warp import WARP
from weft.dialects.nvvm.instruction import NvvmOp

BY_NAME: Mapping[str, Meaning] = {**REGISTERS}
"""By the name of the op."""

BY_MEANING: Mapping[str, Meaning] = {**BARRIERS, **WARP}
"""By the name that the table of instructions gives."""


def meaning_of(op: Operation) -> Meaning | None:
    """What an instruction does; None for another op, and for an instruction that has no meaning here."""
    if not isinstance(op, NvvmOp):
        return None
    return BY_NAME.get(op.name) or BY_MEANING.get(op.INSTRUCTION.meaning)
