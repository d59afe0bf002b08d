"""Products of a warpgroup: what they become, and the intrinsics that wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from weft.backends.sim.emit import PTR, Emitter
from weft.backends.sim.layout import State
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, intrinsic, part, struct_of
from weft.backends.sim.warpgroup import BRINGS, GroupProduct
from weft.dialects.nvvm import ShapeAttr
from weft.dialects.nvvm.instruction import NvvmOp

_OFFSETS = {name: int(place[1]) for name, place in (BRINGS.fields or {}).items()}
_REGISTER_BYTES = 4


def _facts(op: NvvmOp) -> GroupProduct:
    return GroupProduct(
        n=cast(ShapeAttr, op.properties["shape"]).sizes[1],
        a=op.word("typeA") or "",
        b=op.word("typeB") or "",
        d=op.word("typeD") or "",
        a_across=op.word("layoutA") == "col",
        b_across=op.word("layoutB") == "row",
        a_sign=1 if op.word("scaleA") == "one" else -1,
        b_sign=1 if op.word("scaleB") == "one" else -1,
        adds=op.word("scaleD") == "one",
        saturates=op.word("satfinite") == "satfinite",
    )


def multiply(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    """`wgmma.mma_async`: the registers lie in memory while Python makes the product."""
    before, type_ = op.value("inouts"), cast(llvm.LLVMStructType, op.results[0].type)
    registers = list(type_.types)
    memory = emit.memory(_REGISTER_BYTES * len(registers))
    places = [emit.place(memory, _REGISTER_BYTES * n) for n in range(len(registers))]
    for n, place in enumerate(places):
        emit.context.registers.passes.add(emit.store(part(emit, before, n, registers[n]), place))
    slot = emit.call("weft.slot", PTR)
    brought = {
        "registers": memory, "a": op.value("descriptorA"), "b": op.value("descriptorB"), "site": emit.site()
    }  # fmt: skip
    for name, value in brought.items():
        emit.store(value, emit.place(slot, _OFFSETS[name]))
    service = emit.context.services.number("wgmma", _facts(op))
    emit.wait(State.GROUP, emit.number(0), emit.number(service))
    given = [emit.load(place, kind) for place, kind in zip(places, registers, strict=True)]
    result = struct_of(emit, type_, given)
    if emit.context.checked:
        emit.context.registers.tickets[result] = emit.call("weft_sim_product", i32, emit.widen(emit.site()))
    return [result]


def _fence(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_product_fence")
    return []


def _commit(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_product_commit")
    return []


def _wait(emit: Emitter, call: Call) -> Sequence[SSAValue]:
    emit.do("weft_sim_product_wait", call.operands[0])
    return []


WARPGROUP: tuple[IntrinsicMeaning, ...] = (
    intrinsic(r"wgmma\.fence[\w.]*", _fence),
    intrinsic(r"wgmma\.commit_group[\w.]*", _commit),
    intrinsic(r"wgmma\.wait_group[\w.]*", _wait),
)
