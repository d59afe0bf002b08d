"""The equation of each op from complex numbers to complex numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xdsl.ir import Operation

from weft.dialects import ml
from weft.passes.graph.equations import complex as arithmetic
from weft.passes.graph.equations import complex_functions as functions
from weft.passes.graph.equations.complex import Pair

ON_PAIRS: Mapping[type[Operation], Callable[..., Pair]] = {
    ml.AddOp: arithmetic.add,
    ml.SubOp: arithmetic.subtract,
    ml.MulOp: arithmetic.multiply,
    ml.DivOp: arithmetic.divide,
    ml.NegOp: arithmetic.negate,
    ml.ConjOp: arithmetic.conjugate,
    ml.ExpOp: arithmetic.exponential,
    ml.LogOp: arithmetic.logarithm,
    ml.SqrtOp: arithmetic.square_root,
    ml.RsqrtOp: arithmetic.reciprocal_root,
    ml.Expm1Op: functions.exponential_minus_one,
    ml.Log1pOp: functions.log_plus_one,
    ml.CbrtOp: functions.cube_root,
    ml.SinOp: functions.sine,
    ml.CosOp: functions.cosine,
    ml.TanOp: functions.tangent,
    ml.TanhOp: functions.hyperbolic_tangent,
    ml.SigmoidOp: functions.sigmoid,
    ml.SignOp: functions.sign,
    ml.PowOp: functions.power,
    ml.Atan2Op: functions.angle_of,
}
"""By op class. Those of one operand take a pair, those of two take two."""
