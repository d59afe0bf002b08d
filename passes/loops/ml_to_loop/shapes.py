"""Ops that put pieces together: concatenate."""

from __future__ import annotations

from weft.dialects import ml
from weft.dialects.loop.linear import linear
from weft.dialects.ml.base import MlOp
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Nest, loop_names


def concatenate(kernel: Kernel, op: MlOp) -> None:
    """One nest for each piece, which writes it behind the pieces before it."""
    assert isinstance(op, ml.ConcatenateOp)
    buffer = kernel.home(op.result)
    start = linear(0)
    for piece in op.inputs:
        dims = kernel.dims(piece)
        nest, index = Nest.top(kernel).loops(dims, loop_names(len(dims)))
        place = tuple(form + start if axis == op.dim else form for axis, form in enumerate(index))
        nest.store(nest.element(piece, index), buffer, place)
        start += dims[op.dim]
