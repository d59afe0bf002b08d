"""What threads do together: barriers, shuffles, and reductions over a warp or a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from xdsl.dialects import arith, llvm
from xdsl.dialects.builtin import f32, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from weft import codes
from weft.dialects import gpu
from weft.dialects.locations import error_at
from weft.passes.gpu.to_nvvm.function import DeviceFunction
from weft.passes.gpu.to_nvvm.ids import WARP, register, thread_count, thread_number
from weft.passes.gpu.to_nvvm.instructions import (
    FULL_WARP,
    HAS_REDUX,
    REDUX,
    barrier,
    shuffle,
    shuffle_checked,
    warp_reduction,
)
from weft.passes.gpu.to_nvvm.spaces import SHARED
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_casts import is_narrow, narrow, widen
from weft.passes.lower.scalars import SCALAR_RULES, emit_scalar
from weft.passes.lower.types import bits, byte_size, element, integer_type, is_float, lanes, memory_type

Combine: TypeAlias = Callable[[Value, Value], Value]

_HALF_WORD = 16
_WORD = 32
_DOUBLE_WORD = 64
_SEGMENT_SHIFT = 8
_LANES_LOG = 5

KINDS: Mapping[str, tuple[type[Operation], type[Operation]]] = {
    "add": (arith.AddiOp, arith.AddfOp),
    "mul": (arith.MuliOp, arith.MulfOp),
    "minui": (arith.MinUIOp, arith.MinUIOp),
    "minsi": (arith.MinSIOp, arith.MinSIOp),
    "maxui": (arith.MaxUIOp, arith.MaxUIOp),
    "maxsi": (arith.MaxSIOp, arith.MaxSIOp),
    "and": (arith.AndIOp, arith.AndIOp),
    "or": (arith.OrIOp, arith.OrIOp),
    "xor": (arith.XOrIOp, arith.XOrIOp),
    "minnumf": (arith.MinnumfOp, arith.MinnumfOp),
    "maxnumf": (arith.MaxnumfOp, arith.MaxnumfOp),
    "minimumf": (arith.MinimumfOp, arith.MinimumfOp),
    "maximumf": (arith.MaximumfOp, arith.MaximumfOp),
}
"""How each reduction combines two integers, and two floats."""


def lower_barrier(f: DeviceFunction, op: gpu.BarrierOp) -> None:
    """`gpu.barrier`."""
    barrier(f.e)


def combine(f: DeviceFunction, kind: str, op: Operation) -> Combine:
    """The scalar op that a reduction of that name combines by. Narrow floats are combined in f32."""

    def rule(a: Value, b: Value) -> Value:
        e, type_ = f.e, element(a.type)
        op_type = KINDS[kind][is_float(type_)]
        if not is_narrow(type_):
            return SCALAR_RULES[op_type](e, op, (a, b))
        return narrow(e, SCALAR_RULES[op_type](e, op, (widen(e, a), widen(e, b))), type_)

    return rule


# moving values between lanes


def lane_mask(f: DeviceFunction) -> Value:
    """The mask of the lanes of a warp that have a thread: the last warp of a block may have fewer than 32."""
    e, known = f.e, f.block_threads
    if known is not None and known % WARP == 0:
        return e.integer(FULL_WARP, i32)

    def mask() -> Value:
        return e.lshr(e.integer(FULL_WARP, i32), e.sub(e.integer(WARP, i32), _warp_lanes(f)))

    return f.once("mask", mask)


def _warp_lanes(f: DeviceFunction) -> Value:
    """How many threads the warp has (i32)."""
    e = f.e

    def count() -> Value:
        first = e.and_(thread_number(f), e.integer(-WARP, i32))
        return e.intrinsic("umin", (e.sub(thread_count(f), first), e.integer(WARP, i32)), i32)

    return f.once("lanes", count)


def exchange(f: DeviceFunction, mode: str, value: Value, offset: Value, clamp: Value, op: Operation) -> Value:
    """A value of any scalar type of another lane, word by word."""
    mask = lane_mask(f)
    return _by_words(f, value, lambda word: shuffle(f.e, mode, mask, word, offset, clamp), op)


def _by_words(f: DeviceFunction, value: Value, move: Callable[[Value], Value], op: Operation) -> Value:
    """A value of any scalar type, its parts of 32 bits moved. Raises :class:`WeftError` for more than two."""
    e, type_ = f.e, value.type
    if type_ in (f32, i32):
        return move(value)
    width = bits(type_)
    if width > _DOUBLE_WORD:
        raise error_at(op, f"'{op.name}' cannot move a value of type {type_}", code=codes.UNSUPPORTED_TYPE)
    raw = integer_type(width)
    number = e.cast(llvm.BitcastOp, value, raw) if is_float(type_) else value
    if width <= _WORD:
        moved = e.cast(llvm.TruncOp, move(e.cast(llvm.ZExtOp, number, i32)), raw)
    else:
        wide = e.cast(llvm.ZExtOp, number, i64)
        low = move(e.cast(llvm.TruncOp, wide, i32))
        upper = e.cast(llvm.TruncOp, e.lshr(wide, e.integer(_WORD)), i32)
        high = move(upper)
        joined = e.or_(e.cast(llvm.ZExtOp, low, i64), e.shl(e.cast(llvm.ZExtOp, high, i64), e.integer(_WORD)))
        moved = e.cast(llvm.TruncOp, joined, raw)
    return e.cast(llvm.BitcastOp, moved, type_) if is_float(type_) else moved


_MODES = {"xor": "bfly", "down": "down", "up": "up", "idx": "idx"}


def lower_shuffle(f: DeviceFunction, op: gpu.ShuffleOp) -> None:
    """`gpu.shuffle`: the warp is cut into segments of `width` lanes, a power of two, that do not see each other.

    Where the other lane does not take part the result is the lane's own value.
    """
    e, mode = f.e, op.mode.data
    segment = e.shl(e.sub(e.integer(WARP, i32), f.scalar(op.width)), e.integer(_SEGMENT_SHIFT, i32))
    clamp = segment if mode == "up" else e.or_(segment, e.integer(WARP - 1, i32))
    mask, offset = lane_mask(f), f.scalar(op.offset)
    valid: list[Value] = []

    def move(word: Value) -> Value:
        moved, taken = shuffle_checked(e, _MODES[mode], mask, word, offset, clamp)
        valid.append(taken)
        return moved

    f.define(op.shuffle_result, _by_words(f, f.scalar(op.value), move, op))
    f.define(op.valid, valid[0])


# reductions


def _butterfly(f: DeviceFunction, value: Value, rule: Combine, count: Value | None, op: Operation) -> Value:
    """Combine the values of the first `count` lanes of a warp (None: of all): lane 0 has the result, of a full
    warp all lanes have it."""
    e = f.e
    clamp = e.integer(WARP - 1, i32)
    for step in (1 << i for i in reversed(range(_LANES_LOG))):
        distance = e.integer(step, i32)
        other = exchange(f, "bfly", value, distance, clamp, op)
        both = rule(value, other)
        if count is not None:
            inside = e.icmp("ult", e.xor(register(f, "laneid"), distance), count)
            both = e.select(inside, both, value)
        value = both
    return value


def _redux(f: DeviceFunction, value: Value, kind: str | None) -> Value | None:
    """An integer of at most 32 bits, combined over the warp by one instruction; None where the chip has none for it."""
    e, type_ = f.e, value.type
    if kind is None or kind not in REDUX or f.module.capability < HAS_REDUX or is_float(type_) or bits(type_) > _WORD:
        return None
    extend = llvm.SExtOp if kind in ("minsi", "maxsi") else llvm.ZExtOp
    word = value if type_ == i32 else e.cast(extend, value, i32)
    result = warp_reduction(e, REDUX[kind], word, lane_mask(f))
    return result if type_ == i32 else e.cast(llvm.TruncOp, result, type_)


def _over_warp(f: DeviceFunction, value: Value, rule: Combine, op: Operation, kind: str | None) -> Value:
    """The values of the threads of a warp, combined; all of them have the result. `kind` is the reduction's name."""
    e, known = f.e, f.block_threads
    if (found := _redux(f, value, kind)) is not None:
        return found
    if known is not None and known % WARP == 0:
        return _butterfly(f, value, rule, None, op)
    value = _butterfly(f, value, rule, _warp_lanes(f), op)
    return exchange(f, "idx", value, e.integer(0, i32), e.integer(WARP - 1, i32), op)


