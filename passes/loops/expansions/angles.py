"""atan and atan2."""

from __future__ import annotations

from math import pi

from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats

ATAN = (
    -0.33333301544189453,
    0.19998638331890106,
    -0.1426524519920349,
    0.10957574099302292,
    -0.08419456332921982,
    0.05823454260826111,
    -0.03145572170615196,
    0.011064461432397366,
    -0.0018272192683070898,
)
"""(atan(t) - t) / t**3 in t**2 for |t| <= 1, to 6.8e-9 of t."""

ATAN_WIDE = (
    -0.333333333333332,
    0.19999999999953239,
    -0.14285714280159195,
    0.11111110781475934,
    -0.09090897697337103,
    0.07692059081153528,
    -0.06663090483659813,
    0.05847785676135505,
    -0.05038815871064755,
    0.03805159713225369,
    -0.01789243423512586,
)
"""The same for |t| <= tan(pi / 8), to 4.8e-18."""

TAN_OF_EIGHTH = 0.41421356237309503
LOST = {23: -4.371139000186241e-08, 52: 6.123233995736766e-17}
"""What rounding takes from pi / 2, by the bits of the mantissa."""


def atan(f: Floats, x: SSAValue) -> SSAValue:
    """The angle of (1, x)."""
    return f.signed_as(_angle(f, f.magnitude(x), f.number(1.0)), x)


def atan2(f: Floats, y: SSAValue, x: SSAValue) -> SSAValue:
    """The angle of (|x|, |y|), turned to the half plane of x and the sign of y."""
    body = f.body
    angle = _angle(f, f.magnitude(y), f.magnitude(x))
    lost = LOST[f.format.mantissa]
    turned = f.sub(pi, f.sub(angle, 2 * lost))
    is_left = body.cmpi("slt", f.bits(x), f.integer(0))
    angle = f.signed_as(body.select(is_left, turned, angle), y)
    return f.where("uno", y, x, f.add(y, x), angle)


def _angle(f: Floats, y: SSAValue, x: SSAValue) -> SSAValue:
    """atan(y / x) for numbers from 0 to infinity, by the lesser over the greater one."""
    body = f.body
    is_steep = f.compare("ogt", y, x)
    lesser, greater = body.select(is_steep, x, y), body.select(is_steep, y, x)
    quotient = f.div(lesser, greater)
    quotient = f.where("oeq", lesser, greater, f.where("oeq", lesser, 0.0, lesser, f.number(1.0)), quotient)
    angle = _atan_below_one(f, quotient)
    from_upright = f.sub(pi / 2, f.sub(angle, LOST[f.format.mantissa]))
    return body.select(is_steep, from_upright, angle)


def _atan_below_one(f: Floats, t: SSAValue) -> SSAValue:
    """atan(t) for t from 0 to 1; in f64 by way of pi / 4 + atan((t - 1) / (t + 1)) for greater ones."""
    if not f.is_wide:
        return _series(f, t, ATAN)
    is_great = f.compare("ogt", t, TAN_OF_EIGHTH)
    t = f.body.select(is_great, f.div(f.sub(t, 1.0), f.add(t, 1.0)), t)
    angle = _series(f, t, ATAN_WIDE)
    return f.body.select(is_great, f.add(f.add(angle, LOST[52] / 2), pi / 4), angle)


def _series(f: Floats, t: SSAValue, coefficients: tuple[float, ...]) -> SSAValue:
    square = f.mul(t, t)
    return f.add(t, f.mul(f.mul(square, t), f.polynomial(square, coefficients)))
