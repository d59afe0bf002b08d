"""The equation of each named op that is one of smaller ops."""

from __future__ import annotations

from weft.dialects import ml
from weft.dialects.ml.base import MlOp
from weft.passes.graph.equations.activations import gelu, relu, sigmoid, silu, softplus
from weft.passes.graph.equations.building import exact, rounded_once
from weft.passes.graph.equations.shares import softmax
from weft.passes.graph.worklist import Pattern

DECOMPOSITIONS: dict[type[MlOp], Pattern] = {
    ml.SoftmaxOp: rounded_once(softmax),
    ml.SigmoidOp: rounded_once(sigmoid),
    ml.SiluOp: rounded_once(silu),
    ml.GeluOp: rounded_once(gelu),
    ml.SoftplusOp: rounded_once(softplus),
    ml.ReluOp: exact(relu),
}
"""By op class. An op that has no loops of its own is always replaced on the way to machine code."""
