"""log, log2, log10 and log1p."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.exponentials import NUMBERS

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

LOG_SERIES = (
    0.6666666666666735,
    0.39999999999413105,
    0.2857142874277025,
    0.22222198530773093,
    0.18183566685788838,
    0.15313986378821337,
    0.1479662831474739,
)
"""(log((1 + s) / (1 - s)) - 2s) / s**3 in s**2 for |s| <= 0.1716, to 2e-18 of the logarithm."""

SQRT_HALF_BITS = {23: 0x3F3504F3, 52: 0x3FE6A09E667F3BCD}
"""The bits of sqrt(1/2), by the bits of the mantissa."""

LOG2_E_REST = 0.44269504088896340736
"""log2(e) - 1."""
LOG10_E = 0.4342944819032518
LOG10_2 = {23: (0.301025390625, 4.605038981195214e-06), 52: (0.30102999566361177, 3.694239077158931e-13)}
"""log10(2) as a number of so few bits that its products with exponents are exact, and the rest."""


def log(f: Floats, x: SSAValue) -> SSAValue:
    """log(x) = n * ln 2 + log(m), where x = 2**n * m and m is from sqrt(1/2) to sqrt(2)."""
    numbers = NUMBERS[f.format]
    n, t, rest = _split(f, x)
    rest = f.add(rest, f.mul(n, numbers.ln2_low))
    return _at_the_ends(f, x, f.add(f.mul(n, numbers.ln2_high), f.add(t, rest)))


def log2(f: Floats, x: SSAValue) -> SSAValue:
    """log2(x) = n + log(m) * log2(e); the product is summed from its parts, the least first."""
    n, t, rest = _split(f, x)
    parts = f.add(f.mul(rest, LOG2_E_REST), f.mul(t, LOG2_E_REST))
    return _at_the_ends(f, x, f.add(n, f.add(t, f.add(rest, parts))))


def log10(f: Floats, x: SSAValue) -> SSAValue:
    """log10(x) = n * log10(2) + log(m) * log10(e)."""
    high, low = LOG10_2[f.format.mantissa]
    n, t, rest = _split(f, x)
    below = f.add(f.mul(rest, LOG10_E), f.mul(n, low))
    return _at_the_ends(f, x, f.add(f.mul(n, high), f.add(f.mul(t, LOG10_E), below)))


def log1p(f: Floats, x: SSAValue) -> SSAValue:
    """log(1 + x) = log(u) + (x - (u - 1)) / u, where u is 1 + x rounded; x itself near 0."""
    u = f.add(x, 1.0)
    lost = f.div(f.sub(x, f.sub(u, 1.0)), u)
    result = f.add(log(f, u), lost)
    result = f.where("oeq", x, float("inf"), x, result)
    result = f.where("oeq", x, -1.0, f.number(float("-inf")), result)
    return f.where("olt", f.magnitude(x), f.format.half_unit / 2, x, result)


def parts_of(f: Floats, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """n and m with x = 2**n * m and m from sqrt(1/2) to sqrt(2), for an x above 0; denormal ones are scaled first."""
    body, mantissa = f.body, f.format.mantissa
    is_denormal = f.compare("olt", x, f.format.least_normal)
    scaled = body.select(is_denormal, f.mul(x, 2.0**mantissa), x)
    extra = body.select(is_denormal, f.number(-float(mantissa)), f.number(0.0))
    bits = f.bits(scaled)
    above = body.put(arith.SubiOp(bits, f.integer(SQRT_HALF_BITS[mantissa])))
    exponent = body.put(arith.ShRSIOp(above, f.integer(mantissa)))
    shifted = body.put(arith.ShLIOp(exponent, f.integer(mantissa)))
    return f.add(f.whole(exponent), extra), f.from_bits(body.put(arith.SubiOp(bits, shifted)))


def _split(f: Floats, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """n, t and rest with x = 2**n * (1 + t) and log(1 + t) = t + rest."""
    n, m = parts_of(f, x)
    t = f.sub(m, 1.0)
    square = f.mul(t, t)
    half = f.mul(square, 0.5)
    if not f.is_wide:
        return n, t, f.sub(f.mul(f.mul(square, t), f.polynomial(t, LOG_TAIL)), half)
    s = f.div(t, f.add(t, 2.0))
    z = f.mul(s, s)
    return n, t, f.sub(f.mul(s, f.add(half, f.mul(z, f.polynomial(z, LOG_SERIES)))), half)


def _at_the_ends(f: Floats, x: SSAValue, result: SSAValue) -> SSAValue:
    """inf and NaN at themselves, -inf at 0, NaN below."""
    result = f.where("olt", x, float("inf"), result, x)
    result = f.where("oeq", x, 0.0, f.number(float("-inf")), result)
    return f.where("olt", x, 0.0, f.number(float("nan")), result)
