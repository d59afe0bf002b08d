"""Mapped loops that stand where no id of a launch can take their place."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Block

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AllocOp, ForOp
from weft.passes.gpu.loop_to_gpu.grid import Grid
from weft.passes.gpu.loop_to_gpu.places import is_shared
from weft.passes.loops.kernels import label

OUTSIDE = (
    "a loop mapped to '{0}' should stand outside of all loops of its nest that are not, with nothing beside it in them",
    "interchange the loops, or map it to 'thread'",
)
OF_BLOCK = (
    "the loops around it are mapped to 'grid', whose threads have nothing in common",
    "map the loops around it to 'block'",
)
NO_WARP = (
    "the lanes of a warp do it together, and no loop of its launch is mapped to 'thread' or 'warp'",
    "map a loop around it to 'warp'",
)

INSIDE = ("it stands in what one launch does", "map the loops around it to 'host' too")

REASONS: Mapping[str, tuple[str, str]] = {
    "host": INSIDE,
    "grid": OUTSIDE,
    "block": OUTSIDE,
    "warp": OF_BLOCK,
    "thread": OF_BLOCK,
    "pipeline": OF_BLOCK,
    "tensor": NO_WARP,
}
"""Why a loop of a mark is still there when ids have taken the place of all that they can, and the way out."""


def check_placed(body: Block, grid: Grid) -> None:
    """Refuse a loop whose mark nothing expanded, and shared memory of threads that have nothing in common.

    Raises :class:`WeftError` at the op.
    """
    for loop in body.walk():
        if isinstance(loop, AllocOp) and is_shared(loop.result) and grid.divisor > 1:
            message = f"'{loop.buffer_name.data}' cannot be in 'shared' here: {OF_BLOCK[0]}"
            raise error_at(loop, message, OF_BLOCK[1], code=codes.CANNOT_LOWER)
        if not isinstance(loop, ForOp) or loop.kind() not in REASONS:
            continue
        kind = loop.kind()
        why, hint = OF_BLOCK if kind == "tensor" and grid.divisor > 1 else REASONS[kind]
        message = f"the loop '{label(loop)}' cannot be mapped to '{kind}' here: {why.format(kind)}"
        raise error_at(loop, message, hint, code=codes.CANNOT_LOWER)
