"""pow and cbrt."""

from __future__ import annotations

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.exponentials import NUMBERS
from weft.passes.loops.expansions.formats import F64
from weft.passes.loops.expansions.logarithms import parts_of

LOG2_E = 1.4426950408889634
LN_2 = 0.6931471805599453
LOG_SERIES = (0.6666666564364027, 0.4000033563844265, 0.2853727801805506, 0.23582767163768986)
"""(log((1 + s) / (1 - s)) - 2s) / s**3 in s**2 for |s| <= 0.1716, to 4.8e-12 of the logarithm."""

EXP2_TAIL = (
    0.693147184082099,
    0.2402265093839164,
    0.05550399763159152,
    0.009618053180013238,
    0.001334225029488544,
    0.00015462851106094825,
    1.3334626042503792e-05,
)
"""(2**r - 1) / r for |r| <= 0.505, to 2.5e-10 of 2**r."""

LOG_REST = (
    0.5999999999999996,
    0.42857142857167724,
    0.33333333326290626,
    0.2727272830720492,
    0.23076835187878422,
    0.20004480706097186,
    0.17512134572453453,
    0.17984297960678236,
)
"""(3/2 log((1 + s) / (1 - s)) / s - 3 - s**2) / s**4 in s**2 for |s| <= 0.1716, to 2**-67 of the logarithm."""
TWO_THIRDS_LOG2_E = (0.9617966860532761, 7.872699542894897e-09)
"""2/3 log2(e), the first part with half of the bits."""

ROOT_BITS = 0x2A9F7893 << 32
"""What a third of the bits of a number has to be added to, to give about the bits of its cube root."""


def power(f: Floats, x: SSAValue, y: SSAValue) -> SSAValue:
    """|x|**y = 2**(y log2|x|); then signs and special cases.

    In f32 the exponent is computed in f64, in f64 in two parts, since an error of it is one of the result, as large as
    the result is.
    """
    return _special(f, x, y, _power_wide(f, x, y) if f.is_wide else _power(f, x, y))


def _power(f: Floats, x: SSAValue, y: SSAValue) -> SSAValue:
    """The power of |x| on f32."""
    body, w = f.body, Floats(f.body, F64)
    size = w.magnitude(body.resize_float(x, F64.type))
    exponent = w.mul(_log2(w, size), body.resize_float(y, F64.type))
    return body.resize_float(_exp2(w, w.clamp(-200.0, exponent, 200.0)), f32)


def _power_wide(w: Floats, x: SSAValue, y: SSAValue) -> SSAValue:
    """The power of |x| on f64: the product of y and both parts of the logarithm, less its whole part."""
    high, low = _log2_parts(w, w.magnitude(x))
    exponent = w.mul(y, w.add(high, low))
    is_near = w.compare("olt", w.magnitude(exponent), 1100.0)
    upper = w.upper_half(y)
    most = w.body.select(is_near, w.mul(upper, high), w.clamp(-1100.0, exponent, 1100.0))
    rest = w.add(w.mul(w.sub(y, upper), high), w.mul(y, low))
    rest = w.body.select(is_near, rest, w.number(0.0))
    whole, n = w.round(w.add(most, rest))
    most = w.sub(most, whole)
    r = w.add(most, rest)
    lost = w.sub(rest, w.sub(r, most))
    share = w.mul(r, w.polynomial(r, NUMBERS[F64].exp2_tail))
    share = w.add(share, w.mul(w.add(share, 1.0), w.mul(lost, LN_2)))
    return w.scaled(w.add(share, 1.0), n)


