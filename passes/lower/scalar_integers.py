"""Integer `arith` and `math` ops as llvm ops. Nothing traps and nothing is poison, whatever the operands.

Division by zero gives all ones and its remainder the dividend; the least number by -1 gives itself, remainder
0; a shift by the width or more gives 0, or the sign (XLA's rules).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xdsl.dialects import arith, llvm, math
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, i1
from xdsl.ir import Operation
from xdsl.utils.hints import isa

from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_rule import Rule, intrinsic
from weft.passes.lower.types import bits, element, integer_type, lanes, like


def constant_value(value: Value) -> int | None:
    """The number that an llvm integer constant, or a splat of one, holds; None for anything else."""
    owner = value.owner
    if not isinstance(owner, llvm.ConstantOp):
        return None
    attr = owner.value
    if isa(attr, IntegerAttr):
        return attr.value.data
    if isa(attr, DenseIntOrFPElementsAttr) and attr.is_splat():
        first = attr.get_values()[0]
        return first if isinstance(first, int) else None
    return None


def _plain(kind: type[Operation]) -> Rule:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        return e.binary(kind, operands[0], operands[1])

    return rule


def _counting(name: str) -> Rule:
    """An intrinsic with a second operand that says whether 0 (or the least number) is poison: no."""

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        (x,) = operands
        return e.intrinsic(name, (x, e.integer(0, i1)), x.type)

    return rule


# division


def _divisor(e: Emitter, a: Value, b: Value, signed: bool) -> tuple[Value, Value | None]:
    """A divisor that cannot trap, and where the original one is zero (None: nowhere).

    Where the quotient would overflow the divisor becomes 1: the least number over 1 is what -1 should give.
    """
    known = constant_value(b)
    if known is not None and known != 0 and not (signed and known == -1):
        return b, None
    one = e.integer(1, b.type)
    zero = e.icmp("eq", b, e.integer(0, b.type))
    unsafe = zero
    if signed:
        least = e.icmp("eq", a, e.integer(-(1 << (bits(a.type) - 1)), a.type))
        minus = e.icmp("eq", b, e.integer(-1, b.type))
        unsafe = e.or_(zero, e.and_(least, minus))
    return e.select(unsafe, one, b), zero


def _quotient(kind: type[Operation], signed: bool, adjust: Callable[..., Value] | None = None) -> Rule:
    remainder = llvm.SRemOp if signed else llvm.URemOp

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        a, b = operands
        safe, zero = _divisor(e, a, b, signed)
        q = e.binary(kind, a, safe)
        if adjust is not None:
            q = adjust(e, q, e.binary(remainder, a, safe), safe)
        return q if zero is None else e.select(zero, e.integer(-1, a.type), q)

    return rule


def _remainder(kind: type[Operation], signed: bool) -> Rule:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        a, b = operands
        safe, zero = _divisor(e, a, b, signed)
        r = e.binary(kind, a, safe)
        return r if zero is None else e.select(zero, a, r)

    return rule


def _signs_differ(e: Emitter, r: Value, b: Value) -> Value:
    zero = e.integer(0, r.type)
    return e.icmp("slt", e.xor(r, b), zero)


def _floor(e: Emitter, q: Value, r: Value, b: Value) -> Value:
    """One less where the truncated quotient was rounded up."""
    zero = e.integer(0, r.type)
    inexact = e.icmp("ne", r, zero)
    return e.select(e.and_(inexact, _signs_differ(e, r, b)), e.sub(q, e.integer(1, q.type)), q)


def _ceil_signed(e: Emitter, q: Value, r: Value, b: Value) -> Value:
    """One more where the truncated quotient was rounded down."""
    inexact = e.icmp("ne", r, e.integer(0, r.type))
    same = e.xor(_signs_differ(e, r, b), e.integer(1, like(r.type, i1)))
    return e.select(e.and_(inexact, same), e.add(q, e.integer(1, q.type)), q)


def _ceil_unsigned(e: Emitter, q: Value, r: Value, b: Value) -> Value:
    inexact = e.icmp("ne", r, e.integer(0, r.type))
    return e.select(inexact, e.add(q, e.integer(1, q.type)), q)


# shifts


def _shift(kind: type[Operation]) -> Rule:
    """A shift that gives 0 for an amount of the width or more."""

    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
        a, amount = operands
        width = bits(a.type)
        shifted = e.binary(kind, a, amount)
        known = constant_value(amount)
        if known is not None and 0 <= known < width:
            return shifted
        inside = _below_width(e, amount, width)
        return shifted if inside is None else e.select(inside, shifted, e.integer(0, a.type))

    return rule


def _below_width(e: Emitter, amount: Value, width: int) -> Value | None:
    if width == 1:  # the width itself is no i1
        return e.icmp("eq", amount, e.integer(0, amount.type))
    return e.icmp("ult", amount, e.integer(width, amount.type))


def _shift_right_signed(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    a, amount = operands
    width = bits(a.type)
    known = constant_value(amount)
    if known is None or not 0 <= known < width:
        most = e.integer(width - 1, amount.type)
        amount = e.intrinsic("umin", (amount, most), amount.type)
    return e.ashr(a, amount)


# comparison, powers, extended results


def _cmpi(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    predicates = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
    predicate = cast(arith.CmpiOp, op).predicate.value.data
    return e.icmp(predicates[predicate], operands[0], operands[1])


def _ipowi(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    """Square and multiply over every bit of the exponent; for a negative one, the truncated 1 / a**-b."""
    a, b = operands
    one, zero = e.integer(1, a.type), e.integer(0, a.type)
    width = bits(a.type)
    result, square, rest = one, a, b
    for bit in range(width):
        odd = e.icmp("ne", e.and_(rest, one), zero)
        result = e.select(odd, e.mul(result, square), result)
        if bit + 1 < width:
            square = e.mul(square, square)
            rest = e.lshr(rest, one)
    minus = e.integer(-1, a.type)
    odd = e.icmp("ne", e.and_(b, one), zero)
    reciprocal = e.select(
        e.icmp("eq", a, one),
        one,
        e.select(
            e.icmp("eq", a, minus),
            e.select(odd, minus, one),
            e.select(e.icmp("eq", a, zero), minus, zero),
        ),
    )
    return e.select(e.icmp("slt", b, zero), reciprocal, result)


def _add_extended(e: Emitter, op: Operation, operands: Sequence[Value]) -> tuple[Value, Value]:
    total = e.add(operands[0], operands[1])
    return total, e.icmp("ult", total, operands[0])


def _mul_extended(extend: type[Operation]) -> Callable[..., tuple[Value, Value]]:
    def rule(e: Emitter, op: Operation, operands: Sequence[Value]) -> tuple[Value, Value]:
        scalar = element(operands[0].type)
        width = bits(scalar)
        if width == 1:  # not every machine can shift an i2
            return e.and_(operands[0], operands[1]), e.integer(0, operands[0].type)
        wide = integer_type(2 * width)
        a, b = (e.cast(extend, operand, wide) for operand in operands)
        product = e.mul(a, b)
        amount, count = e.integer(width, wide), lanes(product.type)  # a dense constant holds no i128
        high = e.lshr(product, amount if count is None else e.splat(amount, count))
        return e.cast(llvm.TruncOp, product, scalar), e.cast(llvm.TruncOp, high, scalar)

    return rule


INTEGER_RULES: Mapping[type[Operation], Rule] = {
    arith.AddiOp: _plain(llvm.AddOp),
    arith.SubiOp: _plain(llvm.SubOp),
    arith.MuliOp: _plain(llvm.MulOp),
    arith.AndIOp: _plain(llvm.AndOp),
    arith.OrIOp: _plain(llvm.OrOp),
    arith.XOrIOp: _plain(llvm.XOrOp),
    arith.DivSIOp: _quotient(llvm.SDivOp, signed=True),
    arith.DivUIOp: _quotient(llvm.UDivOp, signed=False),
    arith.FloorDivSIOp: _quotient(llvm.SDivOp, signed=True, adjust=_floor),
    arith.CeilDivSIOp: _quotient(llvm.SDivOp, signed=True, adjust=_ceil_signed),
    arith.CeilDivUIOp: _quotient(llvm.UDivOp, signed=False, adjust=_ceil_unsigned),
    arith.RemSIOp: _remainder(llvm.SRemOp, signed=True),
    arith.RemUIOp: _remainder(llvm.URemOp, signed=False),
    arith.ShLIOp: _shift(llvm.ShlOp),
    arith.ShRUIOp: _shift(llvm.LShrOp),
    arith.ShRSIOp: _shift_right_signed,
    arith.MinSIOp: intrinsic("smin"),
    arith.MaxSIOp: intrinsic("smax"),
    arith.MinUIOp: intrinsic("umin"),
    arith.MaxUIOp: intrinsic("umax"),
    arith.CmpiOp: _cmpi,
    math.AbsIOp: _counting("abs"),
    math.CountLeadingZerosOp: _counting("ctlz"),
    math.CountTrailingZerosOp: _counting("cttz"),
    math.CtPopOp: intrinsic("ctpop"),
    math.IPowIOp: _ipowi,
}
"""Integer ops with one result."""

EXTENDED_RULES: Mapping[type[Operation], Callable[..., tuple[Value, Value]]] = {
    arith.AddUIExtendedOp: _add_extended,
    arith.MulUIExtendedOp: _mul_extended(llvm.ZExtOp),
    arith.MulSIExtendedOp: _mul_extended(llvm.SExtOp),
}
"""Integer ops with two results: sum and carry, low and high half."""
