"""Intrinsics of matrices that a warp loads whole (`wmma`): each lane moves the pieces that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerType, i32, i64
from xdsl.ir import SSAValue

from weft.backends.sim.emit import Emitter
from weft.backends.sim.layout import WRITE
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, intrinsic
from weft.backends.sim.meanings.matrix import at_offset, guarded, taken
from weft.backends.sim.products import bits_of
from weft.backends.sim.shared import size_of
from weft.backends.sim.wmma import A_AT, B_AT, BYTES, C_AT, D_AT, Fragment, WmmaProduct

_ALL = -1


def _sizes(call: Call) -> tuple[int, int, int]:
    m, n, k = (int(call.parts[size] or 0) for size in "mnk")
    return m, n, k


def _fragment(call: Call) -> Fragment:
    m, n, k = _sizes(call)
    which = call.parts["which"] or ""
    rows, columns = {"a": (m, k), "b": (k, n), "c": (m, n), "d": (m, n)}[which]
    kept = "c" if which == "d" else which
    return Fragment(kept, rows, columns, call.parts["type"] or "", call.parts["layout"] or "")


def _pieces(emit: Emitter, fragment: Fragment, pointer: SSAValue, stride: SSAValue, count: int) -> Iterator[SSAValue]:
    """Where the pieces lie that a lane holds: so many."""
    lane, wide = emit.call("weft.lane", i32), emit.widen(stride)
    for piece in range(count):
        number = emit.value(llvm.AddOp(lane, emit.number(32 * piece)))
        first = emit.value(llvm.MulOp(number, emit.number(fragment.piece)))
        place = emit.widen(emit.value(llvm.AndOp(first, emit.number(fragment.size - 1))))
        # the pieces of C are numbered by rows, wherever these lie
        width = fragment.columns if fragment.which == "c" else fragment.inner
        outer = emit.value(llvm.LShrOp(place, emit.number(width.bit_length() - 1, i64)))
        inner = emit.value(llvm.AndOp(place, emit.number(width - 1, i64)))
        if fragment.which == "c" and fragment.layout == "col":
            outer, inner = inner, outer
        element = emit.value(llvm.AddOp(emit.value(llvm.MulOp(outer, wide)), inner))
        bits = emit.value(llvm.MulOp(element, emit.number(bits_of(fragment.type), i64)))
        yield at_offset(emit, pointer, emit.value(llvm.LShrOp(bits, emit.number(3, i64))))


def _load(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    pointer, stride = call.operands
    fragment = _fragment(call)
    emit.with_warp(emit.number(_ALL))
    size = fragment.piece * bits_of(fragment.type) // 8
    room = sum(size_of(type_) for type_ in call.results)
    memory = emit.memory(room)
    for n, place in enumerate(_pieces(emit, fragment, pointer, stride, room // size)):
        value = emit.load(guarded(emit, place, size, 0), IntegerType(8 * size))
        emit.store(value, emit.place(memory, n * size))
    return taken(emit, memory, call.results)


def _store(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    pointer, *values, stride = call.operands
    fragment = _fragment(call)
    emit.with_warp(emit.number(_ALL))
    size = bits_of(fragment.type) // 8
    memory = emit.memory(sum(size_of(value.type) for value in values))
    room = _put(emit, values, memory, 0)
    for n, place in enumerate(_pieces(emit, fragment, pointer, stride, room // size)):
        value = emit.load(emit.place(memory, n * size), IntegerType(8 * size))
        emit.store(value, guarded(emit, place, size, WRITE))
    return []


def _put(emit: Emitter, values: Sequence[SSAValue], memory: SSAValue, at: int) -> int:
    """Put values one behind the other; the bytes that they take."""
    start = at
    for value in values:
        emit.store(value, emit.place(memory, at))
        at += size_of(value.type)
    return at - start


def _multiply(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    m, n, k = _sizes(call)
    first, _, second = (call.parts["types"] or "").partition(".")
    kind, d, c = ("f16", first, second) if second else (first, _SUMS.get(first, "s32"), _SUMS.get(first, "s32"))
    of_c = sum(size_of(type_) for type_ in call.results) if c == d else m * n // 32 * bits_of(c) // 8
    operands, added = list(call.operands), list[SSAValue]()
    while of_c:
        added.insert(0, operands.pop())
        of_c -= size_of(added[0].type)
    # A comes before B; a lane holds of each in proportion to its size, but of f16 always 8 registers
    count = len(operands) // 2 if kind == "f16" else len(operands) * m // (m + n)
    memory = emit.memory(BYTES)
    held = tuple(
        _put(emit, values, memory, at)
        for values, at in ((operands[:count], A_AT), (operands[count:], B_AT), (added, C_AT))
    )
    emit.bring(memory)
    layouts = (call.parts["a"] or "", call.parts["b"] or "")
    saturates = bool(call.parts["satfinite"])
    facts = WmmaProduct(m, n, k, kind, c, d, *layouts, (held[0], held[1], held[2]), saturates, call.parts["bits"] or "")
    emit.with_warp(emit.number(_ALL), emit.context.services.number("wmma", facts))
    return taken(emit, emit.place(memory, D_AT), call.results)


_SUMS = {"bf16": "f32", "tf32": "f32", "f64": "f64"}
"""The elements of C and D, where they are not s32."""

_SIZES = r"wmma\.m(?P<m>\d+)n(?P<n>\d+)k(?P<k>\d+)"
_MOVED = r"\.(?P<layout>row|col)\.stride\.(?P<type>\w+?)(\.p\d)?"

WMMA: tuple[IntrinsicMeaning, ...] = (
    intrinsic(rf"{_SIZES}\.load\.(?P<which>[abc]){_MOVED}", _load, waits=True),
    intrinsic(rf"{_SIZES}\.store\.(?P<which>d){_MOVED}", _store, waits=True),
    intrinsic(
        rf"{_SIZES}\.mma(\.(?P<bits>xor|and)\.popc)?\.(?P<a>row|col)\.(?P<b>row|col)"
        r"\.(?P<types>f(16|32)\.f(16|32)|bf16|tf32|f64|[su][48]|b1)(?P<satfinite>\.satfinite)?",
        _multiply,
        waits=True,
    ),
)
