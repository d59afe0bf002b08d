"""erf, and the lower tail of the normal distribution."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.exponentials import exp, exp_of_sum

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

ERF_NEAR_WIDE = (
    0.1283791670955126,
    -0.3761263890318375,
    0.11283791670954645,
    -0.02686617064490387,
    0.005223977619978216,
    -0.0008548326268276654,
    0.00012055269333651753,
    -1.4922321748472675e-05,
    1.6356426446329553e-06,
    -1.4487225895180413e-07,
)
"""erf(x) / x - 1 in x**2 for |x| <= 0.52, to 1.3e-17 of erf(x)."""

ERFC_FAR_WIDE = (
    1.095995661000491,
    -0.9765487290808819,
    0.7732087022652367,
    -0.540853831313265,
    0.3308515878780065,
    -0.17401093723724834,
    0.07638151491639988,
    -0.026370053431600312,
    0.006112055180322967,
    -0.0002809582524352578,
    -0.0004550426588154311,
    0.00017683659188147624,
    -3.6617632347574512e-06,
    -1.914137517769022e-05,
    3.927993373832259e-06,
    2.2719238566378955e-07,
    -2.0251864462244204e-06,
    -7.888071994821832e-07,
    -9.53388754964436e-08,
)
"""(1 - erf(t)) exp(t**2) (t + 4) in (t - 4) / (t + 4) for t from 0 to 6.1, to 5.8e-17."""

NEAR_WIDE = 0.5
ALMOST_ONE_WIDE = 6.0
"""From here on erf is 1 in f64."""


def erf(f: Floats, x: SSAValue) -> SSAValue:
    """1 less the complement of |x|, with the sign of x; near 0 an odd polynomial."""
    size = f.at_most(f.magnitude(x), ALMOST_ONE_WIDE if f.is_wide else ALMOST_ONE)
    near = f.add(x, f.mul(x, f.polynomial(f.mul(x, x), ERF_NEAR_WIDE if f.is_wide else ERF_NEAR)))
    far = f.sub(1.0, _complement_wide(f, size) if f.is_wide else _complement(f, size))
    return f.where("olt", size, NEAR_WIDE if f.is_wide else NEAR, near, f.signed_as(far, x))


def _complement(f: Floats, t: SSAValue) -> SSAValue:
    """1 - erf(t) = exp(-t - t * p(t))."""
    return exp(f, f.negate(f.add(f.mul(t, f.polynomial(t, ERFC_FAR)), t)))


def _complement_wide(f: Floats, t: SSAValue) -> SSAValue:
    """1 - erf(t) = exp(-t**2) / (t + 4) * p((t - 4) / (t + 4)), where the square is taken in two parts."""
    scale = f.div(1.0, f.add(t, 4.0))
    share = f.mul(f.sub(t, 4.0), scale)
    power, n = exp_of_square(f, t, 1.0)
    return f.scaled(f.mul(f.mul(power, scale), f.polynomial(share, ERFC_FAR_WIDE)), n)


def exp_of_square(f: Floats, t: SSAValue, factor: float) -> tuple[SSAValue, SSAValue]:
    """exp(-factor * t**2) = 2**n * y as y and n, for a factor that is a power of two.

    The square of the upper half of t is exact; the rest of t**2 is small beside 1.
    """
    upper = f.upper_half(t)
    low = f.mul(f.mul(f.sub(t, upper), f.add(t, upper)), -factor)
    return exp_of_sum(f, f.mul(f.mul(upper, upper), -factor), low)
