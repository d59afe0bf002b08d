"""Intrinsics of bulk copies (TMA), of what orders them, and of launches that depend on each other.

What a thread asks for lies in its slot (:data:`weft.backends.sim.transfers.BRINGS`), and Python does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i32, i64
from xdsl.ir import SSAValue

from weft.backends.sim.emit import PTR, Emitter
from weft.backends.sim.guards import checked_pointer
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, intrinsic
from weft.backends.sim.tensor_maps import BYTES
from weft.backends.sim.transfers import OFFSETS, Commit, TensorLoad, TensorStore, Wait


@dataclass(frozen=True)
class _Nothing:
    """The facts of a service that has none."""


def _ask(emit: Emitter, kind: str, facts: object, **brought: SSAValue) -> Sequence[SSAValue]:
    """Have a service do something for the thread, which brings values by the names of their places."""
    slot = emit.call("weft.slot", PTR)
    for name, value in (*brought.items(), ("site", emit.site())):
        place, _, number = name.partition("_")
        emit.store(value, emit.place(slot, OFFSETS[place] + 4 * int(number or 0)))
    emit.do("weft_sim_ask", emit.number(emit.context.services.number(kind, facts), i64))
    return []


def _numbers(values: Sequence[SSAValue]) -> dict[str, SSAValue]:
    return {f"numbers_{n}": value for n, value in enumerate(values)}


def _mask(emit: Emitter, mask: SSAValue, given: SSAValue) -> SSAValue:
    """The blocks that a copy is for; 0 where no mask is given."""
    return emit.value(llvm.MulOp(emit.value(llvm.ZExtOp(mask, i32)), emit.truth(given)))


def _load_tensor(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    rank = int(call.parts["rank"] or 0)
    to, barrier, tensor, *rest = call.operands
    mask = emit.number(0) if call.parts["own"] else _mask(emit, rest[-5], rest[-3])
    facts = TensorLoad(rank)
    return _ask(emit, "tensor.load", facts, here=to, there=tensor, barrier=barrier, mask=mask, **_numbers(rest[:rank]))


def _store_tensor(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    rank = int(call.parts["rank"] or 0)
    source, tensor, *rest = call.operands
    return _ask(emit, "tensor.store", TensorStore(rank), here=source, there=tensor, **_numbers(rest[:rank]))


def _load_bytes(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    to, barrier, source, size, mask, _, given, _ = call.operands
    blocks = _mask(emit, mask, given)
    return _ask(emit, "bulk.load", _Nothing(), here=to, there=source, barrier=barrier, mask=blocks, **_numbers([size]))


def _store_bytes(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    to, source, size, *_ = call.operands
    return _ask(emit, "bulk.store", _Nothing(), here=source, there=to, **_numbers([size]))


def _commit(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return _ask(emit, "bulk.commit", Commit())


def _wait(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    return _ask(emit, "bulk.wait", Wait(reads_only=bool(call.parts["read"])), **_numbers(call.operands))


def _prefetch(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """Nothing is brought nearer; the map must be there."""
    if emit.context.checked:
        checked_pointer(emit, call.operands[0], BYTES, 0)
    return []


def _fence(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_fence_proxy")
    return []


def _nothing(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    """A launch begins here when the one before has ended."""
    return []


BULK: tuple[IntrinsicMeaning, ...] = (
    intrinsic(r"cp\.async\.bulk\.tensor\.g2s\.(?P<own>cta\.)?tile\.(?P<rank>[1-5])d", _load_tensor),
    intrinsic(r"cp\.async\.bulk\.tensor\.s2g\.tile\.(?P<rank>[1-5])d", _store_tensor),
    intrinsic(r"cp\.async\.bulk\.global\.to\.shared\.cluster", _load_bytes),
    intrinsic(r"cp\.async\.bulk\.shared\.cta\.to\.global", _store_bytes),
    intrinsic(r"cp\.async\.bulk\.commit\.group", _commit),
    intrinsic(r"cp\.async\.bulk\.wait\.group(?P<read>\.read)?", _wait),
    intrinsic(r"prefetch\.tensormap(\.p\d)?", _prefetch),
    intrinsic(r"fence\.proxy\.async[\w.]*", _fence),
    intrinsic(r"griddepcontrol\.(wait|launch\.dependents)", _nothing),
)
