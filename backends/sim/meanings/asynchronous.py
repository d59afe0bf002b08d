"""Intrinsics of copies that are under way while threads go on, of mbarriers, and of the order of memory."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import SSAValue

from weft.backends.sim.emit import PTR, Emitter
from weft.backends.sim.guards import checked_pointer
from weft.backends.sim.layout import WRITE, State
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, intrinsic
from weft.dialects.nvvm.instruction import NvvmOp


def _copy(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """`cp.async`: what is read and written is checked here; the thread's later wait writes once more."""
    to, source, *read = call.operands
    size = int(call.parts["bytes"] or 0)
    if emit.context.checked:
        to = checked_pointer(emit, to, size, WRITE | size << 8)
        if not read:
            source = checked_pointer(emit, source, size, size << 8)
    bytes_ = emit.number(size)
    emit.do("weft_sim_copy", to, source, bytes_, read[0] if read else bytes_, emit.widen(emit.site()))
    return []


def _commit(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_commit")
    return []


def _wait_group(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_wait_group", call.operands[0])
    return []


def _wait_all(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_copies_done", emit.number(0))
    return []


def _copies_arrive(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """The thread's copies are made, and it arrives for them; where the count was not raised for it, that is its own
    arrival."""
    emit.do("weft_sim_copies_done", emit.number(0))
    if call.parts["noinc"]:
        emit.call("weft_sim_mbarrier_arrive", i64, call.operands[0], emit.number(1), emit.number(0), emit.number(0))
    return []


def _init(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_mbarrier_init", *call.operands)
    return []


def _arrive(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    place, *count = call.operands
    one = count[0] if count else emit.number(1)
    dropped = one if call.parts["drop"] else emit.number(0)
    state = emit.call("weft_sim_mbarrier_arrive", i64, place, one, emit.number(0), dropped)
    return [state][: len(call.results)]


def _expect(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """Bytes are on their way; with `arrive`, the thread arrives too."""
    place, bytes_ = call.operands
    arrivals = emit.number(1 if call.parts["arrive"] else 0)
    state = emit.call("weft_sim_mbarrier_arrive", i64, place, arrivals, bytes_, emit.number(0))
    return [state][: len(call.results)]


def _complete(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_mbarrier_complete", *call.operands)
    return []


def _test(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """Whether a phase is over. One that tries waits until it is; one that tests lets others run first."""
    place, phase = call.operands[:2]
    phase = emit.widen(phase)
    if call.parts["kind"] == "try":
        emit.wait(State.TRANSACTION, emit.address(place), phase)
    else:
        emit.wait(State.YIELD, emit.number(0), emit.number(0))
    return [emit.call("weft_sim_mbarrier_test", i1, place, phase)]


def expect(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    """`mbarrier.arrive.expect_tx` on any address, which is PTX."""
    numbers = (emit.number(1), op.value("txcount"), emit.number(0))
    emit.call("weft_sim_mbarrier_arrive", i64, op.value("addr"), *numbers)
    return []


def wait(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    """`mbarrier.try_wait.parity`, which is a loop in PTX: the thread goes on when the phase is over."""
    emit.wait(State.TRANSACTION, emit.address(op.value("addr")), op.value("phase"))
    return []


def _fence(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_fence")
    return []


def _map(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return [emit.call("weft.map_shared", PTR, *call.operands)]


def _nothing(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return []


_SCOPE = r"(\.scope\.\w+\.space\.\w+)?"

ASYNCHRONOUS: tuple[IntrinsicMeaning, ...] = (
    intrinsic(r"cp\.async\.(ca|cg)\.shared\.global\.(?P<bytes>4|8|16)(\.s)?", _copy),
    intrinsic(r"cp\.async\.commit\.group", _commit),
    intrinsic(r"cp\.async\.wait\.group", _wait_group),
    intrinsic(r"cp\.async\.wait\.all", _wait_all),
    intrinsic(r"cp\.async\.mbarrier\.arrive(?P<noinc>\.noinc)?(\.shared)?", _copies_arrive),
    intrinsic(r"mbarrier\.init(\.shared)?", _init),
    intrinsic(r"mbarrier\.inval(\.shared)?", _nothing),
    intrinsic(rf"mbarrier\.arrive(?P<drop>\.drop)?(\.noComplete)?(\.shared)?{_SCOPE}", _arrive),
    intrinsic(rf"mbarrier(?P<arrive>\.arrive)?\.expect\.tx{_SCOPE}", _expect),
    intrinsic(rf"mbarrier\.complete\.tx{_SCOPE}", _complete),
    intrinsic(rf"mbarrier\.(?P<kind>test|try)\.wait(\.parity)?(\.tl)?(\.shared)?{_SCOPE}(\.tl)?", _test, waits=True),
    intrinsic(r"membar\.(gl|sys)|fence\.(acq_rel|sc)\.(gpu|sys|cluster)|fence\.sc\.cluster", _fence),
    intrinsic(r"membar\.cta|fence\.acq_rel\.cta|fence\.mbarrier_init[\w.]*", _nothing),
    intrinsic(r"fence\.proxy\.(?!async)[\w.]*|setmaxnreg\.(inc|dec)[\w.]*", _nothing),
    intrinsic(r"mapa(\.shared\.cluster)?", _map),
)