def lower_subgroup_reduce(f: DeviceFunction, op: gpu.SubgroupReduceOp) -> None:
    """`gpu.subgroup_reduce`: five shuffles; a vector lane by lane."""
    e, value = f.e, f.scalar(op.value)
    rule = combine(f, op.op.data, op)
    width = lanes(value.type)
    if width is None:
        f.define(op.result, _over_warp(f, value, rule, op, op.op.data))
        return
    out = e.poison(value.type)
    for lane in range(width):
        out = e.insert(out, _over_warp(f, e.extract(value, lane), rule, op, op.op.data), lane)
    f.define(op.result, out)


def lower_all_reduce(f: DeviceFunction, op: gpu.AllReduceOp) -> None:
    """`gpu.all_reduce`: over each warp by shuffles; then over the results of the warps, which the first warp takes from
    shared memory, and to which it writes what all threads read.

    Of two reductions one after another, the second writes a slot of the first only behind a barrier that all threads
    reach after they read it.
    """
    e, value = f.e, f.scalar(op.value)
    rule = _inlined(f, op) if op.op is None else combine(f, op.op.data, op)
    known = f.block_threads
    if known is not None and known <= WARP:
        f.define(op.result, _over_warp(f, value, rule, op, None if op.op is None else op.op.data))
        return
    memory = memory_type(op.value.type)
    array = llvm.LLVMArrayType(WARP + 1, memory)
    size = byte_size(op.value.type)
    slots = e.address_of(f.module.shared_memory(f"{f.name}_reduction", array, size, op), SHARED)
    full = known is not None and known % WARP == 0
    value = _butterfly(f, value, rule, None if full else _warp_lanes(f), op)
    lane, warp = register(f, "laneid"), e.lshr(thread_number(f), e.integer(_LANES_LOG, i32))
    first_lane = e.icmp("eq", lane, e.integer(0, i32))
    _when(
        f,
        first_lane,
        lambda: e.store(_stored(f, value, memory), e.gep(slots, e.cast(llvm.ZExtOp, warp, i64), memory), size),
    )
    barrier(e)
    _when(f, e.icmp("eq", warp, e.integer(0, i32)), lambda: _combine_warps(f, op, rule, slots, value.type))
    barrier(e)
    result = e.load(e.gep(slots, WARP, memory), memory, size)
    f.define(op.result, _loaded(f, result, value.type))


