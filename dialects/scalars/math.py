"""What the ops of `math` mean: computed in f64 and rounded once; integers as `arith` has them."""

from __future__ import annotations

import math as scalar
from functools import partial
from typing import Any, cast

import numpy as np
from xdsl.dialects import math
from xdsl.ir import Operation

from weft.dialects.ml import numerics
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars import integers
from weft.dialects.scalars.arith import on_floats, signed, unsigned, width_of
from weft.dialects.scalars.integers import Ints, Width
from weft.dialects.scalars.types import Meanings, Value


def _fma(a: Array, b: Array, c: Array) -> Array:
    wide = np.longdouble
    return (a.astype(wide) * b.astype(wide) + c.astype(wide)).astype(np.float64)


def _fpowi(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
    exponent = width_of(op, op.operands[1].type).signed(np.asarray(args[1])).astype(np.float64)
    return (numerics.in_wide(partial(_to_power, exponent=exponent), np.asarray(args[0]))[()],)


def _to_power(x: Array, exponent: Array) -> Array:
    return np.power(x, exponent)


def _rsqrt(x: Array) -> Array:
    return 1.0 / np.sqrt(x)


def _abs(width: Width, a: Ints) -> Ints:
    """INT_MIN stays INT_MIN."""
    negative = (a >> np.asarray(width.bits - 1, a.dtype)) != 0
    return np.where(negative, np.negative(a), a)


def _erf(x: Array) -> Array:
    return np.asarray(cast(Any, np.frompyfunc(scalar.erf, 1, 1)(x)), np.float64)


MEANINGS: Meanings = {
    math.AbsFOp: on_floats(np.abs),
    math.AbsIOp: unsigned(_abs),
    math.AcosOp: on_floats(np.arccos),
    math.AcoshOp: on_floats(np.arccosh),
    math.AsinOp: on_floats(np.arcsin),
    math.AsinhOp: on_floats(np.arcsinh),
    math.AtanOp: on_floats(np.arctan),
    math.AtanhOp: on_floats(np.arctanh),
    math.Atan2Op: on_floats(np.arctan2),
    math.CbrtOp: on_floats(np.cbrt),
    math.CeilOp: on_floats(np.ceil),
    math.CopySignOp: on_floats(np.copysign),
    math.CosOp: on_floats(np.cos),
    math.CoshOp: on_floats(np.cosh),
    math.CountLeadingZerosOp: unsigned(integers.leading_zeros),
    math.CountTrailingZerosOp: unsigned(integers.trailing_zeros),
    math.CtPopOp: unsigned(integers.bit_count),
    math.ErfOp: on_floats(_erf),
    math.Exp2Op: on_floats(np.exp2),
    math.ExpM1Op: on_floats(np.expm1),
    math.ExpOp: on_floats(np.exp),
    math.FPowIOp: _fpowi,
    math.FloorOp: on_floats(np.floor),
    math.FmaOp: on_floats(_fma),
    math.IPowIOp: signed(integers.power),
    math.Log10Op: on_floats(np.log10),
    math.Log1pOp: on_floats(np.log1p),
    math.Log2Op: on_floats(np.log2),
    math.LogOp: on_floats(np.log),
    math.PowFOp: on_floats(np.float_power),
    math.RoundEvenOp: on_floats(np.rint),
    math.RoundOp: on_floats(numerics.round_half_away),
    math.RsqrtOp: on_floats(_rsqrt),
    math.SinOp: on_floats(np.sin),
    math.SinhOp: on_floats(np.sinh),
    math.SqrtOp: on_floats(np.sqrt),
    math.TanOp: on_floats(np.tan),
    math.TanhOp: on_floats(np.tanh),
    math.TruncOp: on_floats(np.trunc),
}
