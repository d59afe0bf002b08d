"""What the lanes of a warp do together with words: shuffles, votes, reductions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i1, i32
from xdsl.ir import SSAValue

from weft.backends.sim.emit import Emitter
from weft.backends.sim.meanings.base import Meaning, part, struct_of, unword, word
from weft.dialects.nvvm.instruction import NvvmOp
from weft.dialects.upstream import llvm as ours

_SHUFFLES = ("up", "down", "idx", "bfly")
_REDUCTIONS = ("add", "umin", "umax", "min", "max", "and", "or", "xor")
_WITH_TRUTH = llvm.LLVMStructType.from_type_list([i32, i1])
_ALL = -1


def _shuffle(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    value, result = op.value("val"), op.results[0].type
    emit.bring(word(emit, value))
    emit.with_warp(op.value("thread_mask"))
    mode = emit.number(_SHUFFLES.index(op.word("kind") or ""))
    taken = emit.call("weft.shuffle", _WITH_TRUTH, mode, op.value("offset"), op.value("mask_and_clamp"))
    got = unword(emit, part(emit, taken, 0, i32), value.type)
    if not isinstance(result, llvm.LLVMStructType):
        return [got]
    return [struct_of(emit, result, [got, part(emit, taken, 1, i1)])]


def _redux(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    mask = op.value("mask_and_clamp")
    emit.bring(op.value("val"))
    emit.with_warp(mask)
    present = emit.value(llvm.AndOp(mask, emit.call("weft.present", i32)))
    return [emit.call("weft.reduce", i32, present, emit.number(_REDUCTIONS.index(op.word("kind") or "")))]


def _elect(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    """The first lane of those that are still there."""
    emit.with_warp(emit.number(_ALL))
    present = emit.call("weft.present", i32)
    bit = emit.value(llvm.ShlOp(emit.number(1), emit.call("weft.lane", i32)))
    lowest = emit.value(llvm.AndOp(present, emit.value(llvm.SubOp(emit.number(0), present))))
    return [emit.value(ours.ICmpOp("eq", lowest, bit))]


WARP: Mapping[str, Meaning] = {
    "shuffle": Meaning(_shuffle, True),
    "redux": Meaning(_redux, True),
    "elect": Meaning(_elect, True),
}
"""By the meaning's name."""