def _log2_parts(w: Floats, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """log2(x) as a number with half of the bits and the rest, as in FreeBSD's `e_pow.c` without its table.

    With s = (m - 1) / (m + 1) in two parts, it is n + 2/3 log2(e) s (3 + s**2 + ...), each product in two parts too.
    """
    n, m = parts_of(w, x)
    above, below = w.sub(m, 1.0), w.add(m, 1.0)
    inverse = w.div(1.0, below)
    s = w.mul(above, inverse)
    s_high, below_high = w.upper_half(s), w.upper_half(below)
    below_low = w.sub(m, w.sub(below_high, 1.0))
    s_low = w.sub(w.sub(above, w.mul(s_high, below_high)), w.mul(s_high, below_low))
    s_low = w.mul(s_low, inverse)
    square, z = w.mul(s_high, s_high), w.mul(s, s)
    tail = w.add(w.mul(w.mul(z, z), w.polynomial(z, LOG_REST)), w.mul(s_low, w.add(s_high, s)))
    factor = w.upper_half(w.add(w.add(square, 3.0), tail))
    factor_low = w.sub(tail, w.sub(w.sub(factor, 3.0), square))
    product = w.mul(s_high, factor)
    product_low = w.add(w.mul(s_low, factor), w.mul(factor_low, s))
    high = w.upper_half(w.add(product, product_low))
    low = w.sub(product_low, w.sub(high, product))
    first, second = TWO_THIRDS_LOG2_E
    log_high = w.mul(high, first)
    log_low = w.add(w.mul(high, second), w.mul(low, first + second))
    total = w.upper_half(w.add(w.add(log_high, log_low), n))
    return total, w.sub(log_low, w.sub(w.sub(total, n), log_high))


def _log2(w: Floats, x: SSAValue) -> SSAValue:
    """log2(x) for what f32 holds from 0 on."""
    n, m = parts_of(w, x)
    s = w.div(w.sub(m, 1.0), w.add(m, 1.0))
    z = w.mul(s, s)
    log = w.add(w.add(s, s), w.mul(w.mul(s, z), w.polynomial(z, LOG_SERIES)))
    return w.add(n, w.mul(log, LOG2_E))


def _exp2(w: Floats, x: SSAValue) -> SSAValue:
    """2**x where that is far from the ends of f64."""
    whole, n = w.round(x)
    r = w.sub(x, whole)
    return w.mul(w.add(w.mul(r, w.polynomial(r, EXP2_TAIL)), 1.0), w.power_of_two(n))


def _special(f: Floats, x: SSAValue, y: SSAValue, power: SSAValue) -> SSAValue:
    """What C says of pow where x is 0, infinite or negative, y is 0 or infinite, or one of them is NaN."""
    body, infinity = f.body, float("inf")
    size, exponent = f.magnitude(x), f.magnitude(y)
    no = f.number(0.0)
    grows = f.compare("ogt", y, 0.0)
    # at 0 and infinity the result is 0 or infinite, by the sign of the exponent
    at_zero = body.select(grows, no, f.number(infinity))
    at_infinity = body.select(grows, f.number(infinity), no)
    result = f.where("oeq", size, 0.0, at_zero, power)
    result = f.where("oeq", size, infinity, at_infinity, result)
    # an infinite exponent takes what is greater than 1 one way and what is less the other
    beyond = f.where("ogt", size, 1.0, at_infinity, at_zero)
    beyond = f.where("oeq", size, 1.0, f.number(1.0), beyond)
    result = f.where("oeq", exponent, infinity, beyond, result)
    # the sign of x stays with odd exponents; without a whole one a negative x has no power
    half = f.mul(y, 0.5)
    is_whole = f.compare("oeq", body.put(math.FloorOp(y)), y)
    is_even = f.compare("oeq", body.put(math.FloorOp(half)), half)
    is_odd = body.select(is_even, body.constant(0, is_even.type), is_whole)
    result = body.select(is_odd, f.signed_as(result, x), result)
    inside = f.where("olt", size, infinity, size, no)
    below = f.where("ogt", inside, 0.0, f.where("olt", x, 0.0, f.number(float("nan")), result), result)
    result = body.select(is_whole, result, below)
    # NaN, but for what does not depend on it
    result = f.where("uno", x, y, f.add(x, y), result)
    result = f.where("oeq", x, 1.0, f.number(1.0), result)
    return f.where("oeq", y, 0.0, f.number(1.0), result)


def cbrt(f: Floats, x: SSAValue) -> SSAValue:
    """Halley's iteration from a third of the bits, in f64."""
    w = Floats(f.body, F64)
    size = w.magnitude(f.body.resize_float(x, F64.type))
    root = f.body.resize_float(_root(w, size) if f.is_wide else _rough_root(w, size), f.format.type)
    size = f.magnitude(x)
    inside = f.where("olt", size, float("inf"), f.signed_as(root, x), x)
    return f.where("oeq", x, 0.0, x, inside)


def _rough_root(w: Floats, y: SSAValue) -> SSAValue:
    """A cube root to 45 bits, for a y that is not denormal: a third of its bits is one to 5 bits.

    The bits are divided as a float, since not every machine divides integers.
    """
    body, upper = w.body, w.integer(32)
    bits = w.whole(body.put(arith.ShRUIOp(w.bits(y), upper)))
    _, third = w.round(w.mul(bits, 1 / 3))
    shifted = body.put(arith.ShLIOp(third, upper))
    root = w.from_bits(body.put(arith.AddiOp(shifted, w.integer(ROOT_BITS))))
    return _halley(w, _halley(w, root, y), y)


def _root(w: Floats, y: SSAValue) -> SSAValue:
    """A cube root: a last step from half of the bits, whose square is exact (as in FreeBSD's `s_cbrt.c`).

    Small numbers are scaled up before, others down: the former may be denormal, of the latter twice may overflow.
    """
    is_small = w.compare("olt", y, 1.0)
    y = w.mul(y, w.body.select(is_small, w.number(2.0**54), w.number(2.0**-54)))
    root = w.upper_half(_rough_root(w, y))
    share = w.div(y, w.mul(root, root))
    step = w.div(w.sub(share, root), w.add(w.add(root, root), share))
    root = w.add(root, w.mul(root, step))
    return w.mul(root, w.body.select(is_small, w.number(2.0**-18), w.number(2.0**18)))


def _halley(w: Floats, root: SSAValue, y: SSAValue) -> SSAValue:
    """root (root**3 + 2y) / (2 root**3 + y): three times as many bits are right."""
    cube = w.mul(w.mul(root, root), root)
    above, below = w.add(cube, w.add(y, y)), w.add(w.add(cube, cube), y)
    return w.mul(root, w.div(above, below))
