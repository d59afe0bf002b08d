"""Intrinsics of matrices that a warp holds together: products in registers, loads and stores of 8x8 matrices."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i8, i16, i32
from xdsl.ir import Attribute, SSAValue

from weft.backends.sim.emit import PTR, Emitter
from weft.backends.sim.guards import checked_pointer
from weft.backends.sim.layout import WRITE
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, intrinsic
from weft.backends.sim.products import A_AT, B_AT, C_AT, D_AT, Product, QuadProduct
from weft.backends.sim.shared import size_of

_ALL = -1


def _product_of(call: Call) -> Product:
    """The product that a name such as `m16n8k16` and `f32.f32`, `bf16` or `s8.u8` means."""
    m, n, k = (int(call.parts[size] or 0) for size in "mnk")
    first, _, second = (call.parts["types"] or "").partition(".")
    saturates = bool(call.parts["satfinite"])
    if first in ("f16", "f32"):  # the types of D and C; A and B are f16
        return Product(m, n, k, "f16", "f16", second or first, first, saturates)
    result = {"bf16": "f32", "tf32": "f32", "f64": "f64"}.get(first, "s32")
    return Product(m, n, k, first, second or first, result, result, saturates, call.parts["bits"] or "")


def _product(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return _multiplied(emit, call, "mma", _product_of(call))


def _quad_product(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    a, b, d, c = (call.parts[name] or "" for name in ("a", "b", "d", "c"))
    return _multiplied(emit, call, "mma.quad", QuadProduct(a, b, c, d))


def _multiplied(emit: Emitter, call: Call, kind: str, product: Product | QuadProduct) -> Sequence[SSAValue]:
    slot = emit.call("weft.slot", PTR)
    values = iter(call.operands)
    for start, room in ((A_AT, product.bytes_of_a), (B_AT, product.bytes_of_b), (C_AT, product.bytes_of_c)):
        at = start
        while at < start + room:
            value = next(values)
            emit.store(value, emit.place(slot, at))
            at += size_of(value.type)
    emit.with_warp(emit.number(_ALL), emit.context.services.number(kind, product))
    own = emit.call("weft.seen", PTR, emit.call("weft.lane", i32))
    return taken(emit, emit.place(own, D_AT), call.results)


def taken(emit: Emitter, pointer: SSAValue, types: Sequence[Attribute]) -> list[SSAValue]:
    """Values that lie one behind the other."""
    parts: list[SSAValue] = []
    offset = 0
    for type_ in types:
        parts.append(emit.load(emit.place(pointer, offset), type_))
        offset += size_of(type_)
    return parts


def _pieces(emit: Emitter, call: Call, matrix: int) -> list[tuple[SSAValue, int]]:
    """Where the elements lie that a lane holds of a matrix, with the bytes of each piece.

    Lane 8*matrix + r brought the address of row r. A lane holds two elements of row lane / 4, at column 2 * (lane % 4);
    of a transposed matrix, the elements at column lane / 4 of rows 2 * (lane % 4) and the next.
    """
    lane = emit.call("weft.lane", i32)
    group = emit.value(llvm.LShrOp(lane, emit.number(2)))
    rest = emit.value(llvm.AndOp(lane, emit.number(3)))
    first = emit.number(8 * matrix)
    if not call.parts["trans"]:
        row = emit.call("weft.row", PTR, emit.value(llvm.AddOp(first, group)))
        return [(at_offset(emit, row, emit.value(llvm.MulOp(rest, emit.number(4)))), 4)]
    pieces: list[tuple[SSAValue, int]] = []
    twice = emit.value(llvm.MulOp(rest, emit.number(2)))
    column = emit.value(llvm.MulOp(group, emit.number(2)))
    for n in range(2):
        number = emit.value(llvm.AddOp(twice, emit.number(8 * matrix + n)))
        pieces.append((at_offset(emit, emit.call("weft.row", PTR, number), column), 2))
    return pieces


def at_offset(emit: Emitter, pointer: SSAValue, offset: SSAValue) -> SSAValue:
    return emit.value(llvm.GEPOp(pointer, [llvm.GEP_USE_SSA_VAL], i8, [offset]))


def guarded(emit: Emitter, pointer: SSAValue, size: int, kind: int) -> SSAValue:
    return checked_pointer(emit, pointer, size, kind) if emit.context.checked else pointer


def _load(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.bring(call.operands[0])
    emit.with_warp(emit.number(_ALL))
    out: list[SSAValue] = []
    for matrix in range(int(call.parts["count"] or 1)):
        value = emit.number(0)
        for n, (pointer, size) in enumerate(_pieces(emit, call, matrix)):
            part = emit.load(guarded(emit, pointer, size, 0), i32 if size == 4 else i16)
            wide = part if size == 4 else emit.value(llvm.ZExtOp(part, i32))
            shifted = emit.value(llvm.ShlOp(wide, emit.number(16 * n)))
            value = emit.value(llvm.OrOp(value, shifted))
        out.append(value)
    return out


def _store(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    pointer, *values = call.operands
    emit.bring(pointer)
    emit.with_warp(emit.number(_ALL))
    for matrix, value in enumerate(values):
        for n, (place, size) in enumerate(_pieces(emit, call, matrix)):
            shifted = emit.value(llvm.LShrOp(value, emit.number(16 * n)))
            part = value if size == 4 else emit.value(llvm.TruncOp(shifted, i16))
            emit.store(part, guarded(emit, place, size, WRITE))
    return []


_MATRICES = r"\.sync\.aligned\.m8n8\.x(?P<count>[124])(?P<trans>\.trans)?\.b16(\.p\d)?"

MATRIX: tuple[IntrinsicMeaning, ...] = (
    intrinsic(
        r"mma\.m8n8k4\.(?P<a>row|col)\.(?P<b>row|col)\.(?P<d>f16|f32)\.(?P<c>f16|f32)", _quad_product, waits=True
    ),
    intrinsic(
        r"mma(\.(?P<bits>xor|and)\.popc)?\.m(?P<m>\d+)n(?P<n>\d+)k(?P<k>\d+)\.row\.col(?P<satfinite>\.satfinite)?"
        r"\.(?P<types>f32\.f32|f16\.f16|f32\.f16|f16\.f32|bf16|tf32|f64|[su]8(\.[su]8)?|[su]4(\.[su]4)?|b1)",
        _product,
        waits=True,
    ),
    intrinsic(rf"ldmatrix{_MATRICES}", _load, waits=True),
    intrinsic(rf"stmatrix{_MATRICES}", _store, waits=True),
)
