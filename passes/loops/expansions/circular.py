"""sin, cos and tan.

The quarter turns are taken off in f64, in parts of pi / 2 whose products with a number of turns are exact. Beyond
`LARGEST` that number has too many bits: there the library computes. It is asked only when such a number turns up,
where the code for the target can do so (see :data:`weft.dialects.loop.hints.UNLIKELY`). Without a library the turns of
a large f32 are counted as Payne and Hanek do ("Radian reduction for trigonometric functions", SIGNUM Newsletter 1983):
by its products with the bits of 2 / pi, less all whole turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import UnitAttr, f32, i32
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop.hints import UNLIKELY
from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.formats import F64

LARGEST = 2.0**20
"""The numbers of turns up to here have 20 bits."""

TWO_BY_PI = 0.6366197723675814
PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""pi / 2 in parts of 33 bits; the last has all bits of a float."""

_DIGITS = 0x517CC1B727220A94FE13ABE8FA9A6EE06DB14ACC9E21C820FF2
"""2 / pi times 2**203."""
DIGITS = tuple((_DIGITS >> 203 - 29 * (n + 1) & (1 << 29) - 1) * 2.0 ** (-29 * (n + 1)) for n in range(7))
"""The bits of 2 / pi, 29 at a time: products with an f32 are exact in f64."""

SIN = (-0.16666653752326965, 0.008332083001732826, -0.00019504317606333643)
COS = (0.041666653007268906, -0.0013887555277305245, 2.4450286218780093e-05)
"""(sin(r) - r) / r**3 and (cos(r) - 1 + r**2 / 2) / r**4 in r**2 for |r| <= 0.8, to 6.2e-9 and 2.7e-10."""

SIN_WIDE = (
    -0.16666666666666666,
    0.00833333333333332,
    -0.00019841269841251922,
    2.7557319212555213e-06,
    -2.5052104485350565e-08,
    1.605831234828697e-10,
    -7.576010903171086e-13,
)
COS_WIDE = (
    0.04166666666666658,
    -0.0013888888888870916,
    2.4801587287420042e-05,
    -2.7557313742596294e-07,
    2.087563879401814e-09,
    -1.1355204361449853e-11,
)
"""The same, to 5.4e-18 and 2.9e-19."""


@dataclass(frozen=True)
class Angle:
    """The rest of a number less whole quarter turns, |r| <= pi / 4, what its rounding lost, and the number of turns."""

    rest: SSAValue
    lost: SSAValue | None
    turns: SSAValue


class Circle:
    """The functions, for a machine with or without a math library."""

    def __init__(self, *, library: bool) -> None:
        self.library = library

    def sin(self, f: Floats, x: SSAValue) -> SSAValue:
        """sin(r), cos(r), -sin(r), -cos(r) by the number of quarter turns."""
        angle = self._angle(f, x)
        result = by_turns(f, angle, sine(f, angle), cosine(f, angle))
        result = self._anywhere(f, math.SinOp, x, flipped(f, result, angle.turns))
        return f.where("oeq", x, 0.0, x, result)

    def cos(self, f: Floats, x: SSAValue) -> SSAValue:
        """cos(r), -sin(r), -cos(r), sin(r) by the number of quarter turns."""
        angle = self._angle(f, x)
        result = by_turns(f, angle, cosine(f, angle), sine(f, angle))
        turns = f.body.put(arith.AddiOp(angle.turns, f.integer(1)))
        return self._anywhere(f, math.CosOp, x, flipped(f, result, turns))

    def tan(self, f: Floats, x: SSAValue) -> SSAValue:
        """sin(r) / cos(r) or -cos(r) / sin(r) by the number of quarter turns."""
        angle = self._angle(f, x)
        high, wide = sine(f, angle), cosine(f, angle)
        above, below = by_turns(f, angle, high, wide), by_turns(f, angle, wide, f.negate(high))
        return f.where("oeq", x, 0.0, x, self._anywhere(f, math.TanOp, x, f.div(above, below)))

    def _angle(self, f: Floats, x: SSAValue) -> Angle:
        near = _small_angle(f, x)
        if self.library:
            return near
        far, is_small = _large_angle(f, x), f.compare("olt", f.magnitude(x), LARGEST)
        rest, turns = (f.body.select(is_small, a, b) for a, b in ((near.rest, far.rest), (near.turns, far.turns)))
        return Angle(rest, None, turns)

    def _anywhere(self, f: Floats, kind: Callable[[SSAValue], Operation], x: SSAValue, result: SSAValue) -> SSAValue:
        """The result, but what the library says where x is very large (or infinite, or NaN)."""
        if not self.library:
            return result
        is_small = f.compare("olt", f.magnitude(x), LARGEST)
        ops = (called := kind(x), chosen := arith.SelectOp(is_small, result, called.results[0]))
        for op in ops:
            op.attributes[UNLIKELY] = UnitAttr()
            f.body.put(op)
        return chosen.results[0]


