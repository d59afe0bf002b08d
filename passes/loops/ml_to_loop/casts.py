"""Changes of element type as scalar bodies."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Attribute, SSAValue

from weft.dialects.ml.dtypes import Kind, kind_of, width_of
from weft.passes.loops.ml_to_loop.body import Body, integer_type, signless, wide


def convert(b: Body, x: SSAValue, source: Attribute, target: Attribute) -> SSAValue:
    """An element by value in another ml element type, as `ml.convert` says."""
    before, after = kind_of(source), kind_of(target)
    storage = signless(target)
    if after is Kind.BOOL:
        return _is_not_zero(b, x, source)
    if before is Kind.FLOAT and after is Kind.FLOAT:
        return b.resize_float(x, storage)
    if before is Kind.FLOAT:
        cast = arith.FPToSIOp if after is Kind.SIGNED else arith.FPToUIOp
        return b.put(cast(b.resize_float(x, wide(source)), integer_type(storage)))
    if after is Kind.FLOAT:
        return b.to_float(x, storage, signed=before is Kind.SIGNED)
    return b.resize_integer(x, storage, signed=before is Kind.SIGNED)


def _is_not_zero(b: Body, x: SSAValue, source: Attribute) -> SSAValue:
    kind = kind_of(source)
    if kind is Kind.BOOL:
        return x
    if kind is Kind.FLOAT:
        x = b.resize_float(x, wide(source))
        return b.cmpf("une", x, b.like(0, x))
    return b.cmpi("ne", x, b.like(0, x))


def total_order(b: Body, x: SSAValue) -> SSAValue:
    """A signed integer that is ordered as the float `x` is in the total order: -NaN < -inf < ... < +NaN."""
    width = width_of(x.type)
    bits = b.put(arith.BitcastOp(x, IntegerType(width)))
    flipped = b.put(arith.XOrIOp(bits, b.like((1 << (width - 1)) - 1, bits)))
    return b.select(b.cmpi("slt", bits, b.like(0, bits)), flipped, bits)
