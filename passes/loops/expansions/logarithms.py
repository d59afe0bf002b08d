"""log, log2 and log1p on f32."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import MANTISSA_BITS, Floats
from weft.passes.loops.expansions.exponentials import LN2_HIGH, LN2_LOW

LOG_TAIL = (
    0.3333333134651184,
    -0.250008225440979,
    0.20001226663589478,
    -0.16623355448246002,
    0.14201760292053223,
    -0.1316019892692566,
    0.12761567533016205,
    -0.07634441554546356,
)
"""(log(1 + t) - t + t**2 / 2) / t**3 for t from sqrt(1/2) - 1 to sqrt(2) - 1, to 5.8e-9 of the logarithm."""

SQRT_HALF_BITS = 0x3F3504F3
LEAST_NORMAL = 2.0**-126
LOG2_E_REST = 0.44269504088896340736
"""log2(e) - 1."""


def log(f: Floats, x: SSAValue) -> SSAValue:
    """log(x) = n * ln 2 + log(m), where x = 2**n * m and m is from sqrt(1/2) to sqrt(2)."""
    n, t, rest = _split(f, x)
    rest = f.add(rest, f.mul(n, LN2_LOW))
    return _at_the_ends(f, x, f.add(f.mul(n, LN2_HIGH), f.add(t, rest)))


def log2(f: Floats, x: SSAValue) -> SSAValue:
    """log2(x) = n + log(m) * log2(e); the product is summed from its parts, the least first."""
    n, t, rest = _split(f, x)
    parts = f.add(f.mul(rest, LOG2_E_REST), f.mul(t, LOG2_E_REST))
    return _at_the_ends(f, x, f.add(n, f.add(t, f.add(rest, parts))))


def log1p(f: Floats, x: SSAValue) -> SSAValue:
    """log(1 + x) = log(u) + (x - (u - 1)) / u, where u is 1 + x rounded; x itself near 0."""
    u = f.add(x, 1.0)
    lost = f.div(f.sub(x, f.sub(u, 1.0)), u)
    result = f.add(log(f, u), lost)
    result = f.where("oeq", x, float("inf"), x, result)
    result = f.where("oeq", x, -1.0, f.number(float("-inf")), result)
    return f.where("olt", f.magnitude(x), 2.0**-25, x, result)


def _split(f: Floats, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """n, t and rest with x = 2**n * (1 + t) and log(1 + t) = t + rest. Denormal numbers are scaled first."""
    body = f.body
    scaled = f.where("olt", x, LEAST_NORMAL, f.mul(x, 2.0**MANTISSA_BITS), x)
    extra = f.where("olt", x, LEAST_NORMAL, f.number(-float(MANTISSA_BITS)), f.number(0.0))
    bits = f.bits(scaled)
    above = body.put(arith.SubiOp(bits, f.integer(SQRT_HALF_BITS)))
    exponent = body.put(arith.ShRSIOp(above, f.integer(MANTISSA_BITS)))
    shifted = body.put(arith.ShLIOp(exponent, f.integer(MANTISSA_BITS)))
    t = f.sub(f.from_bits(body.put(arith.SubiOp(bits, shifted))), 1.0)
    n = f.add(body.put(arith.SIToFPOp(exponent, f32)), extra)
    square = f.mul(t, t)
    rest = f.sub(f.mul(f.mul(square, t), f.polynomial(t, LOG_TAIL)), f.mul(square, 0.5))
    return n, t, rest


def _at_the_ends(f: Floats, x: SSAValue, result: SSAValue) -> SSAValue:
    """inf and NaN at themselves, -inf at 0, NaN below."""
    result = f.where("olt", x, float("inf"), result, x)
    result = f.where("oeq", x, 0.0, f.number(float("-inf")), result)
    return f.where("olt", x, 0.0, f.number(float("nan")), result)