def _small_angle(f: Floats, x: SSAValue) -> Angle:
    wide = x if f.is_wide else f.body.resize_float(x, F64.type)
    w = Floats(f.body, F64)
    whole, turns = w.round(w.mul(wide, TWO_BY_PI))
    first = w.sub(wide, w.mul(whole, PARTS[0]))
    second = w.sub(first, w.mul(whole, PARTS[1]))
    if not f.is_wide:
        return Angle(f.body.resize_float(second, f32), None, f.body.put(arith.TruncIOp(turns, i32)))
    # the products are exact: what the differences lost can be told
    lost = w.sub(w.sub(w.sub(first, second), w.mul(whole, PARTS[1])), w.mul(whole, PARTS[2]))
    rest = w.add(second, lost)
    return Angle(rest, w.add(w.sub(second, rest), lost), turns)


def _large_angle(f: Floats, x: SSAValue) -> Angle:
    """The angle of an f32 of any size. Each product with some bits of 2 / pi is exact, and so is what it lacks of 4.

    The products are summed with what each sum loses, since they may cancel.
    """
    w, body = Floats(f.body, F64), f.body
    wide = body.resize_float(x, F64.type)
    high, low = w.number(0.0), w.number(0.0)
    for bits in DIGITS:
        product = w.mul(wide, bits)
        circles = body.put(math.RoundEvenOp(w.mul(product, 0.25)))
        part = w.sub(product, w.mul(circles, 4.0))
        total = w.add(high, part)
        back = w.sub(total, high)
        lost = w.add(w.sub(high, w.sub(total, back)), w.sub(part, back))
        high, low = total, w.add(low, lost)
    whole, turns = w.round(high)
    rest = w.mul(w.add(w.sub(high, whole), low), 1 / TWO_BY_PI)
    return Angle(body.resize_float(rest, f32), None, body.put(arith.TruncIOp(turns, i32)))


def sine(f: Floats, angle: Angle) -> SSAValue:
    """sin(r + lost) = r + (r**3 p(r**2) + lost)."""
    r = angle.rest
    square = f.mul(r, r)
    tail = f.mul(f.mul(square, r), f.polynomial(square, SIN_WIDE if f.is_wide else SIN))
    if angle.lost is not None:
        tail = f.add(tail, f.sub(angle.lost, f.mul(f.mul(square, 0.5), angle.lost)))
    return f.add(r, tail)


def cosine(f: Floats, angle: Angle) -> SSAValue:
    """cos(r + lost) = w + (((1 - w) - r**2 / 2) + r**4 p(r**2) - r lost), with w = 1 - r**2 / 2 rounded."""
    r = angle.rest
    square = f.mul(r, r)
    half = f.mul(square, 0.5)
    tail = f.mul(f.mul(square, square), f.polynomial(square, COS_WIDE if f.is_wide else COS))
    if angle.lost is None:
        return f.add(f.sub(1.0, half), tail)
    near = f.sub(1.0, half)
    rest = f.sub(f.sub(1.0, near), half)
    return f.add(near, f.add(rest, f.sub(tail, f.mul(r, angle.lost))))


def by_turns(f: Floats, angle: Angle, even: SSAValue, odd: SSAValue) -> SSAValue:
    """One of two by whether the number of quarter turns is odd."""
    last = f.body.put(arith.AndIOp(angle.turns, f.integer(1)))
    return f.body.select(f.body.cmpi("eq", last, f.integer(0)), even, odd)


def flipped(f: Floats, value: SSAValue, turns: SSAValue) -> SSAValue:
    """A number with its sign turned over where the second bit of another one is set."""
    bit = f.body.put(arith.AndIOp(turns, f.integer(2)))
    width = f.format.integer.width.data
    sign = f.body.put(arith.ShLIOp(bit, f.integer(width - 2)))
    return f.from_bits(f.body.put(arith.XOrIOp(f.bits(value), sign)))
