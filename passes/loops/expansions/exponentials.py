"""exp, exp2, expm1 and tanh on f32."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.693145751953125
"""ln 2 to 16 bits: products with whole numbers below 2**8 are exact."""
LN2_LOW = 1.428606765330187e-06

EXP_TAIL = (0.5, 0.16666512191295624, 0.0416661873459816, 0.008369598537683487, 0.0013951717410236597)
"""(exp(r) - 1 - r) / r**2 for |r| <= 0.35, to 3.4e-9 of exp(r)."""

EXP2_TAIL = (
    0.6931471824645996,
    0.24022650718688965,
    0.0555032454431057,
    0.009618000127375126,
    0.0013401624746620655,
    0.0001547736901557073,
)
"""(2**r - 1) / r for |r| <= 0.505, to 2e-9 of 2**r."""

TANH_TAIL = (
    -0.33333271741867065,
    0.13331152498722076,
    -0.05371410399675369,
    0.020551711320877075,
    -0.00560390530154109,
)
"""(tanh(x) - x) / x**3 in x**2 for |x| <= 0.64, to 5.4e-9 of tanh(x)."""
TANH_NEAR = 0.625


def exp(f: Floats, x: SSAValue) -> SSAValue:
    """exp(x) = 2**n * exp(r), where r = x - n * ln 2 and |r| <= ln(2) / 2. Denormal results are right."""
    r, n = _reduced(f, f.clamp(-104.0, x, 89.0))
    return f.scaled(f.add(_expm1_near(f, r), 1.0), n)


def exp2(f: Floats, x: SSAValue) -> SSAValue:
    """2**x = 2**n * 2**r, where r = x - n and |r| <= 1/2."""
    x = f.clamp(-151.0, x, 129.0)
    whole, n = f.round(x)
    r = f.sub(x, whole)
    return f.scaled(f.add(f.mul(r, f.polynomial(r, EXP2_TAIL)), 1.0), n)


def expm1(f: Floats, x: SSAValue) -> SSAValue:
    """exp(x) - 1 = 2 * (s * (exp(r) - 1) + (s - 1/2)), where s = 2**(n - 1); exact near 0."""
    r, n = _reduced(f, f.clamp(-25.0, x, 89.0))
    half = f.scaled(f.number(0.5), n)
    result = f.add(f.mul(_expm1_near(f, r), half), f.sub(half, 0.5))
    return f.where("olt", f.magnitude(x), 2.0**-25, x, f.add(result, result))


def tanh(f: Floats, x: SSAValue) -> SSAValue:
    """1 - 2 / (exp(2|x|) + 1) with the sign of x; near 0 an odd polynomial."""
    size, square = f.magnitude(x), f.mul(x, x)
    near = f.add(size, f.mul(f.mul(size, square), f.polynomial(square, TANH_TAIL)))
    far = f.sub(1.0, f.div(2.0, f.add(exp(f, f.add(size, size)), 1.0)))
    return f.signed_as(f.where("olt", size, TANH_NEAR, near, far), x)


def _reduced(f: Floats, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """x - n * ln 2, and n."""
    whole, n = f.round(f.mul(x, LOG2_E))
    return f.sub(f.sub(x, f.mul(whole, LN2_HIGH)), f.mul(whole, LN2_LOW)), n


def _expm1_near(f: Floats, r: SSAValue) -> SSAValue:
    """exp(r) - 1 for |r| <= 0.35."""
    return f.add(r, f.mul(f.mul(r, r), f.polynomial(r, EXP_TAIL)))
