"""Functions of f64 that a `gpu.module` holds where its kernels need them: those that a CPU leaves to a library.

Each is a `func.func` of scalar ops, made by the same means as the expansions of kernels, and lowered with the kernels.
Functions of f32 are computed by them too, and rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from xdsl.dialects import arith, func, math, memref
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerAttr,
    LocationAttr,
    MemRefType,
    StringAttr,
    TensorType,
    UnitAttr,
    f64,
    i64,
)
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from weft.passes.gpu.constants import Constants
from weft.passes.loops.expansions.angles import atan2
from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.circular import Angle, by_turns, cosine, flipped, sine
from weft.passes.loops.expansions.exponentials import exp, expm1
from weft.passes.loops.expansions.formats import F64
from weft.passes.loops.expansions.logarithms import log, log1p
from weft.passes.loops.expansions.powers import power
from weft.passes.loops.ml_to_loop.body import Body
from weft.passes.rewriting import LocatedBuilder

TABLE = "__two_by_pi"
"""The global that holds the bits of 2 / pi."""

_WORDS = 20
_ZEROS = 2
"""Words of zeros in front of the table: the bits before the point."""
_WORD = 64

PI_HALF = (1.5707963267948966, 6.123233995736766e-17)
"""pi / 2 in two parts."""

LN2 = 0.6931471805599453
LARGE = 2.0**28
"""From here on a number and the root of its square and 1 are the same."""


# x less whole quarter turns, for any x


@lru_cache(None)
def two_by_pi() -> tuple[int, ...]:
    """2 / pi in words of 64 bits, the most significant first; words of zeros in front."""
    bits = _WORD * _WORDS
    number = int(2 / _pi(bits + _WORD) * (1 << bits))
    words = [number >> (_WORD * (_WORDS - 1 - place)) & (1 << _WORD) - 1 for place in range(_WORDS)]
    return (*[0] * _ZEROS, *words)


def _pi(bits: int) -> Fraction:
    """pi to so many bits, by Machin's formula: 16 atan(1/5) - 4 atan(1/239)."""
    one = 1 << (bits + _WORD)

    def arctangent(n: int) -> int:
        total, power, place = 0, one // n, 0
        while power:
            total += (-1) ** place * (power // (2 * place + 1))
            power, place = power // (n * n), place + 1
        return total

    return Fraction(16 * arctangent(5) - 4 * arctangent(239), one)


def _far_angle(w: Floats, x: SSAValue) -> Angle:
    """The rest of x less whole quarter turns, by Payne and Hanek: x is m * 2**n, and of 2 / pi only the 192 bits count
    that are left when multiples of 4 are taken off their products with m."""
    put, number = w.body.put, w.integer
    bits = put(arith.AndIOp(w.bits(x), number((1 << 63) - 1)))
    biased = put(arith.ShRUIOp(bits, number(52)))
    m = put(arith.OrIOp(put(arith.AndIOp(bits, number((1 << 52) - 1))), number(1 << 52)))
    # the first bit that counts is bit n - 1 of 2 / pi (its first is bit 1), behind the zeros in front
    first = put(arith.AddiOp(biased, number(_ZEROS * _WORD - 2 - 1023 - 52)))
    place = put(arith.ShRUIOp(first, number(6)))
    shift = put(arith.AndIOp(first, number(_WORD - 1)))
    table = put(memref.GetGlobalOp(TABLE, _table_type()))
    words = [_word(w, table, place, offset) for offset in range(4)]
    high, middle, low = (_window(w, a, b, shift) for a, b in pairwise(words))
    # the product, of which the upper two bits are quarter turns
    low_product = _put_pair(w, arith.MulUIExtendedOp(m, low))
    middle_product = _put_pair(w, arith.MulUIExtendedOp(m, middle))
    second, carry = _put_pair(w, arith.AddUIExtendedOp(middle_product[0], low_product[1]))
    top = put(arith.AddiOp(put(arith.MuliOp(m, high)), middle_product[1]))
    top = put(arith.AddiOp(top, put(arith.ExtUIOp(carry, i64))))
    turns = put(arith.ShRUIOp(top, number(62)))
    upper = put(arith.OrIOp(put(arith.ShLIOp(top, number(2))), put(arith.ShRUIOp(second, number(62)))))
    lower = put(arith.ShLIOp(second, number(2)))
    # to the nearest: from a half on, one turn more and what is missing to it
    is_more = w.body.cmpi("slt", upper, number(0))
    turns = put(arith.AddiOp(turns, put(arith.ExtUIOp(is_more, i64))))
    upper = w.body.select(is_more, put(arith.XOrIOp(upper, number(-1))), upper)
    lower = w.body.select(is_more, put(arith.XOrIOp(lower, number(-1))), lower)
    rest, lost = _quarter_to_radians(w, upper, lower)
    negative = w.body.cmpi("slt", w.bits(x), number(0))
    rest = w.body.select(is_more, w.negate(rest), rest)
    lost = w.body.select(is_more, w.negate(lost), lost)
    rest = w.body.select(negative, w.negate(rest), rest)
    lost = w.body.select(negative, w.negate(lost), lost)
    return Angle(rest, lost, w.body.select(negative, put(arith.SubiOp(number(0), turns)), turns))


def _put_pair(w: Floats, op: Operation) -> tuple[SSAValue, SSAValue]:
    """Both results of an op."""
    w.body.put(op)
    return op.results[0], op.results[1]


def _table_type() -> MemRefType:
    return MemRefType(i64, [_WORDS + _ZEROS])


def _word(w: Floats, table: SSAValue, place: SSAValue, offset: int) -> SSAValue:
    at = w.body.put(arith.AddiOp(place, w.integer(offset)))
    at = w.body.put(arith.MinUIOp(at, w.integer(_WORDS + _ZEROS - 1)))
    return w.body.put(memref.LoadOp.get(table, [w.body.put(arith.IndexCastOp(at, IndexType()))]))


def _window(w: Floats, a: SSAValue, b: SSAValue, shift: SSAValue) -> SSAValue:
    """64 bits of two words, from bit `shift` of the first on. A shift by the width gives 0."""
    rest = w.body.put(arith.SubiOp(w.integer(_WORD), shift))
    return w.body.put(arith.OrIOp(w.body.put(arith.ShLIOp(a, shift)), w.body.put(arith.ShRUIOp(b, rest))))


def _quarter_to_radians(w: Floats, upper: SSAValue, lower: SSAValue) -> tuple[SSAValue, SSAValue]:
    """A fraction of a quarter turn (128 bits behind the point) times pi / 2, in two parts."""
    put, number = w.body.put, w.integer
    zeros = put(math.CountLeadingZerosOp(upper))
    rest = put(arith.SubiOp(number(_WORD), zeros))
    moved = put(arith.OrIOp(put(arith.ShLIOp(upper, zeros)), put(arith.ShRUIOp(lower, rest))))
    below = put(arith.ShLIOp(lower, zeros))
    scale = w.power_of_two(put(arith.SubiOp(number(-_WORD), zeros)))
    head = put(arith.UIToFPOp(put(arith.AndIOp(moved, number(-1 << 11))), f64))
    tail_bits = put(arith.ShLIOp(put(arith.AndIOp(moved, number((1 << 11) - 1))), number(52)))
    tail_bits = put(arith.OrIOp(tail_bits, put(arith.ShRUIOp(below, number(12)))))
    tail = w.mul(put(arith.UIToFPOp(tail_bits, f64)), 2.0**-52)
    head, tail = w.mul(head, scale), w.mul(tail, scale)
    product, error = exact_product(w, head, w.number(PI_HALF[0]))
    error = w.add(error, w.add(w.mul(head, PI_HALF[1]), w.mul(tail, PI_HALF[0])))
    total = w.add(product, error)
    return total, w.add(w.sub(product, total), error)


def exact_product(w: Floats, a: SSAValue, b: SSAValue) -> tuple[SSAValue, SSAValue]:
    """a * b rounded, and what the rounding lost."""
    product = w.body.put(math.FmaOp(a, b, w.number(-0.0)))
    return product, w.body.put(math.FmaOp(a, b, w.negate(product)))


def _finite(w: Floats, x: SSAValue, result: SSAValue) -> SSAValue:
    return w.where("olt", w.magnitude(x), float("inf"), result, w.number(float("nan")))


def sin(w: Floats, x: SSAValue) -> SSAValue:
    """sin of any number."""
    angle = _far_angle(w, x)
    return _finite(w, x, flipped(w, by_turns(w, angle, sine(w, angle), cosine(w, angle)), angle.turns))


def cos(w: Floats, x: SSAValue) -> SSAValue:
    """cos of any number."""
    angle = _far_angle(w, x)
    turns = w.body.put(arith.AddiOp(angle.turns, w.integer(1)))
    return _finite(w, x, flipped(w, by_turns(w, angle, cosine(w, angle), sine(w, angle)), turns))


def tan(w: Floats, x: SSAValue) -> SSAValue:
    """tan of any number."""
    angle = _far_angle(w, x)
    s, c = sine(w, angle), cosine(w, angle)
    return _finite(w, x, w.div(by_turns(w, angle, s, c), by_turns(w, angle, c, w.negate(s))))


# inverse and hyperbolic functions


def _side(w: Floats, x: SSAValue) -> SSAValue:
    """sqrt(1 - x**2)."""
    return w.body.put(math.SqrtOp(w.mul(w.sub(1.0, x), w.add(x, 1.0))))


def asin(w: Floats, x: SSAValue) -> SSAValue:
    """The angle of a point at height x on the circle."""
    return w.where("oeq", x, 0.0, x, atan2(w, x, _side(w, x)))


def acos(w: Floats, x: SSAValue) -> SSAValue:
    """The angle of a point at distance x along the axis."""
    return atan2(w, _side(w, x), x)


def sinh(w: Floats, x: SSAValue) -> SSAValue:
    """(e + e / (e + 1)) / 2 with e = exp(|x|) - 1; by half the exponent where that may overflow."""
    size = w.magnitude(x)
    e = expm1(w, size)
    near = w.mul(w.add(e, w.div(e, w.add(e, 1.0))), 0.5)
    return w.where("oeq", x, 0.0, x, w.signed_as(w.where("olt", size, 700.0, near, _half_exp(w, size)), x))


def cosh(w: Floats, x: SSAValue) -> SSAValue:
    """(e + 1 / e) / 2 with e = exp(|x|)."""
    size = w.magnitude(x)
    e = exp(w, size)
    near = w.mul(w.add(e, w.div(1.0, e)), 0.5)
    return w.where("olt", size, 700.0, near, _half_exp(w, size))


def _half_exp(w: Floats, x: SSAValue) -> SSAValue:
    """exp(x) / 2 as far as that goes."""
    root = exp(w, w.mul(x, 0.5))
    return w.mul(w.mul(root, 0.5), root)


def asinh(w: Floats, x: SSAValue) -> SSAValue:
    """log(|x| + sqrt(x**2 + 1)), from its distance to 1."""
    size = w.magnitude(x)
    square = w.mul(size, size)
    root = w.body.put(math.SqrtOp(w.add(square, 1.0)))
    near = log1p(w, w.add(size, w.div(square, w.add(root, 1.0))))
    far = w.add(log(w, size), LN2)
    return w.where("oeq", x, 0.0, x, w.signed_as(w.where("olt", size, LARGE, near, far), x))


def acosh(w: Floats, x: SSAValue) -> SSAValue:
    """log(x + sqrt(x**2 - 1)), from its distance to 1; NaN below 1."""
    t = w.sub(x, 1.0)
    root = w.body.put(math.SqrtOp(w.mul(t, w.add(t, 2.0))))
    result = w.where("olt", x, LARGE, log1p(w, w.add(t, root)), w.add(log(w, x), LN2))
    return w.where("olt", x, 1.0, w.number(float("nan")), result)


def atanh(w: Floats, x: SSAValue) -> SSAValue:
    """log((1 + |x|) / (1 - |x|)) / 2."""
    size = w.magnitude(x)
    ratio = w.div(w.add(size, size), w.sub(1.0, size))
    return w.where("oeq", x, 0.0, x, w.signed_as(w.mul(log1p(w, ratio), 0.5), x))


FUNCTIONS: Mapping[type[Operation], Callable[..., SSAValue]] = {
    math.SinOp: sin,
    math.CosOp: cos,
    math.TanOp: tan,
    math.AsinOp: asin,
    math.AcosOp: acos,
    math.SinhOp: sinh,
    math.CoshOp: cosh,
    math.AsinhOp: asinh,
    math.AcoshOp: acosh,
    math.AtanhOp: atanh,
    math.PowFOp: power,
}
"""What each function is, on f64."""


def name_of(kind: type[Operation]) -> str:
    """The name of the function in a `gpu.module`."""
    return f"__{kind.name.removeprefix('math.')}"


def device_function(kind: type[Operation], location: LocationAttr) -> func.FuncOp:
    """A function of f64 as a `func.func`."""
    count = 2 if kind is math.PowFOp else 1
    block = Block(arg_types=[f64] * count)
    function = func.FuncOp(name_of(kind), ([f64] * count, [f64]), Region(block), "private")
    function.location = location
    for argument in block.args:
        argument.location = location
    end = func.ReturnOp()
    block.add_op(end)
    body = Body(LocatedBuilder(InsertPoint.before(end), location), Constants(function).of)
    result = FUNCTIONS[kind](Floats(body, F64), *block.args)
    LocatedBuilder(InsertPoint.before(end), location).insert(func.ReturnOp(result))
    end.detach()
    end.erase()
    return function


def table(location: LocationAttr) -> memref.GlobalOp:
    """The global with the bits of 2 / pi."""
    words = [word - (1 << _WORD) if word >> (_WORD - 1) else word for word in two_by_pi()]
    type_ = _table_type()
    made = memref.GlobalOp.get(
        StringAttr(TABLE),
        type_,
        DenseIntOrFPElementsAttr.from_list(TensorType(i64, [len(words)]), words),
        StringAttr("private"),
        UnitAttr(),
        IntegerAttr(16, i64),
    )
    made.location = location
    return made
