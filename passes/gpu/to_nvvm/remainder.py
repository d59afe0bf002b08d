"""The remainder of a division of floats, as a function of the device: a GPU has no instruction that is exact."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import llvm
from xdsl.dialects.builtin import LocationAttr, f32, i1, i64
from xdsl.ir import Attribute

from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.types import bits, integer_type


@dataclass(frozen=True)
class _Format:
    """A float format: its name, and the bits of its fraction and exponent."""

    name: str
    fraction: int
    exponent: int

    @property
    def room(self) -> int:
        """How far a fraction can be shifted to the left in 64 bits."""
        return 63 - self.fraction - 1


_F32, _F64 = _Format("__fmodf", 23, 8), _Format("__fmod", 52, 11)


def remainder_name(type_: Attribute) -> str:
    """The name of the function of a type."""
    return (_F32 if type_ == f32 else _F64).name


def remainder_function(type_: Attribute, location: LocationAttr) -> llvm.FuncOp:
    """fmod: with m * 2**n the dividend, m is reduced by the divisor's fraction for as many steps as n is above its
    exponent, several bits a step. Exact, as the result always is a float."""
    format_ = _F32 if type_ == f32 else _F64
    e = Emitter([type_, type_], location)
    a, b = e.arguments
    raw = integer_type(bits(type_))
    x, y = (e.cast(llvm.ZExtOp, e.cast(llvm.BitcastOp, v, raw), i64) for v in (a, b))
    sign_bit = 1 << (bits(type_) - 1)
    sign = e.and_(x, e.integer(sign_bit))
    x, y = (e.and_(v, e.integer(sign_bit - 1)) for v in (x, y))
    infinity = e.integer(((1 << format_.exponent) - 1) << format_.fraction)
    bad = e.or_(e.icmp("uge", x, infinity), e.or_(e.icmp("ugt", y, infinity), e.icmp("eq", y, e.integer(0))))
    invalid, good = e.block(), e.block()
    e.cond_br(bad, invalid, good)
    e.enter(invalid)
    e.ret(e.floating(float("nan"), type_))
    e.enter(good)
    below, reduce_ = e.block(), e.block()
    e.cond_br(e.icmp("ult", x, y), below, reduce_)
    e.enter(below)
    e.ret(a)
    e.enter(reduce_)
    low = _reduced(e, format_, x, y)
    joined = e.or_(low, sign)
    e.ret(e.cast(llvm.BitcastOp, e.cast(llvm.TruncOp, joined, raw), type_))
    return e.finish(format_.name, type_)


def _split(e: Emitter, format_: _Format, x: Value) -> tuple[Value, Value]:
    """The fraction and the exponent of a float's bits, both as whole numbers: it is fraction * 2**exponent."""
    one, zero = e.integer(1), e.integer(0)
    exponent = e.lshr(x, e.integer(format_.fraction))
    fraction = e.and_(x, e.integer((1 << format_.fraction) - 1))
    normal = e.icmp("ne", exponent, zero)
    whole = e.select(normal, e.or_(fraction, e.integer(1 << format_.fraction)), fraction)
    return whole, e.select(normal, exponent, one)


def _reduced(e: Emitter, format_: _Format, x: Value, y: Value) -> Value:
    """The bits of the remainder of x by y, both positive and finite."""
    m, n = _split(e, format_, x)
    d, k = _split(e, format_, y)
    zero = e.integer(0)
    head, body, done = e.block(i64, i64), e.block(), e.block()
    e.br(head, (e.binary(llvm.URemOp, m, d), e.sub(n, k)))
    e.enter(head)
    held, left = head.args
    e.cond_br(e.icmp("ugt", left, zero), body, done)
    e.enter(body)
    step = e.intrinsic("umin", (left, e.integer(format_.room)), i64)
    e.br(head, (e.binary(llvm.URemOp, e.shl(held, step), d), e.sub(left, step)))
    e.enter(done)
    return _packed(e, format_, held, k)


def _packed(e: Emitter, format_: _Format, m: Value, n: Value) -> Value:
    """The bits of the float m * 2**n for an m of no more bits than a fraction: m is moved up as far as it goes."""
    one, zero = e.integer(1), e.integer(0)
    spare = e.sub(e.intrinsic("ctlz", (m, e.integer(0, i1)), i64), e.integer(63 - format_.fraction))
    shift = e.intrinsic("umin", (spare, e.sub(n, one)), i64)
    moved, exponent = e.shl(m, shift), e.sub(n, shift)
    normal = e.icmp("uge", moved, e.integer(1 << format_.fraction))
    high = e.shl(e.sub(exponent, one), e.integer(format_.fraction))
    value = e.select(normal, e.add(moved, high), moved)
    return e.select(e.icmp("eq", m, zero), zero, value)
