"""erf on f32."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.exponentials import exp

ERF_NEAR = (
    0.12837916612625122,
    -0.37612631916999817,
    0.11283676326274872,
    -0.026858344674110413,
    0.005198462400585413,
    -0.0008114047232083976,
    8.250999235315248e-05,
)
"""erf(x) / x - 1 in x**2 for |x| <= 0.94, to 5.3e-10 of erf(x)."""

ERFC_FAR = (
    0.12863707542419434,
    0.6351980566978455,
    0.10615904629230499,
    -0.023694565519690514,
    0.0036103418096899986,
    -0.0003148581017740071,
    1.0433112038299441e-05,
)
"""-(log(1 - erf(t)) + t) / t for t from 0.9 to 4.02, to 8.6e-10 of erf(t)."""

NEAR = 0.921875
ALMOST_ONE = 4.0
"""From here on erf is 1 in f32."""


def erf(f: Floats, x: SSAValue) -> SSAValue:
    """1 - exp(-t - t * p(t)) with t = |x| and the sign of x; near 0 an odd polynomial."""
    size = f.clamp(0.0, f.magnitude(x), ALMOST_ONE)
    square = f.mul(x, x)
    near = f.add(x, f.mul(x, f.polynomial(square, ERF_NEAR)))
    power = f.add(f.mul(size, f.polynomial(size, ERFC_FAR)), size)
    far = f.sub(1.0, exp(f, f.sub(0.0, power)))
    return f.where("olt", size, NEAR, near, f.signed_as(far, x))
