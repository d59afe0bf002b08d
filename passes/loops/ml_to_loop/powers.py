"""Powers as scalar bodies."""

from __future__ import annotations

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import SSAValue

from weft.dialects.ml.dtypes import width_of
from weft.passes.loops.ml_to_loop.body import Body


def float_power(b: Body, x: SSAValue, y: SSAValue) -> SSAValue:
    """x to the power of y; a square is one product."""
    exponent = _constant(y)
    return b.put(arith.MulfOp(x, x) if exponent == 2 else math.PowFOp(x, y))


def unsigned_power(b: Body, x: SSAValue, n: SSAValue) -> SSAValue:
    """x to the power of n by squaring, without a loop: it wraps. With a constant n, only the products it needs."""
    known = _constant(n)
    width = width_of(x.type)
    one, zero = b.like(1, x), b.like(0, x)
    bits = width if known is None else int(known).bit_length()
    result, base = one, x
    for place in range(bits):
        if place:
            base = b.put(arith.MuliOp(base, base))
        if known is None:
            bit = b.put(arith.AndIOp(n, b.like(1 << place, n)))
            factor = b.select(b.cmpi("ne", bit, zero), base, one)
        elif int(known) >> place & 1:
            factor = base
        else:
            continue
        result = factor if result is one else b.put(arith.MuliOp(result, factor))
    return result


def signed_power(b: Body, x: SSAValue, n: SSAValue) -> SSAValue:
    """As :func:`unsigned_power`; with a negative n: 1 for 1, 1 or -1 for -1, the greatest for 0, else 0."""
    known = _constant(n)
    if known is not None and known >= 0:
        return unsigned_power(b, x, n)
    zero, one, minus = b.like(0, x), b.like(1, x), b.like(-1, x)
    greatest = b.like((1 << (width_of(x.type) - 1)) - 1, x)
    odd = b.cmpi("ne", b.put(arith.AndIOp(n, b.like(1, n))), zero)
    inverse = b.select(b.cmpi("eq", x, zero), greatest, zero)
    inverse = b.select(b.cmpi("eq", x, minus), b.select(odd, minus, one), inverse)
    inverse = b.select(b.cmpi("eq", x, one), one, inverse)
    if known is not None:
        return inverse
    return b.select(b.cmpi("slt", n, zero), inverse, unsigned_power(b, x, n))


def _constant(value: SSAValue) -> int | float | None:
    """The number that a scalar is where it is a constant."""
    op = value.owner
    if isinstance(op, arith.ConstantOp) and isinstance(op.value, IntegerAttr | FloatAttr):
        return op.value.value.data
    return None