def _combine_warps(f: DeviceFunction, op: gpu.AllReduceOp, rule: Combine, slots: Value, type_: Attribute) -> None:
    """The first warp: each lane takes what a warp has left, and lane 0 writes what all of them give."""
    e, memory, size = f.e, memory_type(op.value.type), byte_size(op.value.type)
    lane = register(f, "laneid")
    raised = e.add(thread_count(f), e.integer(WARP - 1, i32))
    warps = e.lshr(raised, e.integer(_LANES_LOG, i32))
    last = e.sub(warps, e.integer(1, i32))
    place = e.intrinsic("umin", (lane, last), i32)
    held = _loaded(f, e.load(e.gep(slots, e.cast(llvm.ZExtOp, place, i64), memory), memory, size), type_)
    total = _butterfly(f, held, rule, warps, op)
    first = e.icmp("eq", lane, e.integer(0, i32))
    _when(f, first, lambda: e.store(_stored(f, total, memory), e.gep(slots, WARP, memory), size))


def _stored(f: DeviceFunction, value: Value, memory: Attribute) -> Value:
    return value if value.type == memory else f.e.cast(llvm.ZExtOp, value, memory)


def _loaded(f: DeviceFunction, value: Value, type_: Attribute) -> Value:
    return value if value.type == type_ else f.e.cast(llvm.TruncOp, value, type_)


def _when(f: DeviceFunction, condition: Value, body: Callable[[], None]) -> None:
    """Emit what runs only where a condition holds."""
    e = f.e
    then, onward = e.block(), e.block()
    e.cond_br(condition, then, onward)
    e.enter(then)
    body()
    e.br(onward)
    e.enter(onward)


def _inlined(f: DeviceFunction, op: gpu.AllReduceOp) -> Combine:
    """The region of a reduction as a rule. Raises :class:`WeftError` for more than one block of scalar ops."""
    if len(op.body.blocks) != 1:
        raise error_at(op, "the region of 'gpu.all_reduce' should be one block", code=codes.CANNOT_LOWER)
    block = op.body.block

    def rule(a: Value, b: Value) -> Value:
        held: dict[SSAValue, Value] = dict(zip(block.args, (a, b), strict=True))
        for inner in block.ops:
            if isinstance(inner, gpu.YieldOp):
                return held[inner.values[0]]
            made = emit_scalar(f.e, inner, [held[operand] for operand in inner.operands])
            if made is None:
                raise error_at(
                    inner, f"'{inner.name}' cannot stand in the region of 'gpu.all_reduce'", code=codes.CANNOT_LOWER
                )
            held.update(zip(inner.results, made, strict=True))
        raise ValueError("a region without a yield")

    return rule


WARP_RULES: Mapping[type[Operation], Any] = {
    gpu.BarrierOp: lower_barrier,
    gpu.ShuffleOp: lower_shuffle,
    gpu.SubgroupReduceOp: lower_subgroup_reduce,
    gpu.AllReduceOp: lower_all_reduce,
}
"""Ops of several threads."""
