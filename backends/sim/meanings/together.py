"""Intrinsics by which threads do something together: barriers, votes, shuffles, matches."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i1, i32, i64
from xdsl.ir import SSAValue

from weft.backends.sim.emit import ORDER, Emitter
from weft.backends.sim.layout import State
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, intrinsic, part, unword, word
from weft.dialects.upstream import llvm as ours

_WITH_TRUTH = llvm.LLVMStructType.from_type_list([i32, i1])
_SHUFFLES = ("up", "down", "idx", "bfly")
_REDUCTIONS = ("add", "umin", "umax", "min", "max", "and", "or", "xor")


def _equal(emit: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    return emit.value(ours.ICmpOp("eq", a, b))


def _present(emit: Emitter, mask: SSAValue) -> SSAValue:
    """The lanes of a mask that came."""
    return emit.value(llvm.AndOp(mask, emit.call("weft.present", i32)))


def _barrier(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    number, *threads = call.operands or (emit.number(0),)
    emit.wait(State.BARRIER, number, threads[0] if threads else emit.number(0))
    return []


def _counting(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    number, *threads, truth = call.operands
    emit.do("weft.bring_predicate", emit.truth(truth))
    emit.wait(State.BARRIER, number, threads[0] if threads else emit.number(0))
    counted, came = emit.call("weft.counted", i32), emit.call("weft.came", i32)
    kind = call.parts["kind"]
    if kind == "popc":
        return [counted]
    return [_equal(emit, counted, came) if kind == "and" else emit.is_nonzero(counted)]


def _arrive(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_barrier_arrive", call.operands[0])
    return []


def _of_warp(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.with_warp(call.operands[0], ORDER)
    return []


def _cluster_arrive(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.call("weft_sim_cluster_arrive", i64)
    return []


def _cluster_wait(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.wait(State.CLUSTER, emit.call("weft_sim_cluster_token", i64), emit.number(0))
    return []


def _shuffle(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    mask, value, offset, clamp = call.operands
    emit.bring(word(emit, value))
    emit.with_warp(mask)
    mode = emit.number(_SHUFFLES.index(call.parts["mode"] or ""))
    if emit.context.checked:
        emit.do("weft.shuffle.check", mode, offset, clamp, emit.widen(emit.site()))
    taken = emit.call("weft.shuffle", _WITH_TRUTH, mode, offset, clamp)
    got = unword(emit, part(emit, taken, 0, i32), value.type)
    return [got, part(emit, taken, 1, i1)][: len(call.results)]


def _vote(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    mask, truth = call.operands
    emit.bring(emit.truth(truth))
    emit.with_warp(mask)
    present = _present(emit, mask)
    ballot = emit.call("weft.ballot", i32, present)
    every, some = _equal(emit, ballot, present), emit.is_nonzero(ballot)
    kind = call.parts["kind"]
    if kind == "uni":
        nobody = _equal(emit, ballot, emit.number(0))
        return [emit.value(llvm.OrOp(every, nobody))]
    return [{"ballot": ballot, "all": every, "any": some}[kind or ""]]


def _match(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    mask, value = call.operands
    wide = emit.widen(value)
    emit.bring(wide)
    emit.with_warp(mask)
    present = _present(emit, mask)
    same = emit.call("weft.match", i32, present, wide)
    if call.parts["kind"] == "any":
        return [same]
    every = _equal(emit, same, present)
    return [emit.value(ours.SelectOp(every, present, emit.number(0))), every][: len(call.results)]


def _redux(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    value, mask = call.operands
    emit.bring(value)
    emit.with_warp(mask)
    kind = emit.number(_REDUCTIONS.index(call.parts["kind"] or ""))
    return [emit.call("weft.reduce", i32, _present(emit, mask), kind)]


def _elect(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """The first lane of those that came, and whether that is this one."""
    emit.with_warp(call.operands[0])
    present = emit.call("weft.present", i32)
    nothing = emit.number(0)
    lowest = emit.value(llvm.AndOp(present, emit.value(llvm.SubOp(nothing, present))))
    first = emit.value(llvm.CallIntrinsicOp("llvm.ctpop.i32", [emit.value(llvm.SubOp(lowest, emit.number(1)))], [i32]))
    return [first, _equal(emit, first, emit.call("weft.lane", i32))]


def _alive(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return [emit.call("weft.alive", i32)]


def _exit(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.leave()
    return []


def _sleep(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.wait(State.YIELD, emit.number(0), emit.number(0))
    return []


TOGETHER: tuple[IntrinsicMeaning, ...] = (
    intrinsic(r"barrier0|barrier\.cta\.sync(\.aligned)?\.(all|count)", _barrier, waits=True),
    intrinsic(r"barrier\.cta\.red\.(?P<kind>popc|and|or)(\.aligned)?\.(all|count)", _counting, waits=True),
    intrinsic(r"barrier\.cta\.arrive(\.aligned)?\.count", _arrive),
    intrinsic(r"bar\.warp\.sync", _of_warp, waits=True),
    intrinsic(r"barrier\.cluster\.arrive(\.relaxed)?(\.aligned)?", _cluster_arrive),
    intrinsic(r"barrier\.cluster\.wait(\.aligned)?", _cluster_wait, waits=True),
    intrinsic(r"shfl\.sync\.(?P<mode>up|down|idx|bfly)\.(i32|f32)p?", _shuffle, waits=True),
    intrinsic(r"vote\.(?P<kind>all|any|uni|ballot)\.sync", _vote, waits=True),
    intrinsic(r"match\.(?P<kind>any|all)\.sync\.(i32|i64)p?", _match, waits=True),
    intrinsic(r"redux\.sync\.(?P<kind>u?min|u?max|add|and|or|xor)", _redux, waits=True),
    intrinsic(r"elect\.sync", _elect, waits=True),
    intrinsic(r"activemask", _alive),
    intrinsic(r"exit", _exit, waits=True),
    intrinsic(r"nanosleep", _sleep, waits=True),
)
