"""`loop.scale` and `loop.lookup`: single instructions where the target has AVX-512, else what does the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import AnyFloat, DenseIntOrFPElementsAttr, ModuleOp, VectorType, i8, i16, i32
from xdsl.ir import Attribute, Operation

from weft.dialects.loop import LookupOp, ScaleOp
from weft.dialects.target import Cpu, cpu_of
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_rule import Rule
from weft.passes.lower.types import bits, element, lanes, vector_type

FEATURE = "avx512dq"
"""The feature that says that a target has both instructions."""

REGISTER_BITS = 512

_CURRENT_ROUNDING = 4

_MOST = 5000.0
"""An exponent beyond those of all floats."""

_KINDS: Mapping[int, tuple[str, str, Attribute]] = {32: ("ps", "sf", i16), 64: ("pd", "df", i8)}
"""How intrinsics spell floats of 32 and 64 bits, and the mask of a whole register of them."""


def cpu_around(op: Operation) -> Cpu:
    """The target of an op's module."""
    module = op
    while (parent := module.parent_op()) is not None:
        module = parent
    return cpu_of(module) if isinstance(module, ModuleOp) else Cpu()


def has_instructions(op: Operation) -> bool:
    """Whether the target of an op's module has the instructions."""
    return cpu_around(op).has(FEATURE)


def _scale(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    x, n = operands
    if has_instructions(op):
        return by_registers(e, operands, 128, lambda parts: _vscalef(e, *parts))
    low, high = (e.floating(sign * _MOST, n.type) for sign in (-1.0, 1.0))
    near = e.intrinsic("minimum", (e.intrinsic("maximum", (n, low), n.type), high), n.type)
    exponent = _like(i32, n)
    whole = e.intrinsic("fptosi.sat", (e.intrinsic("floor", (near,), n.type),), exponent, (exponent, n.type))
    scaled = e.intrinsic("ldexp", (x, whole), x.type, (x.type, exponent))
    return e.select(e.fcmp("uno", n, n), n, scaled)


def _vscalef(e: Emitter, x: Value, n: Value) -> Value:
    """`vscalef` on one register, of 128, 256 or 512 bits."""
    width, size = cast(int, lanes(x.type)), bits(x.type)
    kind, _, whole = _KINDS[size]
    mask = whole if width * size == REGISTER_BITS else i8
    rounding = (e.integer(_CURRENT_ROUNDING, i32),) if width * size == REGISTER_BITS else ()
    name = f"x86.avx512.mask.scalef.{kind}.{width * size}"
    return e.intrinsic(name, (x, n, e.number(0, x.type), e.integer(-1, mask), *rounding), x.type, ())


def _lookup(e: Emitter, op: Operation, operands: Sequence[Value]) -> Value:
    (index,) = operands
    table, scalar = cast(LookupOp, op).numbers(), cast(AnyFloat, op.results[0].type)
    size = bits(scalar)
    if has_instructions(op) and len(table) * size == REGISTER_BITS and bits(index.type) == size:
        return by_registers(e, operands, REGISTER_BITS, lambda parts: _vperm(e, _table(e, table, scalar), *parts))
    if len(table) == 1:
        return e.floating(table[0], _like(scalar, index))
    place = e.and_(index, e.integer(len(table) - 1, index.type))
    return e.each_lane(lambda lane: e.extract(_table(e, table, scalar), lane[0]), (place,), scalar)


def _vperm(e: Emitter, table: Value, index: Value) -> Value:
    """`vperm` of a whole register: the lowest bits of each lane of `index` choose a lane of `table`."""
    return e.intrinsic(f"x86.avx512.permvar.{_KINDS[bits(table.type)][1]}.512", (table, index), table.type, ())


def _table(e: Emitter, table: Sequence[float], scalar: AnyFloat) -> Value:
    type_ = vector_type(scalar, len(table))
    return e.attribute(DenseIntOrFPElementsAttr.from_list(cast("VectorType[AnyFloat]", type_), list(table)), type_)


def by_registers(e: Emitter, operands: Sequence[Value], least: int, make: Callable[[Sequence[Value]], Value]) -> Value:
    """What `make` gives for vectors that fill registers of `least` to 512 bits, put together as wide as the operands.

    The operands have one width, and lanes of one size; the result has such lanes too.
    """
    width, size = lanes(operands[0].type), bits(operands[0].type)
    if width is None:
        one = [e.insert(e.poison(vector_type(x.type, least // size)), x, 0) for x in operands]
        return e.extract(make(one), 0)
    most = REGISTER_BITS // size
    made: list[Value] = []
    for start in range(0, width, most):
        count = min(most, width - start)
        room = max(least // size, 1 << (count - 1).bit_length())
        chosen = [start + n if n < count else -1 for n in range(room)]
        if chosen == list(range(width)):
            return make(operands)
        made.append(make([e.shuffle(x, e.poison(x.type), chosen) for x in operands]))
    return _joined(e, made, width)


def _joined(e: Emitter, parts: Sequence[Value], width: int) -> Value:
    """The first `width` lanes of vectors of which all but the last are equally long."""
    whole, length = parts[0], cast(int, lanes(parts[0].type))
    for number, part in enumerate(parts[1:], 1):
        so_far, more = number * length, cast(int, lanes(part.type))
        spread = e.shuffle(part, e.poison(part.type), [n if n < more else -1 for n in range(so_far)])
        whole = e.shuffle(whole, spread, list(range(so_far + length)))
    if lanes(whole.type) == width:
        return whole
    return e.shuffle(whole, e.poison(whole.type), list(range(width)))


def _like(scalar: Attribute, value: Value) -> Attribute:
    width = lanes(value.type)
    return scalar if width is None else vector_type(element(scalar), width)


VECTOR_RULES: Mapping[type[Operation], Rule] = {ScaleOp: _scale, LookupOp: _lookup}
"""Ops of `loop` on scalars that machines have instructions for."""
