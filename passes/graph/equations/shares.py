"""Softmax."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp
from weft.passes.graph.equations.building import along, put
from weft.passes.rewriting import LocatedBuilder


def softmax(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """softmax(x) = e / sum(e), e = exp(x - max(x))"""
    assert isinstance(op, ml.SoftmaxOp)
    (x,) = operands
    greatest = put(builder, ml.ReduceOp.of("max", x, [op.dim]))
    shifted = put(builder, ml.SubOp(x, along(builder, greatest, x, [op.dim])))
    powers = put(builder, ml.ExpOp(shifted))
    total = put(builder, ml.ReduceOp.of("add", powers, [op.dim]))
    return put(builder, ml.DivOp(powers, along(builder, total, x, [op.dim])))
