"""Matrices that a warp holds (`gpu.subgroup_mma_*`), as products of tensor cores (`mma.sync`).

A matrix is a vector in each lane: which of its elements a lane holds is laid down by the instruction (PTX ISA, "Matrix
Fragments for mma.m16n8k16" and its siblings). A 16x16 result is two products of 16x8 side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, cast

from xdsl.dialects import arith, llvm
from xdsl.dialects.builtin import IntegerType, Signedness, VectorType, bf16, f16, f32, i8, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from weft import codes
from weft.dialects import gpu
from weft.dialects.locations import error_at
from weft.passes.gpu.to_nvvm.function import DeviceFunction
from weft.passes.gpu.to_nvvm.ids import register
from weft.passes.gpu.to_nvvm.instructions import matrix_product
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_casts import is_narrow, narrow, widen
from weft.passes.lower.scalars import SCALAR_RULES
from weft.passes.lower.types import bits, element, is_float, vector_type

Place = tuple[int, int, int, int]
"""Row and column of an element that a lane holds: `row = a*g + b`, `column = c*t + d` with g = lane / 4, t = lane % 4
(for an operand B, with the rows by t and the columns by g)."""

_LANES = 32
_SM_80 = 80


@dataclass(frozen=True)
class Shape:
    """Rows, columns and inner size of the products that a chip does of some type of elements."""

    inner: int
    """The inner size of a whole matrix: A is 16 x inner, B inner x 16."""
    pair: int
    """How many elements of A or B that lie one behind the other a lane holds: a register has 32 bits."""


SHAPES: Mapping[Attribute, Shape] = {f16: Shape(16, 2), bf16: Shape(16, 2), f32: Shape(8, 1), i8: Shape(16, 4)}
"""The matrices whose products exist, by the type of A and B. f32 is multiplied as tf32."""


def _element(type_: gpu.MMAMatrixType) -> Attribute:
    held = type_.element_type
    return IntegerType(held.bitwidth) if isinstance(held, IntegerType) else held


def _offsets(type_: gpu.MMAMatrixType, op: Operation) -> list[tuple[int, int, int]]:
    """For each element that a lane holds: how far its row is behind the lane's first row, then its column, and the
    half of the matrix (of 8 columns) that it lies in.

    Raises :class:`WeftError` for a matrix that no product takes.
    """
    held, which, shape = _element(type_), type_.operand.data, type_.get_shape()
    if which == "COp":
        if shape == (16, 16) and held in (f16, f32, i32):
            return [(row, half * 8 + col, 0) for half in (0, 1) for row in (0, 8) for col in (0, 1)]
    elif held in SHAPES:
        known = SHAPES[held]
        inner, pair = known.inner, known.pair
        steps = range(0, inner, 4 * pair)
        if which == "AOp" and shape == (16, inner):
            return [(row, step + col, 0) for step in steps for row in (0, 8) for col in range(pair)]
        if which == "BOp" and shape == (inner, 16):
            return [(step + row, half * 8, 0) for half in (0, 1) for step in steps for row in range(pair)]
    raise error_at(
        op,
        f"there are no products of {type_}",
        "A and B are 16x16 of f16, bf16 or i8, or 16x8 and 8x16 of f32 (as tf32); C is 16x16 of f16, f32 or i32",
        code=codes.UNSUPPORTED_TYPE,
    )


def fragment_type(type_: gpu.MMAMatrixType, op: Operation) -> VectorType[Attribute]:
    """What a lane holds of a matrix."""
    return vector_type(_element(type_), len(_offsets(type_, op)))


def _first(f: DeviceFunction, type_: gpu.MMAMatrixType) -> tuple[Value, Value]:
    """Row and column of the first element that a lane holds (i64)."""
    e = f.e
    lane = register(f, "laneid")
    group = e.cast(llvm.ZExtOp, e.lshr(lane, e.integer(2, i32)), i64)
    rest = e.cast(llvm.ZExtOp, e.and_(lane, e.integer(3, i32)), i64)
    if type_.operand.data == "COp":
        return group, e.shl(rest, e.integer(1))
    pair = e.integer(SHAPES[_element(type_)].pair)
    within = e.mul(rest, pair)
    return (group, within) if type_.operand.data == "AOp" else (within, group)


@dataclass(frozen=True)
class _Run:
    """Elements that a lane holds and that lie one behind the other: an access."""

    address: Value
    first: int
    count: int
    alignment: int


def _runs(
    f: DeviceFunction, memory: SSAValue, indices: Sequence[SSAValue], op: Any, type_: gpu.MMAMatrixType
) -> list[_Run]:
    """Where the elements that a lane holds lie; those beside each other at an aligned place are one access."""
    e, buffer = f.e, f.buffer(memory, op)
    start = buffer.address(e, f.scalars(indices))
    lead = int(op.lead_dimension.value.data)
    by_row, by_column = (1, lead) if op.transpose is not None else (lead, 1)
    row, column = _first(f, type_)
    lane = e.add_index(e.mul_index(row, e.integer(by_row)), e.mul_index(column, e.integer(by_column)))
    base = e.gep(start, lane, buffer.memory)
    places = [r * by_row + c * by_column for r, c, _ in _offsets(type_, op)]
    pair = 2 if type_.operand.data == "COp" else SHAPES[_element(type_)].pair
    steps = (pair * by_row, by_column) if type_.operand.data == "BOp" else (by_row, pair * by_column)
    known = gcd(f.multiples.address(memory, indices, op), *(step * buffer.bytes for step in steps))
    together = all(
        places[i + k] == places[i] + k and gcd(known, places[i] * buffer.bytes) % (pair * buffer.bytes) == 0
        for i in range(0, len(places), pair)
        for k in range(pair)
    )
    count = pair if together else 1
    return [
        _Run(e.gep(base, places[i], buffer.memory), i, count, count * buffer.bytes)
        for i in range(0, len(places), count)
    ]


def lower_load(f: DeviceFunction, op: gpu.SubgroupMmaLoadMatrixOp) -> None:
    """`gpu.subgroup_mma_load_matrix`: each lane loads what it holds."""
    e, type_ = f.e, op.res.type
    fragment = fragment_type(type_, op)
    out = e.poison(fragment)
    for run in _runs(f, op.src, op.indices, op, type_):
        if run.count == 1:
            out = e.insert(out, e.load(run.address, fragment.element_type, run.alignment), run.first)
            continue
        loaded = e.load(run.address, vector_type(fragment.element_type, run.count), run.alignment)
        for place in range(run.count):
            out = e.insert(out, e.extract(loaded, place), run.first + place)
    f.define(op.res, out)


def lower_store(f: DeviceFunction, op: gpu.SubgroupMmaStoreMatrixOp) -> None:
    """`gpu.subgroup_mma_store_matrix`: each lane stores what it holds."""
    e, value = f.e, f.scalar(op.src)
    for run in _runs(f, op.dst, op.indices, op, cast(gpu.MMAMatrixType, op.src.type)):
        lanes = range(run.first, run.first + run.count)
        part = e.extract(value, run.first) if run.count == 1 else e.shuffle(value, value, lanes)
        e.store(part, run.address, run.alignment)


def lower_constant(f: DeviceFunction, op: gpu.SubgroupMmaConstantMatrixOp) -> None:
    """`gpu.subgroup_mma_constant_matrix`."""
    fragment = fragment_type(op.res.type, op)
    f.define(op.res, f.e.splat(f.scalar(op.value), fragment.get_shape()[0]))


# products


def _parts(f: DeviceFunction, value: Value, start: int, count: int, word: Attribute, per_word: int) -> list[Value]:
    """Elements of a vector as the registers that an instruction takes."""
    e = f.e
    out: list[Value] = []
    for place in range(start, start + count, per_word):
        lanes = range(place, place + per_word)
        part = e.extract(value, place) if per_word == 1 else e.shuffle(value, value, lanes)
        out.append(part if part.type == word else e.value(llvm.BitcastOp, (part,), word))
    return out


@dataclass(frozen=True)
class Product:
    """An `mma.sync`: what PTX calls the elements of A and B, the registers of A, B and C, the inner size and the rows
    that it takes at once."""

    kinds: tuple[str, str]
    a_word: Attribute
    c_word: Attribute
    c_per_word: int
    inner: int
    rows: int = 16


_PAIR = VectorType(f16, [2])


def _sign(type_: Attribute) -> str:
    """What PTX calls bytes; those that do not say are signed."""
    held = cast(gpu.MMAMatrixType, type_).element_type
    return "u8" if held == IntegerType(bits(held), Signedness.UNSIGNED) else "s8"


def _product(f: DeviceFunction, a: Attribute, c: Attribute, op: gpu.SubgroupMmaComputeOp) -> Product:
    """The instruction for elements of those types. Raises :class:`WeftError` where the chip has none."""
    newer = f.module.capability >= _SM_80
    if a == f16 and c in (f16, f32):
        return Product(("f16", "f16"), _PAIR, *((f32, 1) if c == f32 else (_PAIR, 2)), 16 if newer else 8)
    if a == i8 and c == i32:
        signs = (_sign(op.a.type), _sign(op.b.type))
        return Product(signs, i32, i32, 1, 16, rows=16 if newer else 8)
    if newer and c == f32 and a in (bf16, f32):
        if a == bf16:
            return Product(("bf16", "bf16"), i32, f32, 1, 16)
        return Product(("tf32", "tf32"), i32, f32, 1, 8)
    reason = "" if newer else f" (sm_{f.module.capability} has those of f16 and i8 only)"
    raise error_at(op, f"there is no product of {a} that is added to {c}{reason}", code=codes.UNSUPPORTED_TYPE)


def lower_compute(f: DeviceFunction, op: gpu.SubgroupMmaComputeOp) -> None:
    """`gpu.subgroup_mma_compute`: for each half of the columns, and each step along the inner size, an `mma.sync`."""
    if op.a_transpose is not None or op.b_transpose is not None:
        raise error_at(
            op, "a matrix is transposed where it is loaded", "put 'transpose' on the load", code=codes.CANNOT_LOWER
        )
    a, b, c = f.scalars((op.a, op.b, op.c))
    known = SHAPES[element(a.type)]
    product = _product(f, element(a.type), element(c.type), op)
    if element(a.type) == f32:
        a, b = (_tf32(f, x) for x in (a, b))
    held: list[Value] = []
    per_half = known.pair * known.inner // (4 * known.pair)
    for half in (0, 1):
        sums = _parts(f, c, 4 * half, 4, product.c_word, product.c_per_word)
        for step in range(known.inner // product.inner):
            width = known.pair * product.inner // (4 * known.pair)
            a_words = _parts(f, a, 2 * width * step, 2 * width, product.a_word, known.pair)
            b_words = _parts(f, b, per_half * half + width * step, width, product.a_word, known.pair)
            sums = _multiply(f, product, a_words, b_words, sums)
        held += sums
    f.define(op.res, _joined(f, held, c.type, product.c_per_word))


def _multiply(
    f: DeviceFunction, product: Product, a: Sequence[Value], b: Sequence[Value], c: Sequence[Value]
) -> list[Value]:
    """One product of 16 rows; where the instruction has 8 rows, of the upper and the lower ones."""
    shape = (product.rows, 8, product.inner)
    if product.rows == 16:
        return matrix_product(f.e, shape, product.kinds, (a, b, c))
    lower = len(c) // 2
    upper_half = matrix_product(f.e, shape, product.kinds, (a[0::2], b, c[:lower]))
    return [*upper_half, *matrix_product(f.e, shape, product.kinds, (a[1::2], b, c[lower:]))]


def _joined(f: DeviceFunction, words: Sequence[Value], type_: Attribute, per_word: int) -> Value:
    e = f.e
    out = e.poison(type_)
    for place, word in enumerate(words):
        for lane in range(per_word):
            out = e.insert(out, word if per_word == 1 else e.extract(word, lane), place * per_word + lane)
    return out


def _tf32(f: DeviceFunction, value: Value) -> Value:
    """f32 rounded to tf32, ten bits behind the point: to nearest, ties away from zero."""
    e = f.e
    raw = e.value(llvm.BitcastOp, (value,), vector_type(i32, cast("VectorType[Any]", value.type).get_shape()[0]))
    kept = e.and_(e.add(raw, e.integer(1 << 12, raw.type)), e.integer(-(1 << 13), raw.type))
    finite = e.icmp("ult", e.and_(raw, e.integer(0x7F800000, raw.type)), e.integer(0x7F800000, raw.type))
    return e.value(llvm.BitcastOp, (e.select(finite, kept, raw),), value.type)


# element by element

_ELEMENTWISE: Mapping[str, type[Operation]] = {
    "addf": arith.AddfOp,
    "subf": arith.SubfOp,
    "mulf": arith.MulfOp,
    "divf": arith.DivfOp,
    "maxf": arith.MaximumfOp,
    "minf": arith.MinimumfOp,
    "negatef": arith.NegfOp,
    "addi": arith.AddiOp,
    "subi": arith.SubiOp,
    "muli": arith.MuliOp,
    "divs": arith.DivSIOp,
    "divu": arith.DivUIOp,
}


def lower_elementwise(f: DeviceFunction, op: gpu.SubgroupMmaElementwiseOp) -> None:
    """`gpu.subgroup_mma_elementwise`: the same with each element that a lane holds; narrow floats by way of f32."""
    e, kind, operands = f.e, op.op_type.data, f.scalars(op.args)
    type_ = fragment_type(op.res.type, op)
    if kind == "extf":
        f.define(op.res, widen(e, operands[0], type_.element_type))
    elif kind == "negates":
        f.define(op.res, e.sub(e.integer(0, type_), operands[0]))
    elif is_float(type_) and is_narrow(type_):
        made = SCALAR_RULES[_ELEMENTWISE[kind]](e, op, [widen(e, operand) for operand in operands])
        f.define(op.res, narrow(e, made, type_.element_type))
    else:
        f.define(op.res, SCALAR_RULES[_ELEMENTWISE[kind]](e, op, operands))


MATRIX_RULES: Mapping[type[Operation], Any] = {
    gpu.SubgroupMmaLoadMatrixOp: lower_load,
    gpu.SubgroupMmaStoreMatrixOp: lower_store,
    gpu.SubgroupMmaConstantMatrixOp: lower_constant,
    gpu.SubgroupMmaComputeOp: lower_compute,
    gpu.SubgroupMmaElementwiseOp: lower_elementwise,
}
"""Products of matrices."""
