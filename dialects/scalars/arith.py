"""What the ops of `arith` mean: integers of any width up to 64 bits, floats, conversions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    DenseResourceAttr,
    FloatAttr,
    IndexType,
)
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.ml import numerics
from weft.dialects.ml.convert import convert
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars import integers
from weft.dialects.scalars.constants import dense_array, hold_integer
from weft.dialects.scalars.integers import Ints, Width
from weft.dialects.scalars.types import Meanings, ScalarMeaning, Value, bits_of, element_of, need_dtype
from weft.dialects.upstream.arith import RemFOp

IntBinary = Callable[[Width, Ints, Ints], Ints]
FloatBinary = Callable[[Array, Array], Array]


def width_of(op: Operation, type_: Attribute) -> Width:
    """The width of an integer type (`index`: 64). Raises :class:`WeftError` for a width beyond 64."""
    element = element_of(type_)
    if isinstance(element, IndexType):
        return Width(64)
    bits = bits_of(element)
    if bits is not None and 1 <= bits <= 64:
        return Width(bits)
    raise error_at(
        op, f"'{op.name}' has {element}; integers of 1 to 64 bits have a meaning", code=codes.UNSUPPORTED_TYPE
    )


def signed(meaning: IntBinary) -> ScalarMeaning:
    """The meaning of an integer op that sees signed operands."""

    def meant(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
        width = width_of(op, op.results[0].type)
        return (width.hold(np.asarray(meaning(width, *map(width.signed, map(np.asarray, args)))))[()],)

    return meant


def unsigned(meaning: Callable[..., Ints]) -> ScalarMeaning:
    """The meaning of an integer op that sees unsigned operands."""

    def meant(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
        width = width_of(op, op.results[0].type)
        return (width.hold(np.asarray(meaning(width, *map(width.unsigned, map(np.asarray, args)))))[()],)

    return meant


def on_floats(meaning: Callable[..., Array]) -> ScalarMeaning:
    """The meaning of a float op: computed wide, rounded once."""

    def meant(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
        return (numerics.in_wide(meaning, *map(np.asarray, args))[()],)

    return meant


def _plain(meaning: Callable[[Ints, Ints], Ints]) -> IntBinary:
    return lambda width, a, b: meaning(a, b)


def _constant(op: arith.ConstantOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value = op.value
    if isinstance(value, DenseIntOrFPElementsAttr | DenseResourceAttr):
        return (dense_array(op, value),)
    if isinstance(value, FloatAttr):
        return (convert(np.asarray(value.value.data, np.float64), need_dtype(op, op.result.type))[()],)
    return (hold_integer(value.value.data, width_of(op, op.result.type))[()],)


_COMPARE_INTS: tuple[tuple[bool, Callable[[Ints, Ints], Any]], ...] = (
    (True, np.equal),
    (True, np.not_equal),
    (True, np.less),
    (True, np.less_equal),
    (True, np.greater),
    (True, np.greater_equal),
    (False, np.less),
    (False, np.less_equal),
    (False, np.greater),
    (False, np.greater_equal),
)
"""By predicate: whether it is signed, and the comparison."""


def _cmpi(op: arith.CmpiOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    is_signed, compare = _COMPARE_INTS[op.predicate.value.data]
    width = width_of(op, op.lhs.type)
    a, b = map(width.signed if is_signed else width.unsigned, map(np.asarray, args))
    return (np.asarray(compare(a, b))[()],)


def _never(a: Array, b: Array) -> Any:
    return np.not_equal(a, a) & np.equal(a, a)


_COMPARE_FLOATS: tuple[Callable[[Array, Array], Any], ...] = (
    _never,
    np.equal,
    np.greater,
    np.greater_equal,
    np.less,
    np.less_equal,
    lambda a, b: np.less(a, b) | np.greater(a, b),
    lambda a, b: np.equal(a, a) & np.equal(b, b),
)
"""The ordered half of the predicates; the other half is its mirror image with NaN let in."""


def _cmpf(op: arith.CmpfOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    predicate = op.predicate.value.data
    if predicate < 8:
        return (_COMPARE_FLOATS[predicate](*args),)
    # 8 ueq = not one, 9 ugt = not ole, 10 uge = not olt, ... 15 true = not false
    mirror = (6, 5, 4, 3, 2, 1, 7, 0)[predicate - 8]
    return (np.logical_not(_COMPARE_FLOATS[mirror](*args)),)


def _select(op: arith.SelectOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    condition, yes, no = args
    if np.ndim(condition) == 0:
        return (yes if condition else no,)
    return (np.where(condition, np.asarray(yes), np.asarray(no)),)


def _add_extended(op: arith.AddUIExtendedOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    width = width_of(op, op.sum.type)
    a, b = map(width.unsigned, map(np.asarray, args))
    total = width.hold(np.asarray(a + b))
    return total[()], np.asarray(np.less(width.unsigned(total), a))[()]


def _mul_extended(look: Callable[[Width, Ints], Ints]) -> ScalarMeaning:
    def meant(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
        width = width_of(op, op.results[0].type)
        a, b = (look(width, np.asarray(arg)) for arg in args)
        return tuple(width.hold(np.asarray(half))[()] for half in integers.wide_product(a, b, width))

    return meant


def _resize(look: Callable[[Width, Ints], Ints]) -> ScalarMeaning:
    """An integer in another width: the low bits, or extended as `look` says."""

    def meant(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
        source, result = width_of(op, op.operands[0].type), width_of(op, op.results[0].type)
        wide = look(source, np.asarray(args[0]))
        return (result.hold(wide.astype(np.uint64 if wide.dtype.kind == "u" else np.int64))[()],)

    return meant


def _float_to_float(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (convert(np.asarray(args[0]), need_dtype(op, op.results[0].type))[()],)


def saturated(x: Array, width: Width, *, is_signed: bool) -> Ints:
    """Floats as integers: toward zero, held to the range of the width, NaN is 0."""
    low, high = (width.least, width.greatest) if is_signed else (0, width.ones)
    whole = np.trunc(x.astype(np.float64))
    under, over = whole <= float(low), whole >= float(high)
    dtype = np.dtype(np.int64 if is_signed else np.uint64)
    inside = np.where(under | over | np.isnan(whole), 0.0, whole).astype(dtype)
    return np.where(under, dtype.type(low), np.where(over, dtype.type(high), inside))


def _to_integer(*, is_signed: bool) -> ScalarMeaning:
    def meant(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
        width = width_of(op, op.results[0].type)
        whole = saturated(np.asarray(args[0]), width, is_signed=is_signed)
        return (width.hold(np.asarray(whole))[()],)

    return meant


def _from_integer(look: Callable[[Width, Ints], Ints]) -> ScalarMeaning:
    def meant(op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
        whole = look(width_of(op, op.operands[0].type), np.asarray(args[0]))
        return (convert(whole, need_dtype(op, op.results[0].type))[()],)

    return meant


def _bitcast(op: arith.BitcastOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (value,) = args
    dtype = need_dtype(op, op.result.type)
    if value.dtype.itemsize != dtype.itemsize:
        raise error_at(
            op,
            f"'arith.bitcast' from {op.input.type} to {op.result.type} changes the width",
            code=codes.UNSUPPORTED_TYPE,
        )
    return (np.ascontiguousarray(value).view(dtype).reshape(np.shape(value))[()],)


def _maxnum(a: Array, b: Array) -> Array:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, numerics.maximum(a, b)))


def _minnum(a: Array, b: Array) -> Array:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, numerics.minimum(a, b)))


MEANINGS: Meanings = {
    arith.ConstantOp: _constant,
    arith.AddiOp: unsigned(_plain(np.add)),
    arith.SubiOp: unsigned(_plain(np.subtract)),
    arith.MuliOp: unsigned(_plain(np.multiply)),
    arith.DivSIOp: signed(integers.div_s),
    arith.DivUIOp: unsigned(integers.div_u),
    arith.RemSIOp: signed(integers.rem_s),
    arith.RemUIOp: unsigned(integers.rem_u),
    arith.FloorDivSIOp: signed(integers.floor_div_s),
    arith.CeilDivSIOp: signed(integers.ceil_div_s),
    arith.CeilDivUIOp: unsigned(integers.ceil_div_u),
    arith.MaxSIOp: signed(_plain(np.maximum)),
    arith.MinSIOp: signed(_plain(np.minimum)),
    arith.MaxUIOp: unsigned(_plain(np.maximum)),
    arith.MinUIOp: unsigned(_plain(np.minimum)),
    arith.AndIOp: unsigned(_plain(np.bitwise_and)),
    arith.OrIOp: unsigned(_plain(np.bitwise_or)),
    arith.XOrIOp: unsigned(_plain(np.bitwise_xor)),
    arith.ShLIOp: unsigned(integers.shift_left),
    arith.ShRUIOp: unsigned(integers.shift_right_u),
    arith.ShRSIOp: signed(integers.shift_right_s),
    arith.AddUIExtendedOp: _add_extended,
    arith.MulUIExtendedOp: _mul_extended(Width.unsigned),
    arith.MulSIExtendedOp: _mul_extended(Width.signed),
    arith.CmpiOp: _cmpi,
    arith.CmpfOp: _cmpf,
    arith.SelectOp: _select,
    arith.AddfOp: on_floats(np.add),
    arith.SubfOp: on_floats(np.subtract),
    arith.MulfOp: on_floats(np.multiply),
    arith.DivfOp: on_floats(np.divide),
    RemFOp: on_floats(np.fmod),
    arith.NegfOp: on_floats(np.negative),
    arith.MaximumfOp: on_floats(numerics.maximum),
    arith.MinimumfOp: on_floats(numerics.minimum),
    arith.MaxnumfOp: on_floats(_maxnum),
    arith.MinnumfOp: on_floats(_minnum),
    arith.BitcastOp: _bitcast,
    arith.IndexCastOp: _resize(Width.signed),
    arith.TruncIOp: _resize(Width.signed),
    arith.ExtSIOp: _resize(Width.signed),
    arith.ExtUIOp: _resize(Width.unsigned),
    arith.ExtFOp: _float_to_float,
    arith.TruncFOp: _float_to_float,
    arith.FPToSIOp: _to_integer(is_signed=True),
    arith.FPToUIOp: _to_integer(is_signed=False),
    arith.SIToFPOp: _from_integer(Width.signed),
    arith.UIToFPOp: _from_integer(Width.unsigned),
}
