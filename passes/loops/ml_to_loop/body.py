"""Building scalar bodies: ops of `arith` and `math` on one element at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeGuard

from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    Signedness,
    StringAttr,
    f32,
    f64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from weft.dialects.loop.hints import ACCURACY
from weft.dialects.ml.dtypes import width_of

AnyInteger: TypeAlias = IntegerType[int, Signedness]
AnyFloat: TypeAlias = BFloat16Type | Float16Type | Float32Type | Float64Type
Number: TypeAlias = int | float
Constants: TypeAlias = Callable[[Number, Attribute], SSAValue]
"""Gives the scalar constant of a number and a type: a kernel keeps each once, at its top."""


def is_integer(type_: Attribute) -> TypeGuard[AnyInteger]:
    """Whether a type is an integer, not `index`."""
    return isinstance(type_, IntegerType)


def is_float(type_: Attribute) -> TypeGuard[AnyFloat]:
    """Whether a type is one of the floats of ml."""
    return isinstance(type_, AnyFloat)


def float_type(type_: Attribute) -> AnyFloat:
    """A type that is known to be a float. Raises TypeError for another one."""
    if is_float(type_):
        return type_
    raise TypeError(f"{type_} is no float")


def integer_type(type_: Attribute) -> AnyInteger:
    """A type that is known to be an integer. Raises TypeError for another one."""
    if is_integer(type_):
        return type_
    raise TypeError(f"{type_} is no integer")


def signless(element: Attribute) -> Attribute:
    """The type that elements of an ml type have in buffers and bodies: `ui8` is `i8`."""
    return IntegerType(width_of(element)) if is_integer(element) else element


def number_attr(value: Number, type_: Attribute) -> FloatAttr[AnyFloat] | IntegerAttr[IntegerType | IndexType]:
    """A number as a constant's attribute; integers wrap to the signed range of the type."""
    if is_float(type_):
        return FloatAttr(float(value), type_)
    if isinstance(type_, IndexType):
        return IntegerAttr(int(value), type_)
    if is_integer(type_):
        width = type_.width.data
        wrapped = int(value) & ((1 << width) - 1)
        negative = width > 1 and wrapped >> (width - 1)
        return IntegerAttr(wrapped - (1 << width) if negative else wrapped, type_)
    raise TypeError(f"there are no scalar constants of type {type_}")


def is_narrow(element: Attribute) -> bool:
    """Whether arithmetic on such elements is done in f32: f16 and bf16."""
    return isinstance(element, Float16Type | BFloat16Type)


def wide(element: Attribute) -> Attribute:
    """The type in which arithmetic on such elements is done, and sums of them are kept."""
    return f32 if is_narrow(element) else signless(element)


class Body:
    """A place in a nest where scalar ops are put, and the constants that they may use."""

    def __init__(self, builder: Builder, constants: Constants) -> None:
        self.builder = builder
        self.constant = constants
        self.accuracy: str | None = None
        """What functions of `math` are asked for from here on."""

    def put(self, op: Operation) -> SSAValue:
        """Insert an op and give its one result."""
        self.builder.insert(op)
        if self.accuracy is not None and op.name.startswith("math."):
            op.attributes[ACCURACY] = StringAttr(self.accuracy)
        return op.results[0]

    def like(self, number: Number, value: SSAValue) -> SSAValue:
        """A constant of the type of `value`."""
        return self.constant(number, value.type)

    def select(self, condition: SSAValue, yes: SSAValue, no: SSAValue) -> SSAValue:
        """`yes` where the condition holds, else `no`."""
        return self.put(arith.SelectOp(condition, yes, no))

    def cmpf(self, predicate: str, a: SSAValue, b: SSAValue) -> SSAValue:
        """A comparison of floats, by MLIR's name of the predicate."""
        return self.put(arith.CmpfOp(a, b, predicate))

    def cmpi(self, predicate: str, a: SSAValue, b: SSAValue) -> SSAValue:
        """A comparison of integers, by MLIR's name of the predicate."""
        return self.put(arith.CmpiOp(a, b, predicate))

    def resize_float(self, value: SSAValue, target: Attribute) -> SSAValue:
        """A float in another float type, rounded once; anything else as it is."""
        source = value.type
        if source != target and is_float(source) and is_float(target):
            if width_of(source) == width_of(target):
                value = self.put(arith.ExtFOp(value, f32))
            cast = arith.ExtFOp if width_of(value.type) < width_of(target) else arith.TruncFOp
            return self.put(cast(value, target))
        return value

    def resize_integer(self, value: SSAValue, target: Attribute, *, signed: bool) -> SSAValue:
        """An integer in another signless integer type: extended by its sign or by zeros, or cut."""
        if value.type != target and is_integer(target):
            extend = arith.ExtSIOp if signed else arith.ExtUIOp
            cast = extend if width_of(value.type) < width_of(target) else arith.TruncIOp
            return self.put(cast(value, target))
        return value

    def to_float(self, value: SSAValue, target: Attribute, *, signed: bool) -> SSAValue:
        """An integer as a float, rounded once: to f16 and bf16 by way of a float that holds it exactly."""
        cast = arith.SIToFPOp if signed else arith.UIToFPOp
        if not is_narrow(target):
            return self.put(cast(value, float_type(target)))
        width = width_of(value.type)
        if width <= 16:
            return self.resize_float(self.put(cast(value, f32)), target)
        exact = value if width <= 32 else self._few_bits(value, signed=signed)
        return self.resize_float(self.put(cast(exact, f64)), target)

    def _few_bits(self, value: SSAValue, *, signed: bool) -> SSAValue:
        """A 64-bit integer that f64 holds exactly and that rounds to f16 and bf16 as `value` does.

        Beyond 2**52 the last 12 bits become one: whether any of them was set.
        """
        rest = self.put(arith.AndIOp(value, self.like(0xFFF, value)))
        sticky = self.put(arith.AddiOp(rest, self.like(0xFFF, value)))
        top = self.put(arith.AndIOp(self.put(arith.OrIOp(value, sticky)), self.like(~0xFFF, value)))
        limit = 1 << 52
        if signed:
            shifted = self.put(arith.AddiOp(value, self.like(limit, value)))
            small = self.cmpi("ult", shifted, self.like(2 * limit, value))
        else:
            small = self.cmpi("ult", value, self.like(limit, value))
        return self.select(small, value, top)
